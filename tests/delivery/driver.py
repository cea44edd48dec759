"""Deliver a workspace in a process of its own, and kill it with SIGKILL at a chosen write of the state file.

Usage: python -m tests.delivery.driver FOLDER RUN before|after N
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from generator.delivery import StateFile, Target, push
from tests.delivery.workspace import PARTS, Workspace

if TYPE_CHECKING:
    from generator.delivery.state import Delivery


class _Deadly(StateFile):
    """A state file whose n-th write (from 0) is the process's last act, or is not reached any more."""

    def __init__(self, path: Path, moment: str, number: int) -> None:
        super().__init__(path)
        self._moment = moment
        self._left = number

    def write(self, delivery: Delivery) -> None:
        if self._left == 0 and self._moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        super().write(delivery)
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1


def _main() -> None:
    folder, run_id, moment, number = sys.argv[1:]
    root = Path(folder)
    targets = [Target(part, root / "workspace" / part, str(root / "remotes" / f"{part}.git"), "main") for part in PARTS]
    state = _Deadly(Workspace(root, targets).state.path, moment, int(number))
    push(targets, state=state, run_id=run_id, progress=print)


if __name__ == "__main__":
    _main()
