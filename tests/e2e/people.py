"""The bed for people: up, status, shell, down. It runs in the background, and its folder says where."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TypedDict

from generator.files import write_atomic
from tests.e2e.bed.bed import Bed
from tests.e2e.bed.errors import BedError
from tests.e2e.bed.machine import ENTER
from tests.e2e.bed.preflight import require_all
from tests.e2e.bed.waiting import wait_for
from tests.e2e.rollout import roll_out
from tests.e2e.user import User
from tests.pipeline.world import ROOT
from tests.toolchain.build import tools_folder

FOLDER = ROOT / "e2e-bed"
"""Ignored by Git."""
_STATE, _LOG = FOLDER / "state.json", FOLDER / "bed.log"
_UP_SECONDS = 600


class State(TypedDict):
    """What the running bed says of itself.

    Attributes:
        error: Why the rollout failed; empty when it is done.
        report: What runs and what waits.
        environment: Variables of a user's shell.
        workspace: The user's repositories.
    """

    error: str
    report: str
    environment: dict[str, str]
    workspace: str


def up() -> int:
    """Start the bed in the background, and wait until the rollout is done."""
    require_all()
    if _process() is not None:
        raise BedError("the bed is up already", fix="`make e2e-status` shows it, `make e2e-down` ends it.")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    with _LOG.open("wb") as log:
        process = subprocess.Popen(
            [*ENTER, sys.executable, "-m", "tests.e2e", "serve"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    (FOLDER / "pid").write_text(str(process.pid))

    def ready() -> bool:
        if process.poll() is not None:
            raise BedError(f"the bed ended with exit code {process.returncode}:\n{_LOG.read_text()[-3000:]}")
        return _STATE.exists()

    wait_for("the rollout", ready, timeout=_UP_SECONDS, report=_LOG.read_text)
    return status()


def status() -> int:
    """Print what runs and what waits."""
    _require_up()
    state = _read()
    print(state["report"])
    if state["error"]:
        print(state["error"], file=sys.stderr)
    print(f"Workspace: {state['workspace']}   Logs: {FOLDER / 'log'}")
    print("Next: make e2e-shell, then `kubectl get applications -A`; make e2e-down ends it")
    return 4 if state["error"] else 0


def shell() -> int:
    """Become a shell inside of the bed."""
    process = _require_up()
    inside = Path(f"/proc/{process}/task/{process}/children").read_text().split()[0]
    state = _read()
    os.chdir(state["workspace"])
    enter = ["nsenter", f"--target={inside}", "--net", "--mount", "--pid", f"--wd={state['workspace']}"]
    os.execvpe(enter[0], [*enter, os.environ.get("SHELL", "bash")], {**os.environ, **state["environment"]})


def down() -> int:
    """End the bed and everything in it, and remove its folder."""
    process = _process()
    if process is not None:
        # The first process of the namespaces goes with it, and all others with that one.
        os.kill(process, signal.SIGKILL)
        wait_for("the bed to end", lambda: _process() is None, timeout=30)
    shutil.rmtree(FOLDER, ignore_errors=True)
    print("The bed is down." if process is not None else "No bed was up.")
    return 0


def serve() -> int:
    """Run the bed until it is told to end; inside of its namespaces."""
    bed = Bed(FOLDER, tools_folder())
    user = User(bed)
    bed.start()
    error = ""
    try:
        roll_out(bed, user, lambda text: print(text, flush=True))
    except BedError as failure:
        error = failure.message
    while True:
        state = State(error=error, report=bed.report(), environment=user.environment, workspace=str(user.workspace))
        # The environment holds the tokens.
        write_atomic(_STATE, json.dumps(state).encode(), mode=0o600)
        time.sleep(1)


def _process() -> int | None:
    """Return the process of the running bed."""
    try:
        process = int((FOLDER / "pid").read_text())
        arguments = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return process if b"tests.e2e" in arguments else None


def _require_up() -> int:
    process = _process()
    if process is None:
        raise BedError("no bed is up", fix="Start one with `make e2e-up`.")
    return process


def _read() -> State:
    if not _STATE.exists():
        raise BedError("the rollout goes on", fix=f"{_LOG} says how far it is.")
    state: State = json.loads(_STATE.read_text())
    return state
