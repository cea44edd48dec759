"""`fmc` in a process that writes down what every program that it starts is given. Usage: RECORD ARGUMENT...

Each start is one line of JSON: the arguments and the environment, as Python announces them to audit hooks (PEP 578).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def given(event: str, arguments: tuple[Any, ...]) -> tuple[object, object] | None:
    """Return arguments and environment of a program that is about to be started; None for any other event."""
    match event:
        case "subprocess.Popen":
            return arguments[1], arguments[3]
        case "os.exec" | "os.posix_spawn":
            return arguments[1], arguments[2]
        case "os.system":
            return arguments[0], None
    return None


def watch(record: Path) -> None:
    """Write down all starts of this process and of those that it forks."""
    descriptor = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if found := given(event, arguments):
            command, environment = found
            shown = [command, dict(os.environ) if environment is None else environment]
            os.write(descriptor, json.dumps(shown, default=repr).encode() + b"\n")

    sys.addaudithook(hook)


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
    sys.argv = ["fmc", *sys.argv[2:]]
    from generator.cli.main import main

    main()
