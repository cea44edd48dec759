"""The cases: what fmc does, and the peer that it is compared with."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.bumping import bumping
from bench.environment import environment_of
from bench.measure import Case, timed
from bench.secrets import secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
ANSWERS = ROOT / "examples" / "ha.yaml"
LAYOUTS = ("infra", "argocd", "apps")
_BIN = Path(sys.executable).parent
_SEALED_VALUES = 200


def cases(scratch: Path) -> Iterator[Case]:
    """Yield all cases.

    Args:
        scratch: An empty folder to work in.
    """
    environment = environment_of(scratch)
    template = _template(scratch, environment)
    yield _whole(scratch, environment, template)
    yield _changed_answer(scratch, environment, template)
    yield _rendering(scratch, environment)
    yield Case(
        "fmc --help / python -c 'import click'",
        lambda: timed([str(_BIN / "fmc"), "--help"], environment),
        lambda: timed([sys.executable, "-c", "import click"], environment),
        goal=2.0,
        rounds=21,
    )
    yield Case(
        "fmc check --answers, whole process / 0.25 s",
        lambda: timed([str(_BIN / "fmc"), "check", "--answers", str(ANSWERS)], environment),
        lambda: 0.25,
        goal=1.0,
        rounds=15,
    )
    yield _check(scratch, environment)
    yield _sealing()
    yield from secrets(scratch, environment)
    yield bumping(scratch, environment)


def _template(scratch: Path, environment: dict[str, str]) -> Path:
    """Make a Git repository of the template, with a version."""
    template = scratch / "template"
    _run(["git", "clone", "--quiet", "--no-local", str(ROOT), str(template)], environment)
    _run(["git", "tag", "v1.0.0"], environment, template)
    return template


def _run(command: list[str], environment: dict[str, str], folder: Path | None = None) -> None:
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)


def _whole(scratch: Path, environment: dict[str, str], template: Path) -> Case:
    """Everything that `fmc new --push` does, compared with one copy by Copier from the same template's Git."""
    numbers = itertools.count()

    def ours() -> float:
        folder = scratch / f"whole-{next(numbers)}"
        for part in LAYOUTS:
            _run(["git", "init", "--quiet", "--bare", str(folder / "remotes" / f"{part}.git")], environment)
        command = [str(_BIN / "fmc"), "new", "--answers", str(ANSWERS), "--push", "--yes"]
        redirect = {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.file://{folder}/remotes/.insteadOf",
            "GIT_CONFIG_VALUE_0": "https://git.example.com/home/",
        }
        seconds = timed([*command, "--workspace", str(folder / "workspace")], environment | redirect)
        shutil.rmtree(folder)
        return seconds

    def peer() -> float:
        destination = scratch / f"copy-{next(numbers)}"
        command = [str(_BIN / "copier"), "copy", "--quiet", "--defaults", "--data-file", str(ANSWERS)]
        seconds = timed(
            [*command, "--data", "layout=monorepo", f"git+file://{template}", str(destination)], environment
        )
        shutil.rmtree(destination)
        return seconds

    return Case("fmc new --push, everything / copier copy (git) of the monorepo", ours, peer, goal=1.0)


def _changed_answer(scratch: Path, environment: dict[str, str], template: Path) -> Case:
    """One answer changed in repositories that people have worked in: every run gives another time zone."""
    workspace, monorepo = scratch / "changed", scratch / "updated"
    new = [str(_BIN / "fmc"), "new", "--answers", str(ANSWERS), "--yes", "--workspace", str(workspace)]
    copy = [str(_BIN / "copier"), "copy", "--quiet", "--defaults", "--data-file", str(ANSWERS)]
    _run(new, environment)
    _run([*copy, "--data", "layout=monorepo", f"git+file://{template}", str(monorepo)], environment)
    _run(["git", "init", "--quiet"], environment, monorepo)
    for folder in (*(workspace / part for part in LAYOUTS), monorepo):
        readme = folder / "README.md"
        readme.write_text(f"Mine.\n\n{readme.read_text()}")
        (folder / "mine.md").write_text("Mine.\n")
        _save(folder, environment)

    zones = ("Europe/Paris", "Europe/Rome")
    our_zones, peer_zones = itertools.cycle(zones), itertools.cycle(zones)

    def ours() -> float:
        return timed([*new, "--set", f"timezone={next(our_zones)}"], environment)

    def peer() -> float:
        update = [str(_BIN / "copier"), "update", "--quiet", "--defaults", "--data", f"timezone={next(peer_zones)}"]
        seconds = timed(update, environment, cwd=str(monorepo))
        _save(monorepo, environment)
        return seconds

    return Case(
        "fmc new, one answer changed, with people's edits / copier update of the monorepo", ours, peer, goal=0.5
    )


def _save(repository: Path, environment: dict[str, str]) -> None:
    _run(["git", "add", "--all"], environment, repository)
    _run(["git", "commit", "--quiet", "--message", "Mine"], environment, repository)


def _check(scratch: Path, environment: dict[str, str]) -> Case:
    """What `make demo` leaves, checked from files to commits."""
    workspace = scratch / "checked"
    new = [str(_BIN / "fmc"), "new", "--answers", str(ANSWERS), "--yes", "--workspace", str(workspace)]
    _run(new, environment)
    return Case(
        "fmc check of the demo's workspace, whole process / 1 s",
        lambda: timed([str(_BIN / "fmc"), "check", "--workspace", str(workspace)], environment),
        lambda: 1.0,
        goal=1.0,
        rounds=9,
    )


def _rendering(scratch: Path, environment: dict[str, str]) -> Case:
    """Rendering of the three repositories alone, each in a new process."""
    from generator.answers.load import load

    data = scratch / "data.json"
    data.write_text(json.dumps(load(ANSWERS, ROOT).data))
    numbers = itertools.count()

    def run(script: str) -> float:
        folder = scratch / f"rendering-{next(numbers)}"
        command = [sys.executable, str(ROOT / "bench" / script), str(ROOT), str(data)]
        seconds = timed([*command, *(f"{layout}={folder / layout}" for layout in LAYOUTS)], environment)
        shutil.rmtree(folder)
        return seconds

    return Case(
        "rendering three repositories / plain jinja2 over the same files",
        lambda: run("our_rendering.py"),
        lambda: run("plain_jinja2.py"),
        goal=1.35,
        rounds=9,
    )


def _sealing() -> Case:
    """Sealing a value compared with the RSA operation that it can't do without."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP

    from generator.secrets.catalogue.scope import Scope
    from generator.secrets.sealing.crypto import Sealer
    from generator.secrets.vault.keys import certificate_public_key, generate_sealing_key
    from generator.secrets.vault.plaintext import Plaintext

    certificate = generate_sealing_key().certificate.encode()
    sealer = Sealer(certificate)
    public_key = certificate_public_key(certificate)
    label = Scope.STRICT.label("argocd", "git-credentials")
    value, session_key = Plaintext(b"a password of 32 characters long"), os.urandom(32)
    padding = OAEP(MGF1(hashes.SHA256()), hashes.SHA256(), label)

    def ours() -> float:
        started = time.perf_counter()
        for _ in range(_SEALED_VALUES):
            sealer.seal(value, label)
        return (time.perf_counter() - started) / _SEALED_VALUES

    def peer() -> float:
        started = time.perf_counter()
        for _ in range(_SEALED_VALUES):
            public_key.encrypt(session_key, padding)
        return (time.perf_counter() - started) / _SEALED_VALUES

    return Case("sealing one value / one RSA-4096 public operation", ours, peer, goal=1.3, rounds=15)
