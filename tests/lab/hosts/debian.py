"""Making a Debian from packages, once: what the images of the lab have in common."""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.hosts.errors import LabError
from tests.lab.hosts.steps import run
from tests.side_by_side import alone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_COMPLETE = "complete"
"""The file that says that a folder of the cache is complete, and since when nobody has used it."""
_KEPT_SECONDS = 14 * 24 * 3600
_MIRROR = "http://deb.debian.org/debian"
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_SETTINGS = Path("/etc/apt/apt.conf.d")


def is_made(folder: Path) -> bool:
    """Return whether a folder of the cache is complete; it counts as used now."""
    mark = folder / _COMPLETE
    if not mark.exists():
        return False
    mark.touch()
    return True


def make_once(folder: Path, make: Callable[[Path], None]) -> None:
    """Make a folder of the cache where it is not complete; who wants it at the same time waits.

    Args:
        folder: Called `KIND-DIGEST`, by what it is and what it is made from.
        make: Fills it; it is there, and empty.
    """
    if is_made(folder):
        return
    cache, (kind, _) = folder.parent, folder.name.rsplit("-", 1)
    cache.mkdir(parents=True, exist_ok=True)
    with alone(cache / f"{kind}.lock"):
        if is_made(folder):
            return
        _remove_unused(cache, kind)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        make(folder)
        (folder / _COMPLETE).touch()


def _remove_unused(cache: Path, kind: str) -> None:
    """Remove images of other recipes that nobody has used for some time; another checkout may use a younger one."""
    for mark in cache.glob(f"{kind}-*/{_COMPLETE}"):
        if time.time() - mark.stat().st_mtime > _KEPT_SECONDS:
            shutil.rmtree(mark.parent)


def bootstrap(root: Path, suite: str, packages: Sequence[str]) -> None:
    """Make a small Debian with some packages, downloaded from its mirror.

    Raises:
        LabError: debootstrap is missing, or failed.
    """
    if shutil.which("debootstrap") is None:
        raise LabError("debootstrap is missing", fix="Run `apt-get install debootstrap`.")
    include = f"--include={','.join(packages)}"
    run("debootstrap", "--variant=minbase", f"--keyring={_KEYRING}", include, suite, str(root), _MIRROR)


@contextmanager
def updated(root: Path) -> Iterator[None]:
    """Have apt in it download as it does on this machine, for as long as this lasts."""
    shutil.copy("/etc/resolv.conf", root / "etc" / "resolv.conf")
    # The snippets of container images empty the very archive.
    settings = [setting for setting in _SETTINGS.glob("*") if not setting.name.startswith("docker-")]
    copies = [root / setting.relative_to("/") for setting in settings]
    for setting, copy in zip(settings, copies, strict=True):
        shutil.copy(setting, copy)
    run("chroot", str(root), "apt-get", "-qq", "update")
    yield
    for copy in copies:
        copy.unlink()
