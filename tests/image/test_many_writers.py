"""Eight builds that never pause write to one branch, over HTTP and over SSH: each bump arrives, and none is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import require_tool
from tests.delivery.gitserver import GitServer
from tests.delivery.sshserver import shared_connection, ssh_server
from tests.delivery.workspace import git
from tests.image.bumping import MAIN, Apps, digest, image, make_apps

WRITERS, BUMPS = 8, 6
# Bumps that were overtaken, by the number of bumps.
MOST_OVERTAKEN = 1.1


def race(apps: Apps, names: list[str]) -> float:
    """Let writers bump at the same time, look at every commit, and return how often one was overtaken on average."""

    def build(writer: int) -> list[int]:
        overtaken = []
        for number in range(BUMPS):
            app = names[writer % len(names)]
            done = apps.bump(app, image(app, 100 * writer + number + 1), "--env", "staging")
            assert done.code == 0, done.err + done.out
            assert done.document["changed"]
            overtaken.append(done.document["overtaken"])
        return overtaken

    with ThreadPoolExecutor(WRITERS) as builders:
        overtaken = [count for counts in builders.map(build, range(WRITERS)) for count in counts]
    assert len(overtaken) == WRITERS * BUMPS
    history = git(apps.remote, "log", "--format=%(trailers:key=Bumped-Image,valueonly,separator=%x2C)", MAIN)
    made = [
        image(names[writer % len(names)], 100 * writer + number + 1)
        for writer in range(WRITERS)
        for number in range(BUMPS)
    ]
    assert sorted(filter(None, history.splitlines())) == sorted(made)
    assert len(apps.commits()) == len(made) + 2
    assert git(apps.remote, "rev-list", "--merges", MAIN) == ""
    return sum(overtaken) / len(overtaken)


@pytest.mark.parametrize("files", ["different files", "the same line"])
def test_over_http(tmp_path: Path, files: str) -> None:
    names = [f"app{number}" for number in range(WRITERS)] if files == "different files" else ["shop"]
    apps = make_apps(tmp_path, tuple(names))
    with GitServer(tmp_path, token="t0ken") as server:
        apps.url = f"{server.url}/apps.git"
        apps.variables = {"FMC_GIT_TOKEN": "t0ken", "FMC_GIT_USER": "ci"}
        assert race(apps, names) <= MOST_OVERTAKEN
    if files == "different files":
        for writer, name in enumerate(names):
            assert digest(100 * writer + BUMPS) in apps.overlay(name)


@pytest.mark.tools
def test_over_ssh(tmp_path: Path) -> None:
    apps = make_apps(tmp_path)
    with (
        ssh_server(require_tool("sshd"), tmp_path / "keys") as (host, command),
        shared_connection(host, command) as shared,
    ):
        apps.url = f"{host}{apps.remote}"
        apps.variables = {"GIT_SSH_COMMAND": shared}
        assert race(apps, ["shop"]) <= MOST_OVERTAKEN
