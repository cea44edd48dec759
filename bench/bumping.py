"""Eight builds that write into one branch at the same time: `ci/bump-image`, and the usual `git pull --rebase`."""

from __future__ import annotations

import hashlib
import itertools
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Case

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
WRITERS, BUMPS = 8, 6
_PROGRAM = ROOT / "templates/apps/ci/bump-image"
# What people write into their pipelines, with as many attempts as it takes.
_REBASING = """
set -eu
git clone --quiet --depth 1 --branch main "$1" "$2"
cd "$2"
sed -i "s|newTag: .*|newTag: \\"$4\\"|" "$3"
git commit --quiet --all --message "bump to $4"
until git push --quiet origin HEAD:main; do git pull --quiet --rebase origin main; done
"""


def bumping(scratch: Path, environment: dict[str, str]) -> Case:
    """Return the case: all bumps of all writers, each in a file of its own, where a rebase never meets a conflict."""
    numbers = itertools.count()

    def race(bump: Callable[[str, str, Path, int], list[str]]) -> float:
        folder = scratch / f"bumping-{next(numbers)}"
        remote = make_remote(folder, environment, WRITERS)

        def build(writer: int) -> None:
            for number in range(BUMPS):
                command = bump(f"app{writer}", f"file://{remote}", folder / f"{writer}-{number}", number)
                subprocess.run(command, env=environment, check=True, capture_output=True)

        started = time.perf_counter()
        with ThreadPoolExecutor(WRITERS) as builders:
            list(builders.map(build, range(WRITERS)))
        seconds = time.perf_counter() - started
        counted = ["git", "-C", str(remote), "rev-list", "--count", "main"]
        arrived = int(subprocess.run(counted, check=True, capture_output=True, text=True).stdout)
        if arrived != WRITERS * BUMPS + 1:
            raise ValueError(f"{arrived} commits arrived")
        return seconds

    def ours(app: str, url: str, _folder: Path, number: int) -> list[str]:
        return bump_image(app, url, f"1.{number}")

    def peer(app: str, url: str, folder: Path, number: int) -> list[str]:
        return ["sh", "-c", _REBASING, "sh", url, str(folder), overlay_of(app), f"1.{number}"]

    return Case(
        f"{WRITERS} builds x {BUMPS} bumps, bump-image / git pull --rebase",
        lambda: race(ours),
        lambda: race(peer),
        goal=1.0,
        rounds=3,
    )


def bump_image(app: str, url: str, tag: str) -> list[str]:
    """Return the command that writes an image into Git as a build does."""
    digest = hashlib.sha256(tag.encode()).hexdigest()
    image = f"registry.example.com/{app}:{tag}@sha256:{digest}"
    places = [f"--remote={url}", "--branch=main", "--output=json"]
    return [sys.executable, str(_PROGRAM), app, image, "--env=staging", *places]


def overlay_of(app: str) -> str:
    """Return the file that says what an app runs."""
    return f"apps/{app}/overlays/staging/kustomization.yaml"


def make_remote(folder: Path, environment: dict[str, str], apps: int) -> Path:
    """Make a bare repository with apps."""
    first, remote = folder / "first", folder / "remote.git"
    for number in range(apps):
        overlay = first / overlay_of(f"app{number}")
        overlay.parent.mkdir(parents=True)
        overlay.write_text(f'images:\n  - name: registry.example.com/app{number}\n    newTag: "0"\n')
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "--all"],
        ["commit", "--quiet", "--message=apps"],
        ["clone", "--quiet", "--bare", str(first), str(remote)],
    ):
        subprocess.run(["git", *command], cwd=first, env=environment, check=True, capture_output=True)
    return remote
