"""The clipboard of a desktop: what is copied goes through a pipe, never into an argument, and can be taken back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from generator.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Mapping

# How each program is told to copy and to paste. Wayland's comes first: X11's sees Wayland's clipboard not at all.
_PROGRAMS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("WAYLAND_DISPLAY", ("wl-copy",), ("wl-paste", "--no-newline")),
    ("DISPLAY", ("xclip", "-selection", "clipboard", "-in"), ("xclip", "-selection", "clipboard", "-out")),
)
_MACOS: tuple[tuple[str, ...], tuple[str, ...]] = (("pbcopy",), ("pbpaste",))
_PATIENCE = 10  # seconds
# Waits in a process of its own, which holds the value in its memory and has nothing of it in its arguments.
_CLEAR = """
import subprocess, sys, time
seconds, copy, paste = int(sys.argv[1]), sys.argv[2].split(), sys.argv[3].split()
value = sys.stdin.buffer.read()
time.sleep(seconds)
found = subprocess.run(paste, stdin=subprocess.DEVNULL, capture_output=True).stdout
if found == value:
    subprocess.run(copy, input=b"", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
"""


def copy(content: bytes, clear_after: int, environment: Mapping[str, str] = os.environ) -> str:
    """Copy a text to the clipboard, and take it back after a while unless something else is there by then.

    Args:
        content: The text.
        clear_after: Seconds until it is taken back; 0 leaves it there.
        environment: Says which desktop there is.

    Returns:
        The program that took it.

    Raises:
        ToolError: There is no clipboard, or its program failed.
    """
    into, out_of = _programs(environment)
    # xclip stays, to serve what was copied: its output must not be a pipe that would keep this process waiting.
    try:
        done = subprocess.run(  # noqa: S603 (the program is one of those above)
            into,
            input=content,
            timeout=_PATIENCE,
            check=False,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        done = None
    if done is None or done.returncode:
        raise ToolError(
            f"{into[0]} could not copy to the clipboard",
            fix="Leave --clipboard out: the value then goes into a pipe of yours, or to the terminal.",
        )
    if clear_after:
        words = (str(clear_after), " ".join(into), " ".join(out_of))
        waiting = subprocess.Popen(  # noqa: S603 (likewise)
            [sys.executable, "-c", _CLEAR, *words],
            stdin=subprocess.PIPE,
            start_new_session=True,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if waiting.stdin:
            waiting.stdin.write(content)
            waiting.stdin.close()
    return into[0]


def _programs(environment: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    candidates = [(into, out_of) for variable, into, out_of in _PROGRAMS if environment.get(variable)]
    candidates += [_MACOS] if sys.platform == "darwin" else []
    for into, out_of in candidates:
        if all(shutil.which(program, path=environment.get("PATH")) for program in (into[0], out_of[0])):
            return into, out_of
    raise ToolError(
        "there is no clipboard here: it takes a desktop, and wl-copy, xclip or pbcopy",
        fix="Install wl-clipboard (Wayland) or xclip (X11). Without a desktop, leave --clipboard out.",
    )
