"""Running things in a process of their own: to be killed at a chosen git command, or on a full disk."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Literal

Moment = Literal["before", "after"]

# Counts the git commands that fmc itself starts; git's own go past it, since git prepends its folder to PATH.
_COUNTING_GIT = """#!/bin/sh
real={git}
set -C
step=1
until {{ true > {steps}/$step; }} 2>/dev/null; do step=$((step + 1)); done
printf '%s\\n' "$*" >| {steps}/$step
case "{kill}" in "$step.before" | "$1.before") kill -9 $PPID; exit 1 ;; esac
$real "$@"
code=$?
case "{kill}" in "$step.after" | "$1.after") kill -9 $PPID ;; esac
exit $code
"""


def counting_git(folder: Path, kill: str = "never") -> Path:
    """Make a git that notes its arguments in one file per command, and return the folder of the notes.

    The program lies in the subfolder `bin`, which belongs on PATH.
    """
    (folder / "bin").mkdir(parents=True)
    (folder / "steps").mkdir()
    real = next(path for entry in os.get_exec_path() if (path := Path(entry, "git")).exists())
    program = folder / "bin" / "git"
    program.write_text(_COUNTING_GIT.format(git=real, steps=folder / "steps", kill=kill))
    program.chmod(0o755)
    return folder / "steps"


def is_killed(action: Callable[[], object], folder: Path, step: int | str, moment: Moment) -> bool:
    """Do something in another process, and kill that with SIGKILL before or after one of its git commands.

    Its git commands, which go on without it, are waited for.

    Args:
        action: What to do; anything that it raises fails the test.
        folder: A folder for the means, made by this call.
        step: Number of the git command, from 1, or its name.
        moment: When to kill.

    Returns:
        False if it ended by itself, because it has fewer git commands.
    """
    counting_git(folder, f"{step}.{moment}")

    def act() -> None:
        os.environ["PATH"] = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        action()

    status = in_child(act)
    assert status in (0, -signal.SIGKILL)
    return status != 0


def in_child(action: Callable[[], object]) -> int:
    """Do something in a forked process; return its exit code, or the negative number of the signal that ended it."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if not child:
        code = 1
        try:
            os.setsid()
            action()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    deadline = time.monotonic() + 20
    while _group_is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.005)
    return os.waitstatus_to_exitcode(status)


def _group_is_alive(group: int) -> bool:
    """Return whether a process of the group runs; one that has ended may wait for ever to be asked for its code."""
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _parent, its_group = file.read_text().rpartition(") ")[2].split()[:3]
        except OSError:
            continue
        if int(its_group) == group and state != "Z":
            return True
    return False


def mount_small_disk(path: Path, size: str) -> bool:
    """Mount a small file system, for this process and its children alone; return whether the kernel lets us."""
    libc = ctypes.CDLL(None, use_errno=True)
    new_mounts, recursive_private = 0x00020000, 0x4000 | 0x40000
    if libc.unshare(new_mounts) or libc.mount(b"none", b"/", None, recursive_private, None):
        return False
    return not libc.mount(b"tmpfs", os.fsencode(path), b"tmpfs", 0, f"size={size}".encode())
