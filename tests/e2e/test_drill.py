"""A drill on the real etcd, API server and sealed-secrets controller, as a person holds it; it needs no bed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from generator.drill.cluster import AS_POD
from generator.drill.programs import PROGRAMS
from tests.conftest import require_tool
from tests.e2e.bed.waiting import wait_for
from tests.pipeline.world import FMC, Finished, World
from tests.toolchain.build import tools_folder

if TYPE_CHECKING:
    from collections.abc import Callable

_MEMORY, _LOG = Path("/dev/shm"), "fmc-drill-*/control-plane/sealed-secrets-controller.log"
MANIFEST = "argocd/secrets/traefik/traefik-dashboard-auth.sealed.yaml"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A machine with a backup."""
    world = World(tmp_path_factory.mktemp("drill") / "world").make()
    assert world.new("--push").code == 0
    backup(world)
    return world


def backup(world: World) -> None:
    done = world.fmc("backup", "../home.age", "--force", cwd=world.workspace)
    assert done.code == 0, done.err


def drill(world: World, *options: str) -> Finished:
    for name in PROGRAMS:
        require_tool(name)
    variables = {"FMC_TOOLS_DIR": str(tools_folder())}
    return world.fmc("drill", str(world.folder / "home.age"), *options, cwd=world.workspace, env=variables)


def running() -> list[str]:
    """The programs of drills that run on this machine."""
    listed = subprocess.run(["ps", "axo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if "fmc-drill-" in line]


def test_all_secrets_of_a_backup_come_back(world: World, evidence: Callable[[str], None]) -> None:
    done = drill(world, "--output", "json", "--report", str(world.folder / "drills"))
    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert document["passed"]
    assert len(document["secrets"]) >= 5
    assert all(one["compared"] == one["keys"] > 0 for one in document["secrets"])
    (page,) = (world.folder / "drills").iterdir()
    assert all(name in page.read_text() for name in PROGRAMS)
    assert sum(needle in page.read_bytes() for needle in world.needles()) == 0
    evidence(f"drill: {len(document['secrets'])} Secrets came back, byte by byte")
    assert running() == []
    assert list(Path("/dev/shm").glob("fmc-drill-*")) == []


def test_what_the_controller_cannot_unseal_is_named(world: World) -> None:
    text = (world.workspace / MANIFEST).read_text()
    ciphertext = text.partition('"users": "')[2].partition('"')[0]
    changed = text.replace(ciphertext, ciphertext[:-20] + "AAAA" + ciphertext[-16:])
    world.commit("argocd", {MANIFEST.removeprefix("argocd/"): changed})
    backup(world)
    done = drill(world)
    assert done.code == 1
    assert "4 of 5 Secrets came back as they were." in done.out
    assert "no key could decrypt secret" in done.out
    assert running() == []


def test_a_drill_that_is_killed_leaves_nothing_to_read(world: World) -> None:
    """Its programs end with it. What etcd has written stays, and is encrypted with a key that is gone."""
    command = [str(FMC), "drill", str(world.folder / "home.age")]
    variables = world.environment | {"FMC_TOOLS_DIR": str(tools_folder())}
    held = subprocess.Popen(command, cwd=world.workspace, env=variables, stderr=subprocess.DEVNULL)
    unsealed = wait_for(
        "an unsealed Secret", lambda: [log for log in _MEMORY.glob(_LOG) if b"Unsealed" in log.read_bytes()]
    )
    held.kill()
    held.wait()
    wait_for("its programs to end", lambda: running() == [])
    folder = unsealed[0].parent
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.name == "db" for path in files)
    assert sum(needle in path.read_bytes() for path in files for needle in world.needles()) == 0
    assert drill(world, "--level", "restore").code == 1
    assert not folder.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_no_root_is_needed(world: World) -> None:
    """The one thing that could need it, the controller's view of the path where a pod has its token."""
    folder = Path("/tmp", f"fmc-e2e-nobody-{os.getpid()}")
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    command = ["setpriv", "--reuid=65534", "--clear-groups", "unshare", "--user", "--map-root-user", "--mount"]
    try:
        done = subprocess.run([*command, "sh", "-c", AS_POD, "sh", str(folder), "true"], check=False)
        assert done.returncode == 0
    finally:
        folder.rmdir()
