"""`fmc` in a process that dies by SIGKILL just before its n-th lasting act. Usage: COUNT_FILE N ARGUMENT...

Lasting acts are renames, hard links, removed files, and started programs (git): Python announces them to audit hooks
(PEP 578), so that fmc itself needs no switch for this. With N = 0 nothing is killed, and the acts are written to
COUNT_FILE, one in a line.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

_ACTS = {"os.rename", "os.link", "subprocess.Popen"}


def _watch(record: Path, deadly: int) -> None:
    seen = 0
    process = os.getpid()

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event not in _ACTS or os.getpid() != process:
            return
        seen += 1
        if seen == deadly:
            os.kill(process, signal.SIGKILL)
        if not deadly:
            with record.open("a") as file:
                file.write(f"{event} {arguments[:2]}\n")

    sys.addaudithook(hook)


if __name__ == "__main__":
    _watch(Path(sys.argv[1]), int(sys.argv[2]))
    sys.argv = ["fmc", *sys.argv[3:]]
    from generator.cli.main import main

    main()
