"""Gives every machine the plan and the pins of this repository, read once for a run: `plan`, `versions` and, of the machine alone, `node`.

As variables of the inventory they would be read and searched again wherever one of them is used.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from ansible.inventory.group import Group
from ansible.inventory.host import Host
from ansible.plugins.vars import BaseVarsPlugin

if TYPE_CHECKING:
    from ansible.parsing.dataloader import DataLoader

DOCUMENTATION = """
name: plan
short_description: plan.json and versions.yaml as variables
description:
  - Reads C(plan.json), C(versions.yaml) and C(versions.user.yaml), whose entries win, from the folder two above the inventory.
  - Gives C(plan) and C(versions) to all machines, and C(node) to each one, its entry in the plan.
requirements: [enabled by vars_plugins_enabled]
"""


class VarsModule(BaseVarsPlugin):
    """The plan, for Ansible."""

    REQUIRES_ENABLED = True

    def get_vars(self, loader: DataLoader, path: str, entities: Any) -> dict[str, Any]:
        """Return the variables of groups or machines of an inventory.

        Args:
            loader: What reads files for Ansible. Not used: it would have every value searched for what to evaluate.
            path: Folder of the inventory, or of the playbook.
            entities: A group or a machine, or several.
        """
        super().get_vars(loader, path, entities)
        root = (Path(path) / "../..").resolve()
        found: dict[str, Any] = {}
        for entity in entities if isinstance(entities, list) else [entities]:
            if isinstance(entity, Group) and entity.name == "all":
                found |= _shared(root)
            elif isinstance(entity, Host) and entity.name in _nodes(root):
                found["node"] = _nodes(root)[entity.name]
        return found


@cache
def _shared(root: Path) -> dict[str, Any]:
    """Return what all machines have; nothing where there is no plan."""
    plan = root / "plan.json"
    if not plan.is_file():
        return {}
    pins: dict[str, Any] = {}
    for name in ("versions.yaml", "versions.user.yaml"):
        # Whole entry by whole entry.
        pins |= yaml.safe_load((root / name).read_text()) or {}
    return {"plan": json.loads(plan.read_text()), "versions": pins}


@cache
def _nodes(root: Path) -> dict[str, Any]:
    """Return the machines of the plan by name."""
    return {node["name"]: node for node in _shared(root).get("plan", {"nodes": []})["nodes"]}
