"""The folder in which trees are made is empty at the start of a run, whatever the run before left in it."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

import pytest

from generator.errors import WriteError
from generator.pipeline.steps.staging import staging_folder
from generator.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path


def test_it_is_empty_and_goes_with_the_folders_that_were_made_for_it(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace")
    (workspace.staging / "infra").mkdir(parents=True)
    with staging_folder(workspace) as folder:
        assert list(folder.iterdir()) == []
        (folder / "file").touch()
    assert not workspace.root.exists()


def test_a_program_that_outlives_its_killed_run_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it writes between the look into a folder and the folder's removal keeps it there."""
    workspace = Workspace(tmp_path / "workspace")
    (workspace.staging / "infra").mkdir(parents=True)
    remove, busy = shutil.rmtree, iter([True, True])

    def remove_unless_busy(folder: Path, *, ignore_errors: bool) -> None:
        if not next(busy, False):
            remove(folder, ignore_errors=ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", remove_unless_busy)
    with staging_folder(workspace) as folder:
        assert list(folder.iterdir()) == []


def test_what_can_not_be_removed_is_an_error_that_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace(tmp_path / "workspace")
    workspace.staging.mkdir(parents=True)
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with pytest.raises(WriteError, match="staging"), staging_folder(workspace):
        pass
