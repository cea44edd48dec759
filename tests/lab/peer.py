"""What site.yml of k3s-ansible does, beside the roles of ours that do the same: how many tasks, and what ours took.

k3s-ansible publishes no times. Its tasks are counted as ours are, in its release 1.2.2
(https://github.com/k3s-io/k3s-ansible/tree/1.2.2/roles).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from tests.pipeline.world import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.lab.operator import Play

VERSION = "1.2.2"
_ROLES = ROOT / "templates" / "infra" / "ansible" / "roles"
_BLOCK = ("block", "rescue", "always")
_COLUMN = 10


@dataclass(frozen=True)
class Counterpart:
    """A role of k3s-ansible.

    Attributes:
        role: Its name.
        tasks: How many tasks it has, blocks not counted but what is in them.
        ours: The roles here that do what it does.
    """

    role: str
    tasks: int
    ours: tuple[str, ...]


COUNTERPARTS = (
    Counterpart("prereq", 41, ("preflight", "firewall", "k3s_node")),
    Counterpart("airgap", 12, ("k3s_binary",)),
    Counterpart("k3s_server", 43, ("k3s_cluster", "k3s_judge", "k3s_server", "k3s_vip_switch", "kubeconfig")),
    Counterpart("k3s_agent", 13, ("k3s_agent",)),
)


def table(plays: Mapping[str, Play]) -> list[str]:
    """Return the lines of the table.

    Args:
        plays: The runs of our site.yml, by what stands above their columns.
    """
    rows = [(f"k3s-ansible {VERSION}", "its tasks", "ours", *(f"{name}, s" for name in plays))]
    for part in COUNTERPARTS:
        seconds = [sum(play.roles.get(role, 0.0) for role in part.ours) for play in plays.values()]
        tasks = str(sum(map(count_tasks, part.ours)))
        rows.append((part.role, str(part.tasks), tasks, *(f"{value:.1f}" for value in seconds)))
    ours = [f"  {part.role}: {', '.join(part.ours)}" for part in COUNTERPARTS]
    return [left.ljust(24) + "".join(cell.rjust(_COLUMN) for cell in cells) for left, *cells in rows] + ours


def count_tasks(role: str) -> int:
    """Return how many tasks a role of ours has, blocks not counted but what is in them."""
    return sum(_count(yaml.safe_load(file.read_text())) for file in (_ROLES / role / "tasks").iterdir())


def _count(tasks: Iterable[Mapping[str, Any]] | None) -> int:
    inner = (task.get(key) for task in tasks or () for key in _BLOCK)
    own = sum(not any(key in task for key in _BLOCK) for task in tasks or ())
    return own + sum(_count(part) for part in inner)
