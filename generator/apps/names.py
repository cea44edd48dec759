"""The hosts of people's own apps among the variables of Ansible, by which the cluster's name servers know them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from generator.errors import BadInputError
from generator.textlists import with_items, without_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

VARIABLES = "ansible/inventory/group_vars/all/user.yml"
"""The user's variables of all machines, below the folder of the part infra."""
_KEY = "ingress_hosts"
_ITEM = re.compile(r" *- +[\"']?([^\s\"'#]+)[\"']? *(#.*)?\n?")


def with_hosts(path: Path, content: bytes, hosts: Sequence[str]) -> bytes:
    """Return the variables with further hosts; those that are there stay where they are.

    Args:
        path: The file, for messages.
        content: What it holds.
        hosts: The hosts.

    Raises:
        BadInputError: The file is written in a way that can't be changed here.
    """
    before = _hosts(path, content)
    new = [host for host in hosts if host not in before]
    if not new:
        return content
    changed = with_items(content.decode(), _KEY, "".join(f"  - {host}\n" for host in new)).encode()
    return _required(path, changed, [*before, *new])


def without_hosts(path: Path, content: bytes, hosts: Collection[str]) -> bytes:
    """Return the variables without some hosts.

    Args:
        path: The file, for messages.
        content: What it holds.
        hosts: The hosts.

    Raises:
        BadInputError: The file is written in a way that can't be changed here.
    """
    before = _hosts(path, content)
    if not set(before) & set(hosts):
        return content
    lines = content.decode().splitlines(keepends=True)
    gone = {number for number, line in enumerate(lines) if (found := _ITEM.fullmatch(line)) and found[1] in hosts}
    changed = without_lines(content.decode(), _KEY, gone, "").encode()
    return _required(path, changed, [host for host in before if host not in hosts])


def _hosts(path: Path, content: bytes) -> list[str]:
    try:
        found = (yaml.safe_load(content) or {}).get(_KEY) or []
        return [str(host) for host in found]
    except (AttributeError, TypeError, ValueError, yaml.YAMLError):
        raise _unusable(path) from None


def _required(path: Path, changed: bytes, hosts: list[str]) -> bytes:
    """Make sure that a changed text means what it should."""
    if _hosts(path, changed) != hosts:
        raise _unusable(path)
    return changed


def _unusable(path: Path) -> BadInputError:
    return BadInputError(
        f"{path} is written in a way that can't be changed for you; nothing was written",
        where=str(path),
        fix=f"Write its list `{_KEY}` as a block, each host in a line of its own.",
    )
