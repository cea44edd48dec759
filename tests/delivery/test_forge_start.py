"""Remotes that a forge made with a README or a licence, behind a real server. Faults B2."""

from __future__ import annotations

import dataclasses
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from generator.delivery.model import Delivered
from generator.delivery.remote.ask import ask_all
from generator.delivery.remote.clone import clone_missing
from generator.delivery.remote.forge_start import take_over
from generator.delivery.remote.ready import remotes_ready
from generator.errors import ConflictError
from tests.delivery.gitserver import GitServer
from tests.delivery.processes import Moment, is_killed
from tests.delivery.workspace import Workspace, git, make_remote

FORGES: Mapping[str, Mapping[str, str]] = {
    "a README": {"README.md": "# infra\n"},
    "a README, a licence and an ignore file": {
        "README.md": "# infra\nMade by the forge.\n",
        "LICENSE": "Apache License\n",
        ".gitignore": "*.tfstate\n",
    },
    "a licence alone": {"LICENSE.md": "Apache License\n"},
}
OTHERS: Mapping[str, Mapping[str, str]] = {
    "a program": {"README.md": "# infra\n", "main.go": "package main\n"},
    "a folder": {"README.md": "# infra\n", "docs/README.md": "# docs\n"},
}


@pytest.fixture
def served(workspace: Workspace) -> Iterator[Workspace]:
    with GitServer(workspace.root / "remotes") as server:
        workspace.targets = [
            dataclasses.replace(target, url=f"{server.url}/{target.part}.git") for target in workspace.targets
        ]
        yield workspace


def begin(workspace: Workspace, part: str, files: Mapping[str, str]) -> str:
    """Commit files on a remote as its forge does; return the commit."""
    clone = workspace.root / "forge" / part
    git(workspace.root, "clone", "--quiet", str(workspace.remote(part)), str(clone))
    for name, content in files.items():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text(content)
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message=Initial commit")
    git(clone, "push", "--quiet", "origin", "HEAD:main")
    return git(clone, "rev-parse", "HEAD")


def push(workspace: Workspace) -> tuple[Delivered, ...]:
    take_over(ask_all(workspace.targets), author=None, progress=workspace.heard.append)
    return workspace.push()


@pytest.mark.parametrize("forge", FORGES)
def test_what_a_forge_began_is_taken_over(served: Workspace, forge: str) -> None:
    first = begin(served, "infra", FORGES[forge])
    rendered = (served.target("infra").path / "README.md").read_text()
    served.commit()
    root = served.heads()["infra"]
    delivered = push(served)
    assert all(one.changed for one in delivered)
    infra = served.target("infra").path
    assert served.remote_heads() == served.heads()
    assert git(served.remote("infra"), "log", "-1", "--format=%P", "main") == f"{root} {first}"
    assert (infra / "README.md").read_text() == rendered
    for name, content in FORGES[forge].items():
        if name != "README.md":
            assert (infra / name).read_text() == content
    assert git(infra, "status", "--porcelain") == ""
    assert not any(one.changed for one in push(served))


def test_a_new_repository_may_be_made_for_what_a_forge_began(served: Workspace) -> None:
    begin(served, "infra", FORGES["a README"])
    away = [dataclasses.replace(one, path=served.root / "new" / one.part) for one in served.targets]
    assert [answer.tip is None for answer in remotes_ready(away)] == [False, True, True]


@pytest.mark.parametrize("other", OTHERS)
def test_a_remote_that_holds_something_else_is_refused_before_and_during_a_push(served: Workspace, other: str) -> None:
    first = begin(served, "infra", OTHERS[other])
    away = [dataclasses.replace(one, path=served.root / "new" / one.part) for one in served.targets]
    with pytest.raises(ConflictError, match="holds something else; it was not touched") as caught:
        remotes_ready(away)
    assert "repositories: {infra: NAME}" in (caught.value.fix or "")
    served.commit()
    with pytest.raises(ConflictError, match="holds another history"):
        push(served)
    assert served.remote_heads() == {"infra": first}


def test_a_file_that_was_there_once_makes_it_something_else(served: Workspace) -> None:
    begin(served, "infra", OTHERS["a program"])
    clone = served.root / "forge" / "infra"
    git(clone, "rm", "--quiet", "main.go")
    git(clone, "commit", "--quiet", "--message=Start again")
    git(clone, "push", "--quiet", "origin", "HEAD:main")
    with pytest.raises(ConflictError, match="holds something else"):
        remotes_ready([dataclasses.replace(served.target("infra"), path=served.root / "new")])


def test_what_another_clone_delivered_is_cloned_as_the_remedy_says(served: Workspace) -> None:
    served.commit()
    push(served)
    away = dataclasses.replace(served.target("infra"), path=served.root / "second" / "infra")
    with pytest.raises(ConflictError, match="with rendered files already") as caught:
        remotes_ready([away])
    subprocess.run(shlex.split((caught.value.fix or "").split("`")[1]), check=True, capture_output=True)
    assert remotes_ready([away])[0].tip == git(away.path, "rev-parse", "HEAD")


def test_a_repository_that_is_gone_is_cloned_if_it_was_delivered(served: Workspace, tmp_path: Path) -> None:
    """Faults E15: it was made anew, with a history that its remote then refused."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    heard: list[str] = []
    served.commit()
    clone_missing(served.targets, served.state.read(), scratch, heard.append)
    push(served)
    heads = served.heads()
    for part in ("infra", "argocd"):
        shutil.rmtree(served.target(part).path)
    make_again = served.remote("argocd")
    shutil.rmtree(make_again)
    make_remote(make_again)
    clone_missing(served.targets, served.state.read(), scratch, heard.append)
    assert heard == [f"infra: cloned from {served.target('infra').url}, where it was delivered before"]
    assert git(served.target("infra").path, "rev-parse", "HEAD") == heads["infra"]
    assert git(served.target("infra").path, "config", "remote.origin.url") == served.target("infra").url
    assert not served.target("argocd").path.exists()


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("command", ["fetch", "read-tree", "commit-tree", "merge"])
def test_a_killed_takeover_is_completed(workspace: Workspace, tmp_path: Path, command: str, moment: Moment) -> None:
    first = begin(workspace, "infra", FORGES["a README, a licence and an ignore file"])
    workspace.commit()
    root = workspace.heads()["infra"]
    assert is_killed(lambda: push(workspace), tmp_path / "kill", command, moment)
    assert all(one.changed for one in push(workspace))
    assert workspace.remote_heads() == workspace.heads()
    assert git(workspace.remote("infra"), "log", "-1", "--format=%P", "main") == f"{root} {first}"
    assert git(workspace.target("infra").path, "status", "--porcelain") == ""
