"""Can the bed run here? Asked before anything is started."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.e2e.bed.errors import BedError
from tests.e2e.bed.machine import ENTER
from tests.toolchain.build import is_built, tools_folder
from tests.toolchain.tool import MAKE_TARGETS, read_tools

Problem = tuple[str, str]
"""What is in the way, and what to do about it."""
MEMORY_MIB = 3000
"""What the bed needs with thirty applications, and half as much again."""
DISK_MIB = 2000


def require_all() -> None:
    """Look at everything that the bed needs, and name all that is missing at once.

    Raises:
        BedError: Something is missing.
    """
    refuse_any("the end-to-end tests", [*privileges(), *memory(MEMORY_MIB), *disk(DISK_MIB), *programs("test", "e2e")])


def refuse_any(what: str, problems: list[Problem]) -> None:
    """Name all problems at once, if there are any.

    Args:
        what: What can't run for their sake.
        problems: They.

    Raises:
        BedError: There are some.
    """
    if problems:
        listed = "\n".join(f"  {problem}\n    {fix}" for problem, fix in problems)
        raise BedError(f"{what} can't run here:\n{listed}")


def privileges() -> list[Problem]:
    """Look whether this process may make namespaces."""
    if shutil.which("unshare") is None:
        return [("unshare is not on PATH", "Install util-linux.")]
    done = subprocess.run([*ENTER, "true"], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return []
    reason = done.stderr.strip().splitlines()[-1:] or ["it failed"]
    who = "root may not make namespaces here" if os.geteuid() == 0 else "you are not root"
    return [(f"{who}: {reason[0]}", "Run it as root, in a container with the capability SYS_ADMIN if in one.")]


def memory(needed: int) -> list[Problem]:
    """Look for free memory, in MiB."""
    fields = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    free = int(fields["MemAvailable"].split()[0]) // 1024
    if free >= needed:
        return []
    return [(f"{free} MiB of memory are free, {needed} are needed", "End other programs, or use a larger machine.")]


def disk(needed: int) -> list[Problem]:
    """Look for room below the folder for temporary files, in MiB."""
    folder = Path(tempfile.gettempdir())
    free = shutil.disk_usage(folder).free // 2**20
    if free >= needed:
        return []
    return [(f"{free} MiB of disk are free in {folder}, {needed} are needed", "Free some, or set TMPDIR.")]


def programs(*groups: str) -> list[Problem]:
    """Look whether the tools of some groups are built, and git is there."""
    missing = [tool for tool in read_tools().values() if not is_built(tool, tools_folder())]
    problems = []
    for group in groups:
        names = [program for tool in missing if tool.group == group for program in tool.programs]
        if names:
            problems.append((f"not built: {', '.join(names)}", f"Run `{MAKE_TARGETS[group]}`."))
    if shutil.which("git") is None:
        problems.append(("git is not on PATH", "Install git."))
    return problems
