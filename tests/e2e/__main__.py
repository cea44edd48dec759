"""`python -m tests.e2e VERB`: the end-to-end tests, and the same bed for people to look around in.

Verbs: `test [PYTEST ARGUMENTS]`, `up`, `status`, `shell`, `down`. The Makefile has a target for each.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from generator.errors import FmcError
from tests.e2e import people
from tests.e2e.bed.machine import ENTER, run_inside
from tests.e2e.bed.preflight import require_all
from tests.lab.sessions import run_session

SESSIONS = {"bed": "test_[0-9]*.py", "beside": "test_[a-z]*.py"}
"""What `test` runs at the same time, each in namespaces of its own.

Files with a number share the bed; the others need none, but for the last one, which has its own.
"""


def main(arguments: list[str]) -> int:
    """Do what a verb says, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("test", help="run the end-to-end tests; what follows is pytest's", add_help=False)
    verbs.add_parser("up", help="start the bed, roll out examples/ha.yaml, and leave it running")
    verbs.add_parser("status", help="say what runs, and how each Application is")
    verbs.add_parser("shell", help="open a shell inside, with kubectl and the workspace")
    verbs.add_parser("down", help="end it and remove its folder")
    verbs.add_parser("serve", help="what `up` runs inside of the bed")
    options, rest = parser.parse_known_args(arguments)
    if rest and options.verb != "test":
        parser.error(f"unknown: {' '.join(rest)}")
    try:
        match options.verb:
            case "test":
                require_all()
                os.environ["FMC_E2E"] = "1"
                return run_inside([sys.executable, "-m", "pytest", *rest]) if rest else _run_all()
            case "up":
                return people.up()
            case "status":
                return people.status()
            case "shell":
                return people.shell()
            case "down":
                return people.down()
            case "serve":
                return people.serve()
    except FmcError as error:
        print(f"e2e: {error.message}" + (f"\n  {error.fix}" if error.fix else ""), file=sys.stderr)
    return 4


def _run_all() -> int:
    """Run all sessions to their end, and return the exit code of the first one that failed."""
    with ThreadPoolExecutor() as threads:
        codes = list(threads.map(_run, SESSIONS))
    return next(filter(None, codes), 0)


def _run(name: str) -> int:
    """Run a session to its end, and return its exit code."""
    files = sorted(map(str, Path(__file__).parent.glob(SESSIONS[name])))
    return run_session(name, [*ENTER, sys.executable, "-m", "pytest", "-q", *files])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
