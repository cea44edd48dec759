"""A disk that is full: a clear message, nothing half-made, and the same command completes when there is room."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.delivery.local.commits import commit_tree
from generator.delivery.local.repository import open_repository
from generator.delivery.model import Target
from generator.errors import RemoteError, WriteError
from tests.conftest import skip_or_fail
from tests.delivery.processes import in_child, mount_small_disk
from tests.delivery.workspace import RUN, git, make_tree, make_workspace, rendered_again

_NOT_PERMITTED = 77


def on_small_disk(action: Callable[[Path], None], folder: Path, size: str = "1m") -> None:
    """Do something in a process that has a small disk of its own at a folder."""
    folder.mkdir()

    def act() -> None:
        if not mount_small_disk(folder, size):
            os._exit(_NOT_PERMITTED)
        action(folder)

    code = in_child(act)
    if code == _NOT_PERMITTED:
        skip_or_fail("mounting a file system is not permitted here")
    assert code == 0


def fill(disk: Path) -> Path:
    """Take all the room of a disk, and return the file that does."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as stream:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    stream.write(b"x" * size)
            except OSError:
                continue
    return filler


def test_a_first_commit(tmp_path: Path) -> None:
    def action(disk: Path) -> None:
        tree = Target("infra", make_tree(disk / "infra"), "/nowhere.git", "main")
        filler = fill(disk)
        with pytest.raises(WriteError, match="No space left on device") as caught:
            commit_tree(tree, author=None, subject="x", run_id=RUN)
        assert caught.value.exit_code == 4
        assert "Free some space" in (caught.value.fix or "")
        filler.unlink()
        shutil.rmtree(tree.path / ".git", ignore_errors=True)
        assert commit_tree(tree, author=None, subject="x", run_id=RUN).changed

    on_small_disk(action, tmp_path / "disk")


@pytest.mark.parametrize("room", [0, 8, 28, 36, 44, 52, 60])
def test_a_replacement(tmp_path: Path, room: int) -> None:
    """With different room left, the disk is full at different steps."""

    def action(disk: Path) -> None:
        tree = Target("infra", make_tree(disk / "infra"), "/nowhere.git", "main")
        commit_tree(tree, author=None, subject="x", run_id=RUN)
        staging = make_tree(tmp_path / "second")
        (staging / "large.txt").write_bytes(os.urandom(1 << 14))
        filler = fill(disk)
        os.truncate(filler, filler.stat().st_size - (room << 10))
        try:
            rendered_again((tree, staging))
        except WriteError as error:
            assert "No space left on device" in error.message
        else:
            assert room
        filler.unlink()
        rendered_again((tree, staging))
        assert open_repository(tree, clean=True).head == git(tree.path, "rev-parse", "HEAD")
        assert git(tree.path, "rev-list", "--count", "HEAD") == "2"
        assert (tree.path / "large.txt").read_bytes() == (staging / "large.txt").read_bytes()

    on_small_disk(action, tmp_path / "disk")


def test_the_state_of_a_push(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "elsewhere")
    workspace.commit()

    def action(disk: Path) -> None:
        (workspace.root / "workspace" / ".fmc").symlink_to(disk)
        filler = fill(disk)
        with pytest.raises(WriteError, match="No space left on device"):
            workspace.push()
        assert workspace.remote_heads() == {}
        filler.unlink()
        workspace.push()
        assert workspace.remote_heads() == workspace.heads()

    on_small_disk(action, tmp_path / "disk")


def test_a_remote(tmp_path: Path) -> None:
    def action(disk: Path) -> None:
        workspace = make_workspace(tmp_path / "elsewhere")
        remote = workspace.remote("apps")
        shutil.move(remote, disk)
        remote.symlink_to(disk / remote.name)
        (workspace.target("apps").path / "large.bin").write_bytes(os.urandom(1 << 16))
        workspace.commit()
        filler = fill(disk)
        with pytest.raises(RemoteError, match=r"(?s)declined .*No space left on device"):
            workspace.push()
        assert workspace.remote_heads() == {}
        filler.unlink()
        workspace.push(workspace.state.unfinished_run() or RUN)
        assert workspace.remote_heads() == workspace.heads()

    on_small_disk(action, tmp_path / "disk")
