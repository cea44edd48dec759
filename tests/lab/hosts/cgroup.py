"""Control groups of a host's own. In a shared one the systemd of one host removes what that of another has just made.

systemd-nspawn makes the groups of a host below the one that it runs in.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

# systemd's own hierarchy of version 1, and version 2 beside it; the roots where a machine has version 2 alone.
_HYBRID = (Path("/sys/fs/cgroup/systemd"), Path("/sys/fs/cgroup/unified"))
_UNIFIED = Path("/sys/fs/cgroup")
_ENTER = 'while [ "$1" != -- ]; do echo 0 >"$1/cgroup.procs"; shift; done; shift; exec "$@"'


def make_groups(name: str) -> list[Path]:
    """Make the groups of a name, below those of the machine."""
    roots = [root for root in _HYBRID if root.is_dir()] or [_UNIFIED]
    groups = [root / name for root in roots]
    for group in groups:
        group.mkdir(parents=True, exist_ok=True)
    return groups


def within(groups: list[Path]) -> tuple[str, ...]:
    """Return what stands before a command that is to run in groups."""
    return ("sh", "-c", _ENTER, "sh", *map(str, groups), "--")


def remove_groups(groups: list[Path]) -> None:
    """Remove groups in which nothing runs any more."""
    for group in groups:
        for folder in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
            with suppress(OSError):
                folder.rmdir()
        with suppress(OSError):
            group.rmdir()
