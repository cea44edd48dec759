"""Builds that write to one branch at the same time: what arrives, and how often each begins anew.

`python -m bench.writers [WRITERS]` prints a line for each way of writing, with files of their own and with one line
for all. Beside bump-image stand the two ways that pipelines have, and the bare push.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench.bumping import BUMPS, WRITERS, bump_image, make_remote, overlay_of
from bench.environment import environment_of

_FILES = "different files", "the same line"
_BEGIN = """
set -u
git clone --quiet --depth 1 --branch main "$1" "$2" && cd "$2" || exit
edit() { sed -i "s|newTag: .*|newTag: \\"$3\\"|" "$2" && git commit --quiet --all --message "bump to $3"; }
edit - "$3" "$4"
tries=0
"""
# Once, and no more.
_PUSH = 'git push --quiet origin HEAD:main && echo "$tries"'
# What people write first: rebase at once, and push again.
_REBASE = """
until git push --quiet origin HEAD:main; do
  tries=$((tries + 1))
  [ "$tries" -lt 12 ] && git pull --quiet --rebase origin main || exit
done
echo "$tries"
"""
# What is recommended instead: the edit again, on top of the newest commit, after a random wait.
_AGAIN = """
until git push --quiet origin HEAD:main; do
  tries=$((tries + 1))
  [ "$tries" -lt 12 ] || exit
  sleep "$(awk -v n="$tries" -v s="$$" 'BEGIN { srand(s + n); c = 0.1 * 2 ^ n; print rand() * (c > 3 ? 3 : c) }')"
  git fetch --quiet --depth 1 origin main && git reset --quiet --hard FETCH_HEAD && edit - "$3" "$4" || exit
done
echo "$tries"
"""
_SCRIPTS = {
    "push, and no more": _BEGIN + _PUSH,
    "pull --rebase, 12 times": _BEGIN + _REBASE,
    "reset, edit again, wait": _BEGIN + _AGAIN,
}
OURS = "bump-image"
WAYS = (OURS, *_SCRIPTS)


@dataclass(frozen=True)
class Result:
    """What became of a race.

    Attributes:
        wanted: How many bumps there were.
        succeeded: How many ended with success.
        arrived: How many commits the branch has of them.
        retries: How often each that succeeded had begun anew.
        seconds: From the first to the last.
    """

    wanted: int
    succeeded: int
    arrived: int
    retries: tuple[int, ...]
    seconds: float

    @property
    def mean(self) -> float:
        """How often one began anew on average."""
        return statistics.fmean(self.retries) if self.retries else 0.0


def race(way: str, folder: Path, environment: dict[str, str], writers: int, *, one_line: bool) -> Result:
    """Let writers bump at the same time, each as often as the others.

    Args:
        way: One of WAYS.
        folder: An empty folder.
        environment: Of every command.
        writers: How many there are.
        one_line: All of them change the same line.
    """
    remote = make_remote(folder, environment, 1 if one_line else writers)

    def build(writer: int) -> list[int]:
        done = []
        for number in range(BUMPS):
            app, tag = f"app{0 if one_line else writer}", f"1.{writer}.{number}"
            clone = str(folder / f"{writer}-{number}")
            command = (
                bump_image(app, f"file://{remote}", tag)
                if way == OURS
                else ["sh", "-c", _SCRIPTS[way], "sh", f"file://{remote}", clone, overlay_of(app), tag]
            )
            ended = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
            if ended.returncode == 0:
                done.append(json.loads(ended.stdout)["overtaken"] if way == OURS else int(ended.stdout))
        return done

    started = time.perf_counter()
    with ThreadPoolExecutor(writers) as builders:
        retries = [count for counts in builders.map(build, range(writers)) for count in counts]
    seconds = time.perf_counter() - started
    counted = ["git", "-C", str(remote), "rev-list", "--count", "main"]
    commits = int(subprocess.run(counted, check=True, capture_output=True, text=True).stdout)
    return Result(writers * BUMPS, len(retries), commits - 1, tuple(retries), seconds)


def main(writers: int = WRITERS) -> None:
    """Print the table."""
    print(f"{f'{writers} writers x {BUMPS} bumps':<26} {'':<16} {'arrived':>9} {'mean':>6} {'most':>5} {'seconds':>8}")
    with tempfile.TemporaryDirectory(prefix="fmc-bench-") as scratch:
        environment = environment_of(Path(scratch))
        for number, (way, files) in enumerate((way, files) for way in WAYS for files in _FILES):
            result = race(way, Path(scratch) / str(number), environment, writers, one_line=files == _FILES[1])
            lost = "" if result.arrived == result.succeeded else f"  {result.succeeded - result.arrived} lost"
            arrived = f"{result.arrived}/{result.wanted}"
            most = max(result.retries, default=0)
            print(
                f"{way:<26} {files:<16} {arrived:>9} {result.mean:>6.2f} {most:>5} {result.seconds:>8.1f}{lost}",
                flush=True,
            )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
