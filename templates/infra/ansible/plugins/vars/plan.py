"""Gives every machine the plan and the pins of this repository, read once for a run: `plan`, `versions` and, of the machine alone, `node`.

As variables of the inventory they would be read and searched again wherever one of them is used.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from ansible.errors import AnsibleParserError
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
        found: dict[str, Any] = {}
        for entity in entities if isinstance(entities, list) else [entities]:
            if isinstance(entity, Group) and entity.name == "all":
                found |= _shared(path)
            elif isinstance(entity, Host) and entity.name in _nodes(path):
                found["node"] = _nodes(path)[entity.name]
        return found


# Ansible asks for each machine before each task.
@cache
def _shared(path: str) -> dict[str, Any]:
    """Return what all machines have; nothing where there is no plan."""
    root = (Path(path) / "../..").resolve()
    plan = root / "plan.json"
    if not plan.is_file():
        return {}
    return {"plan": json.loads(plan.read_text()), "versions": _pins(root)}


def _pins(root: Path) -> dict[str, Any]:
    pins: dict[str, Any] = {}
    for file in (root / "versions.yaml", root / "versions.user.yaml"):
        try:
            given = yaml.safe_load(file.read_text()) or {}
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise AnsibleParserError(f"{file} can't be read; correct it: {error}") from error
        if not isinstance(given, dict):
            raise AnsibleParserError(f"{file} is no mapping of pins, such as `k3s: {{version: …, url: …, checksum: …}}`; correct it.")
        # Whole entry by whole entry.
        pins |= given
    return pins


@cache
def _nodes(path: str) -> dict[str, Any]:
    """Return the machines of the plan by name."""
    return {node["name"]: node for node in _shared(path).get("plan", {"nodes": []})["nodes"]}
