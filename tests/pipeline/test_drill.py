"""`fmc drill`: what a backup brings back, and what is left of a drill. Real servers are in tests/e2e/test_drill.py."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.pipeline.world import FMC, Finished, World
from tests.side_by_side import alone, common_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

FirstRun = tuple[World, Finished]
MANIFEST = "argocd/secrets/traefik/traefik-dashboard-auth.sealed.yaml"
SYSTEM = ("git", "sh", "sleep", "mount", "setpriv", "unshare")
_MEMORY = Path("/dev/shm")


@pytest.fixture(autouse=True)
def _one_at_a_time(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Each looks at what is left of its own drill, and others run side by side."""
    with alone(common_folder(tmp_path_factory) / "drill.lock"):
        yield


@pytest.fixture
def world(first_run: FirstRun, tmp_path: Path) -> World:
    """A machine with a backup, on which the programs of a control plane are not installed."""
    world = first_run[0].copy(tmp_path / "world")
    assert world.fmc("backup", "../home.age", cwd=world.workspace).code == 0
    (world.folder / "bin").mkdir()
    for name in SYSTEM:
        found = shutil.which(name)
        assert found, name
        (world.folder / "bin" / name).symlink_to(found)
    return world


def drill(world: World, *options: str) -> Finished:
    """Hold a drill, without any program that is not one of `SYSTEM` or a stand-in."""
    variables = {"PATH": str(world.folder / "bin"), "FMC_TOOLS_DIR": str(world.folder / "tools")}
    arguments = ("drill", str(world.folder / "home.age"), *options)
    before = left()
    done = world.fmc(*arguments, cwd=world.workspace, env=variables)
    assert left() == before
    return done


def left() -> set[str]:
    """The folders of drills that there are."""
    return {
        path.name for place in (_MEMORY, Path(os.environ.get("TMPDIR", "/tmp"))) for path in place.glob("fmc-drill-*")
    }


def stand_in(world: World, name: str, script: str) -> None:
    """Put a program in the place of one of the control plane."""
    folder = world.folder / "tools"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_everything_comes_back_and_the_workspace_notes_the_date(world: World) -> None:
    done = drill(world, "--level", "restore", "--report", str(world.folder / "drills"), "--output", "json")
    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert (document["passed"], document["noted"], document["level"]) == (True, True, "restore")
    assert all(one["compared"] == one["keys"] > 0 and one["problems"] == [] for one in document["secrets"])
    assert "traefik/traefik-dashboard-auth" in [one["secret"] for one in document["secrets"]]
    (page,) = (world.folder / "drills").iterdir()
    assert page.name.startswith("drill-home-")
    assert "**Passed: 5 of 5 Secrets" in page.read_text()
    assert json.loads((world.workspace / ".fmc" / "drill.json").read_text())["made"] == document["held"]
    assert not any(needle in page.read_bytes() for needle in world.needles())


def test_elsewhere_nothing_is_noted(world: World) -> None:
    done = world.fmc("drill", str(world.folder / "home.age"), "--level", "restore", cwd=world.folder)
    assert (done.code, "not noted: this is no workspace of that cluster" in done.out) == (0, True)
    assert not (world.workspace / ".fmc" / "drill.json").exists()


def test_a_drill_that_is_due_is_a_warning(world: World) -> None:
    note = world.workspace / ".fmc" / "drill.json"
    note.write_text('{"made": "2026-01-31T00:00:00+00:00"}\n')
    due = "the last drill that went well was on 2026-01-31 [backup/drill-due]"
    assert due in world.fmc("check", cwd=world.workspace).err
    assert drill(world, "--level", "restore").code == 0
    assert "backup/drill-due" not in world.fmc("check", cwd=world.workspace).err


def test_what_does_not_come_back_is_named_and_not_noted(world: World) -> None:
    """A manifest was damaged, and committed past every check."""
    text = (world.workspace / MANIFEST).read_text()
    ciphertext = text.partition('"users": "')[2].partition('"')[0]
    changed = text.replace(ciphertext, ciphertext[:-20] + "AAAA" + ciphertext[-16:])
    world.commit("argocd", {MANIFEST.removeprefix("argocd/"): changed})
    assert world.fmc("backup", "../home.age", "--force", cwd=world.workspace).code == 0
    done = drill(world, "--level", "restore")
    assert done.code == 1
    assert "no sealing key of the vault opens users" in done.out
    assert "4 of 5 Secrets came back as they were." in done.out
    assert not (world.workspace / ".fmc" / "drill.json").exists()


def test_without_its_programs_a_drill_says_which_and_what_else_there_is(world: World) -> None:
    stand_in(world, "etcd", "exit 1")
    done = drill(world)
    assert done.code == 4
    assert "needs kube-apiserver, sealed-secrets-controller, which are neither on PATH nor in FMC_TOOLS_DIR" in done.err
    assert "`fmc drill --level restore FILE`" in done.err
    assert drill(world, "--level", "restore").code == 0


def test_a_program_that_ends_is_named_with_what_it_said(world: World) -> None:
    for name in ("kube-apiserver", "sealed-secrets-controller"):
        stand_in(world, name, "exit 1")
    stand_in(world, "etcd", "echo 'the disk is on fire' >&2; exit 3")
    done = drill(world)
    assert (done.code, "etcd ended; it said:\nthe disk is on fire" in done.err) == (4, True)
    assert drill(world, "--level", "restore").code == 0


def test_a_program_that_is_slow_gets_more_time(world: World) -> None:
    stand_in(world, "etcd", "sleep 2; echo late >&2; exit 3")
    for name in ("kube-apiserver", "sealed-secrets-controller"):
        stand_in(world, name, "exit 1")
    done = drill(world, "--timeout", "1")
    assert (done.code, "waited 1 s for etcd, in vain" in done.err, "--timeout" in done.err) == (4, True, True)
    assert "it said:\nlate" in drill(world, "--timeout", "60").err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_drill_that_is_stopped_leaves_no_program_and_nothing_to_read(world: World, number: signal.Signals) -> None:
    """After SIGKILL its folder stays, for the next drill to remove; no secret is in it."""
    for name in ("kube-apiserver", "sealed-secrets-controller"):
        stand_in(world, name, "exit 1")
    process_file = world.folder / "etcd.pid"
    stand_in(world, "etcd", f"echo $$ > {process_file}; exec sleep 600")
    before = left()
    variables = {"PATH": f"{world.folder / 'bin'}", "FMC_TOOLS_DIR": str(world.folder / "tools")}
    running = subprocess.Popen(
        [str(FMC), "drill", str(world.folder / "home.age")],
        cwd=world.workspace,
        env=world.environment | variables,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while not (process_file.exists() and process_file.read_text().strip()):
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    running.send_signal(number)
    _, said = running.communicate(timeout=60)
    assert running.returncode == (-9 if number is signal.SIGKILL else 130), said
    assert b"Traceback" not in said
    etcd = Path("/proc", process_file.read_text().strip(), "cmdline")
    while etcd.exists() and etcd.read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    leftovers = left() - before
    assert len(leftovers) == (number is signal.SIGKILL)
    files = [path for name in leftovers for path in (_MEMORY / name).rglob("*") if path.is_file()]
    assert sum(needle in path.read_bytes() for path in files for needle in world.needles()) == 0
    assert world.fmc("drill", str(world.folder / "home.age"), "--level", "restore").code == 0
    assert left() - before == set()
