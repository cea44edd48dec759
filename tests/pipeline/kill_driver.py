"""`fmc` in a process that dies by SIGKILL just before one of its lasting acts. Usage: RECORD MOMENT ARGUMENT...

Lasting acts are renames, removed trees and started programs: Python announces them to audit hooks
(PEP 578), so that fmc itself needs no switch for this. A moment is the name of an act and how often it has come by
then, such as `git commit 2` or `rename vault.age 1`. An empty moment kills nothing. The acts are written to RECORD, one
in a line.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any


def act(event: str, arguments: tuple[Any, ...]) -> str:
    """Return the name of a lasting act, "" for any other event."""
    match event:
        case "os.rename":
            return f"rename {Path(arguments[1]).name}"
        case "shutil.rmtree":
            return f"remove {Path(arguments[0]).name}"
        case "subprocess.Popen":
            program, *rest = map(str, arguments[1])
            return " ".join([Path(program).name, *(word for word in rest if not word.startswith("-"))][:2])
    return ""


def watch(record: Path, moment: str) -> None:
    """Write the acts down, and kill the process before the one that is named."""
    seen: Counter[str] = Counter()
    process = os.getpid()
    descriptor = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    lock = threading.Lock()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if not (name := act(event, arguments)) or os.getpid() != process:
            return
        with lock:
            seen[name] += 1
            os.write(descriptor, f"{name} {seen[name]}\n".encode())
            if f"{name} {seen[name]}" == moment:
                os.kill(process, signal.SIGKILL)

    sys.addaudithook(hook)


if __name__ == "__main__":
    watch(Path(sys.argv[1]), sys.argv[2])
    sys.argv = ["fmc", *sys.argv[3:]]
    from generator.cli.main import main

    main()
