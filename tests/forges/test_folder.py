"""Bare repositories on a machine: made, guarded, and left alone where they are somebody else's."""

from __future__ import annotations

import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from generator.errors import ConflictError, RemoteError
from generator.forges.compare import Aim, differences
from generator.forges.locate import Settings, locate
from tests.conftest import require_tool
from tests.delivery.sshserver import ssh_server
from tests.forges.changes import rules_and_change

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    return subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(params=["here", "ssh"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a repository that is not there yet, in a folder with a blank in its name."""
    folder = tmp_path / "srv git"
    if request.param == "here":
        yield f"file://{folder}/team/infra.git"
        return
    with ssh_server(require_tool("sshd"), tmp_path / "ssh") as (base, command):
        monkeypatch.setenv("GIT_SSH_COMMAND", command)
        yield f"{base}{folder}/team/infra.git"


def test_a_folder_is_made_and_its_branch_guarded(url: str, tmp_path: Path) -> None:
    place = locate(url, Settings(kind="folder"), "")
    aim = Aim("infra", url, "main")
    assert rules_and_change(place, aim) == ["remotes/missing", "remotes/unguarded"]
    assert rules_and_change(place, aim) == []

    work = tmp_path / "work"
    work.mkdir()
    git(work, "init", "--quiet", "--initial-branch=main")
    git(work, "remote", "add", "origin", f"file://{tmp_path}/srv git/team/infra.git")
    for number in ("1", "2"):
        git(work, "commit", "--quiet", "--allow-empty", "--message", number)
    assert git(work, "push", "--quiet", "origin", "main").returncode == 0
    for refused, reason in (
        ("+HEAD~:main", "main is not set back here"),
        (":main", "deletion of the current branch prohibited"),
    ):
        done = git(work, "push", "origin", refused)
        assert (done.returncode, reason in done.stderr) == (1, True), done.stderr
    # Branches of people, and those that fmc makes during a push, stay free.
    for allowed in ("main:fmc-run-1", "+HEAD~:fmc-run-1", ":fmc-run-1"):
        assert git(work, "push", "--quiet", "origin", allowed).returncode == 0
    assert rules_and_change(place, aim) == []


def test_a_folder_and_a_hook_of_somebody_else_stay_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "infra.git"
    folder.mkdir()
    place, aim = locate(f"file://{folder}", Settings(), ""), Aim("infra", f"file://{folder}", "main")
    with pytest.raises(ConflictError, match="a folder, and no bare repository") as caught:
        differences(place, aim)
    # What it advises.
    assert "move that folder away" in (caught.value.fix or "")
    folder.rename(tmp_path / "their-folder")
    missing, _ = differences(place, aim)
    assert missing.change
    missing.change()
    hook = folder / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 0\n")
    with pytest.raises(ConflictError, match="a hook of somebody else's") as caught:
        differences(place, aim)
    assert hook.read_text() == "#!/bin/sh\nexit 0\n"
    # What it advises.
    assert "Move it away" in (caught.value.fix or "")
    hook.rename(tmp_path / "theirs")
    assert [one.rule.id for one in differences(place, aim)] == ["remotes/unguarded"]


def test_a_machine_that_lets_nobody_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_SSH_COMMAND", shlex.join(["sh", "-c", "echo no route >&2; exit 255"]))
    url = f"ssh://git@127.0.0.1:1{tmp_path}/infra.git"
    with pytest.raises(RemoteError, match=r"(?s)on git@127\.0\.0\.1 can't be looked after: .*no route") as caught:
        differences(locate(url, Settings(kind="folder"), ""), Aim("infra", url, "main"))
    assert "Correct what it names" in (caught.value.fix or "")
    # As the other machine does it: its shell gets what follows the name of the server.
    monkeypatch.setenv("GIT_SSH_COMMAND", shlex.join(["sh", "-c", 'shift 4; eval "$@"', "ssh"]))
    missing, _ = differences(locate(url, Settings(kind="folder"), ""), Aim("infra", url, "main"))
    assert missing.rule.id == "remotes/missing"
