"""A run that is killed (SIGKILL) at a write is completed by the same command, with the bytes that its vault says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.secrets.conftest import FULL, ROOT, TOKEN

if TYPE_CHECKING:
    from tests.secrets.conftest import Workspace

VAULT, CERTIFICATE, MANIFEST, LAST = 0, 1, 2, 6


def killed(workspace: Workspace, write: int, moment: str) -> None:
    command = [sys.executable, "-m", "tests.secrets.driver", str(workspace.folder), str(write), moment]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **TOKEN}, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.mark.parametrize(
    ("write", "moment"),
    [(VAULT, "after"), (CERTIFICATE, "before"), (CERTIFICATE, "after"), (MANIFEST, "before"), (LAST, "before")],
)
def test_after_the_vault_was_saved_nothing_is_made_again(workspace: Workspace, write: int, moment: str) -> None:
    killed(workspace, write, moment)
    vault = workspace.vault.read_bytes()
    begun = workspace.files()
    workspace.seal()
    assert workspace.vault.read_bytes() == vault
    whole = workspace.files()
    assert sorted(whole) == sorted(["secrets/catalogue.yaml", "secrets/sealing-cert.pem", *manifests(workspace)])
    assert {name: begun[name] for name in begun if name in whole} == {
        name: whole[name] for name in begun if name in whole
    }
    for name in manifests(workspace):
        (workspace.root / name).unlink()
    workspace.seal()
    assert workspace.files() == whole


def test_before_the_vault_was_saved_the_run_starts_over(workspace: Workspace) -> None:
    killed(workspace, VAULT, "before")
    assert not workspace.vault.exists()
    assert list(workspace.files()) == ["secrets/catalogue.yaml"]
    assert len(workspace.seal().made) == FULL.count("- namespace:")
    assert [path.name for path in workspace.folder.iterdir() if path.is_file()] == ["vault.age"]


def manifests(workspace: Workspace) -> list[str]:
    return [secret.manifest_path for secret in workspace.catalogue().secrets]
