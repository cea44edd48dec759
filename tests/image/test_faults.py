"""Whatever fails on the way: no success that isn't one, nobody's commit lost, and the same command completes it."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.delivery.gitserver import CUT, MUTE, GitServer
from tests.delivery.workspace import git, hook
from tests.image.bumping import MAIN, Apps, digest, image, make_apps

TOKEN = "t0ken-that-nobody-may-see"
BUMP = ("shop", image("shop", 1), "--env", "staging")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with GitServer(tmp_path, token=TOKEN) as running:
        yield running


@pytest.fixture
def apps(tmp_path: Path, server: GitServer) -> Apps:
    made = make_apps(tmp_path)
    made.url = f"{server.url}/apps.git"
    made.variables = {"FMC_GIT_TOKEN": TOKEN, "FMC_GIT_USER": "ci"}
    return made


def assert_it_completes(apps: Apps, before: str) -> None:
    """Run the same command again, and look at what everybody has."""
    done = apps.bump(*BUMP)
    assert done.code == 0, done.out
    assert digest(1) in apps.overlay()
    assert before in apps.commits()
    assert git(apps.remote, "log", "--format=%(trailers:key=Bumped-Image)", MAIN).count("Bumped-Image") == 1


@pytest.mark.parametrize("fault", [CUT, 500, 503])
def test_what_passes_is_tried_again(apps: Apps, server: GitServer, fault: int) -> None:
    server.faults = [fault, fault]
    done = apps.bump(*BUMP)
    assert done.code == 0, done.out
    assert digest(1) in apps.overlay()
    assert server.faults == []


def test_an_answer_that_got_lost_is_found_again(apps: Apps, server: GitServer) -> None:
    server.faults = [MUTE]
    before = apps.tip()
    done = apps.bump(*BUMP)
    assert (done.code, done.document["changed"]) == (0, False)
    assert apps.commits()[1] == before


@pytest.mark.parametrize("fault", [CUT, 500])
def test_what_does_not_pass_is_a_failure(apps: Apps, server: GitServer, fault: int) -> None:
    server.faults = [fault] * 50
    before = apps.tip()
    done = apps.bump(*BUMP)
    assert done.code == 4
    assert "can't be reached" in done.document["error"]
    assert apps.tip() == before
    server.faults = []
    assert_it_completes(apps, before)


@pytest.mark.parametrize("fault", [401, 403])
def test_refused_credentials_are_not_tried_again(apps: Apps, server: GitServer, fault: int) -> None:
    """Such as a token that expired between fetch and push."""
    server.faults = [fault]
    before = apps.tip()
    done = apps.bump(*BUMP)
    assert done.code == 4
    assert "refused the credentials" in done.document["error"]
    assert apps.tip() == before
    assert_it_completes(apps, before)


def test_a_wrong_token_is_told_at_once(apps: Apps) -> None:
    apps.variables["FMC_GIT_TOKEN"] = "wrong"
    done = apps.bump(*BUMP)
    assert done.code == 4
    assert "refused the credentials" in done.document["error"]


def test_a_hook_that_declines_is_quoted(apps: Apps) -> None:
    hook(apps.remote, "pre-receive", "echo 'GL-HOOK-ERR: main is protected' >&2; exit 1")
    before = apps.tip()
    done = apps.bump(*BUMP)
    assert done.code == 4
    assert "main is protected" in done.document["error"]
    assert apps.tip() == before
    hook(apps.remote, "pre-receive", "exit 0")
    assert_it_completes(apps, before)


@pytest.mark.parametrize("force", [False, True])
def test_what_somebody_pushes_in_between_stays(apps: Apps, tmp_path: Path, force: bool) -> None:
    """The server lets a person's push pass between our fetch and our push; with force they replace the last commit."""
    theirs = apps.push_by_hand("before.md")
    made = tmp_path / "made"
    # Once: a person pushes a commit while ours waits at the door.
    commit = f"$(git commit-tree -p {MAIN}{'^' if force else ''} -m theirs {MAIN}^{{tree}})"
    person = "GIT_AUTHOR_NAME=p GIT_AUTHOR_EMAIL=p@x GIT_COMMITTER_NAME=p GIT_COMMITTER_EMAIL=p@x"
    clean = "unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES"
    once = f"test -e {made} || {{ touch {made}; {clean}; export {person}; git update-ref {MAIN} {commit}; }}"
    hook(apps.remote, "pre-receive", once)
    done = apps.bump(*BUMP)
    assert done.code == 0, done.out
    assert made.exists()
    assert done.document["overtaken"] == 1
    assert git(apps.remote, "log", "--format=%s", "-2", MAIN).splitlines()[1] == "theirs"
    assert (theirs in apps.commits()) is not force


def test_a_remote_whose_history_was_replaced_is_taken_as_it_is(apps: Apps) -> None:
    apps.bump(*BUMP)
    gone = apps.tip()
    kept = apps.push_by_hand("instead.md", force=True)
    done = apps.bump(*BUMP)
    assert (done.code, done.document["changed"]) == (0, True)
    assert apps.commits()[1] == kept
    assert gone not in apps.commits()


def test_a_repository_that_moved_does_not_get_the_token(apps: Apps, server: GitServer, tmp_path: Path) -> None:
    with GitServer(tmp_path, token=TOKEN) as other:
        server.moved_to = other.url
        assert apps.bump(*BUMP).code == 4
        assert other.seen == []


def test_nobody_sees_the_token(apps: Apps, server: GitServer, tmp_path: Path) -> None:
    """Neither in the process list nor in a file, and not where everything is traced or the server echoes it."""
    basic = base64.b64encode(f"ci:{TOKEN}".encode()).decode()
    hook(apps.remote, "pre-receive", f"echo 'you are {TOKEN}, {basic}' >&2; sleep 0.5; exit 1")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    traces = dict.fromkeys(("GIT_TRACE", "GIT_CURL_VERBOSE", "GIT_TRACE_CURL", "GIT_TRACE2"), "1")
    apps.variables |= {"TMPDIR": str(scratch), **traces}
    running = apps.start(*BUMP)
    seen, files = "", b""
    while running.poll() is None:
        lists = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        seen += lists
        for path in scratch.rglob("*"):
            if path.is_file():
                try:
                    files += path.read_bytes()
                except FileNotFoundError:
                    continue
    out, err = running.communicate()
    assert running.returncode == 4
    assert "you are ***, ***" in out
    assert "bump-image" in seen
    assert b"[core]" in files
    for place in (out, err, seen, files.decode(errors="replace")):
        assert TOKEN not in place
        assert basic not in place
    assert list(scratch.iterdir()) == []


def test_a_password_in_the_address_is_refused(apps: Apps) -> None:
    apps.url = apps.url.replace("http://", "http://ci:secret@")
    done = apps.bump(*BUMP)
    assert done.code == 2
    assert "secret" not in done.out + done.err


def test_a_build_that_is_stopped_leaves_nothing_running(apps: Apps, tmp_path: Path) -> None:
    hook(apps.remote, "pre-receive", f"touch {tmp_path}/waiting; sleep 5")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    apps.variables["TMPDIR"] = str(scratch)
    before = apps.tip()
    running = apps.start(*BUMP)
    deadline = time.monotonic() + 60
    while not (tmp_path / "waiting").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(running.pid, signal.SIGTERM)
    running.communicate(timeout=30)
    assert running.returncode == 128 + signal.SIGTERM
    assert list(scratch.iterdir()) == []
    hook(apps.remote, "pre-receive", "exit 0")
    assert_it_completes(apps, before)
