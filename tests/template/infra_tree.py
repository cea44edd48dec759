"""Rendered infra parts, each with the plan of its answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from generator.answers.load import load
from tests.template.argocd_tree import documents
from tests.template.components import choices
from tests.template.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from generator.answers.plan import Plan
    from tests.template.conftest import Render

# Clusters by name: the example that each starts from, and the answers that differ.
CLUSTERS: dict[str, tuple[str, dict[str, Any]]] = {
    "ha": ("ha", {}),
    "ha-with-overrides": (
        "ha",
        {
            "dns_upstream": ["192.0.2.53"],
            "counts": {"masters": 5, "workers": 1, "loadbalancers": 3, "storage": 0},
            "sizes": {"worker": {"memory_mib": 16384, "data_disk_gib": 0}},
            "networks": {"cluster": {"cidr": "172.20.0.0/22", "gateway": "172.20.3.254"}},
            "vips": {"api": {"address": "10.17.5.99", "vrid": 7}},
            "ddns": {"zone": "example.com", "records": ["example.com", "home.example.com"], "machine": "dns1"},
            "vpn": {
                "machine": "dns1",
                "network": "172.30.0.0/28",
                "port": 4500,
                "endpoint": "192.0.2.4",
                "peers": {"tablet": {"address": "172.30.0.14"}},
            },
            "nodes": [
                {"name": "worker1", "mac": "52:54:00:10:20:30", "cpus": 16},
                # A name that YAML would read as a number.
                {"name": "0x10", "role": "worker", "address": "172.20.1.50"},
                {"name": "infra1", "rename": "dns1"},
                {"name": "db1", "role": "plain", "group": "databases", "address": "172.20.1.60", "data_disk_gib": 20},
                {"name": "build1", "role": "plain", "os": "flatcar", "address": "172.20.1.61"},
            ],
        },
    ),
    "single": ("single", {}),
}
# What others leave out, too: every role has a machine.
WHOLE: dict[str, tuple[str, dict[str, Any]]] = {
    "whole": (
        "ha",
        {
            "components": choices(ROOT),
            "ddns": {"zone": "example.com", "records": ["home.example.com"]},
            "vpn": {"peers": {"laptop": {"address": "10.99.0.2"}, "phone": {"address": "10.99.0.3"}}},
        },
    ),
}


@dataclass(frozen=True)
class Infra:
    """An infra part.

    Attributes:
        plan: The address plan of its answers.
        answers: The answers, with defaults.
        root: Its folder; the root of the repository, or `infra` in a monorepo.
    """

    plan: Plan
    answers: Mapping[str, Any]
    root: Path

    @property
    def ansible(self) -> Path:
        """Return the folder of the playbooks."""
        return self.root / "ansible"

    @property
    def inventory(self) -> Path:
        """Return the folder of the inventory."""
        return self.ansible / "inventory"

    @property
    def groups(self) -> dict[str, dict[str, Any]]:
        """Return the groups of hosts.yml."""
        (document,) = documents(self.inventory / "hosts.yml")
        return dict(document)

    @property
    def rendered_plan(self) -> dict[str, Any]:
        """Return what plan.json says."""
        return dict(json.loads((self.root / "plan.json").read_text()))

    def variables(self, group: str) -> dict[str, Any]:
        """Return the variables that the template gives a group."""
        (document,) = documents(self.inventory / f"group_vars/{group}/main.yml")
        return dict(document)


def render_infra(render: Render, name: str, scratch: Path, layout: str = "infra") -> Infra:
    """Render one of CLUSTERS, or of WHOLE.

    Args:
        render: The fixture of that name.
        name: Its name.
        scratch: A folder for its answers file.
        layout: `infra` or `monorepo`.
    """
    example, changes = (CLUSTERS | WHOLE)[name]
    (answers,) = documents(ROOT / f"examples/{example}.yaml")
    # JSON is YAML.
    path = scratch / f"{name}.yaml"
    path.write_text(json.dumps(dict(answers) | changes))
    loaded = load(path, ROOT, {"layout": layout})
    root = render(dict(answers) | changes, layout)
    return Infra(loaded.plan, loaded.data, root / "infra" if layout == "monorepo" else root)


def files(folder: Path) -> list[Path]:
    """Return the files of a folder and of those below it."""
    return sorted(path for path in folder.rglob("*") if path.is_file())
