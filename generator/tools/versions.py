"""Which version of a program is here, and of which family this machine's distribution is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.errors import ToolError
from generator.tools.command import Command

if TYPE_CHECKING:
    from collections.abc import Sequence

# Terraform asks its publisher for news otherwise.
_ENVIRONMENT = {"CHECKPOINT_DISABLE": "1"}
_FAMILIES = {"debian": "Debian", "ubuntu": "Debian", "rhel": "RedHat", "fedora": "RedHat", "centos": "RedHat"}


def version_of(program: str, arguments: Sequence[str]) -> str | None:
    """Return what a program says of its version.

    Args:
        program: Its name on PATH, or its path.
        arguments: What makes it tell; nothing if its presence is all that counts.

    Returns:
        What it prints, "" if it was not asked; None if it is not there, or fails.
    """
    command = Command(program, timeout=20.0, environment=_ENVIRONMENT)
    if not arguments:
        return None if command.find() is None else ""
    try:
        return command.run(arguments).stdout.decode(errors="replace")
    except ToolError:
        return None


def family() -> str:
    """Return the family of this machine's distribution, as Ansible calls it: Debian, RedHat, or "" for others.

    It is read from os-release(5): the distribution's own identifier, then those of what it derives from.
    """
    import platform

    try:
        told = platform.freedesktop_os_release()
    except OSError:
        return ""
    words = [told.get("ID", ""), *told.get("ID_LIKE", "").split()]
    return next((_FAMILIES[word] for word in words if word in _FAMILIES), "")
