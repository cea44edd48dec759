"""Running the commands that make an image, one after the other."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.lab.hosts.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}


def run(*command: str, stdin: str = "") -> str:
    """Run a command, and return what it prints.

    Raises:
        LabError: It failed.
    """
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    if done.returncode:
        raise LabError(
            f"{' '.join(command[:4])} … ended with exit code {done.returncode}:\n{done.stdout}{done.stderr}"[-3000:]
        )
    return done.stdout


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file, and the folders that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


@contextmanager
def laid_over(lower: str, upper: Path) -> Iterator[Path]:
    """Lay a folder over others for as long as this lasts: what is written goes there.

    Args:
        lower: The folders below, as overlayfs names them.
        upper: The folder that takes what is written; its siblings `NAME.work` and `NAME.root` are made and removed.
    """
    work, root = (upper.with_name(f"{upper.name}.{name}") for name in ("work", "root"))
    for folder in (upper, work, root):
        folder.mkdir(exist_ok=True)
    run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={lower},upperdir={upper},workdir={work}", str(root))
    try:
        yield root
    finally:
        run("umount", "--recursive", str(root))
        run("rm", "-rf", str(work), str(root))
