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
from tests.toolchain.tool import read_tools

MEMORY_MIB = 3000
"""What the bed needs with thirty applications, and half as much again."""
DISK_MIB = 2000


def require_all() -> None:
    """Look at everything that the bed needs, and name all that is missing at once.

    Raises:
        BedError: Something is missing.
    """
    problems = [*_privileges(), *_memory(), *_disk(Path(tempfile.gettempdir())), *_programs()]
    if problems:
        raise BedError(
            "the end-to-end tests can't run here:\n" + "\n".join(f"  {what}\n    {fix}" for what, fix in problems)
        )


def _privileges() -> list[tuple[str, str]]:
    if shutil.which("unshare") is None:
        return [("unshare is not on PATH", "Install util-linux.")]
    done = subprocess.run([*ENTER, "true"], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return []
    reason = done.stderr.strip().splitlines()[-1:] or ["it failed"]
    who = "root may not make namespaces here" if os.geteuid() == 0 else "you are not root"
    return [(f"{who}: {reason[0]}", "Run it as root, in a container with the capability SYS_ADMIN if in one.")]


def _memory() -> list[tuple[str, str]]:
    fields = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    free = int(fields["MemAvailable"].split()[0]) // 1024
    if free >= MEMORY_MIB:
        return []
    return [(f"{free} MiB of memory are free, {MEMORY_MIB} are needed", "End other programs, or use a larger machine.")]


def _disk(folder: Path) -> list[tuple[str, str]]:
    free = shutil.disk_usage(folder).free // 2**20
    if free >= DISK_MIB:
        return []
    return [(f"{free} MiB of disk are free in {folder}, {DISK_MIB} are needed", "Free some, or set TMPDIR.")]


def _programs() -> list[tuple[str, str]]:
    missing = [tool for tool in read_tools().values() if not is_built(tool, tools_folder())]
    problems = []
    for group, target in (("test", "make tools"), ("e2e", "make e2e-tools")):
        names = [program for tool in missing if tool.group == group for program in tool.programs]
        if names:
            problems.append((f"not built: {', '.join(names)}", f"Run `{target}`."))
    if shutil.which("git") is None:
        problems.append(("git is not on PATH", "Install git."))
    return problems
