"""What Terraform makes of rendered infra parts, without a provider: the sources of each machine's first boot."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from generator.answers.load import load
from tests.conftest import require_tool
from tests.template.argocd_tree import documents
from tests.template.conftest import ROOT
from tests.template.infra_tree import CLUSTERS as INFRA_CLUSTERS
from tests.template.infra_tree import Infra

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.template.conftest import Render

HOST_ADDRESS = "192.168.0.2"
"""Of the hypervisor, where a cluster has machines in the LAN and others behind it."""

TWO_HOSTS: dict[str, dict[str, str]] = {"kvm1": {}, "kvm2": {"uri": "qemu+ssh://root@kvm2/system", "bridge": "br1"}}
SYSTEMS = {"flatcar": "Flatcar", "debian": "Debian", "ubuntu": "Ubuntu", "alma": "AlmaLinux", "rocky": "Rocky"}
"""What Ansible calls a system, by its image."""

# As in infra_tree, with the other ways of lying in a network.
CLUSTERS = INFRA_CLUSTERS | {
    "ha-in-the-lan": ("ha", {"name": "home-2", "edge": "192.168.0.0/24", "hosts": {"kvm1": {"address": HOST_ADDRESS}}}),
    "single-behind-nat": (
        "single",
        {"edge": "nat", "networks": {}, "hosts": {"kvm1": {"uri": "qemu+ssh://root@kvm1/system"}}},
    ),
    "single-with-a-database": (
        "single",
        {"nodes": [{"name": "db1", "role": "plain", "address": "192.168.0.60", "data_disk_gib": 20}]},
    ),
}

# Clusters of single tests.
OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "eleven-machines": ("eleven-machines", {}),
    "ha-with-a-worker-more": ("ha", {"counts": {"workers": 4}}),
    "single-on-two-hosts": ("single", {"hosts": TWO_HOSTS, "nodes": [{"name": "infra1", "host": "kvm2"}]}),
    "single-with-a-retired-host": ("single", {"hosts": TWO_HOSTS | {"kvm2": TWO_HOSTS["kvm2"] | {"state": "retired"}}}),
}

# The root module as it is, less what needs a provider.
_OUTPUTS = """
output "butane" { value = module.butane }
output "cloud_init" { value = module.cloud_init }
output "images" { value = local.images }
"""
_NEED_PROVIDERS = ("guards.tf", "hosts.tf", "machines.tf", "outputs.tf", "versions.tf")
_BUTANE_PROVIDER = re.compile(r'^data "ct_config" "\w+" \{\n.*?^\}\n', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Sources:
    """What the machines of a cluster read at their first boot.

    Attributes:
        infra: The rendered part.
        butane: For each Flatcar machine its `content` and its `snippets`.
        cloud_init: For each Linux machine its `user_data`, `meta_data` and `network_config`.
    """

    infra: Infra
    butane: Mapping[str, dict[str, Any]]
    cloud_init: Mapping[str, dict[str, str]]


def render_machines(
    render: Render, name: str, scratch: Path, layout: str = "infra", others: Mapping[str, Any] | None = None
) -> Infra:
    """Render one of CLUSTERS or OTHERS, with some other answers; the parameters are those of `render_infra`."""
    example, changes = (CLUSTERS | OTHERS)[name]
    (given,) = documents(ROOT / f"examples/{example}.yaml")
    answers = dict(given) | changes | dict(others or {})
    path = scratch / f"{name}.yaml"
    path.write_text(json.dumps(answers))
    loaded = load(path, ROOT, {"layout": layout})
    root = render(answers, layout)
    return Infra(loaded.plan, loaded.data, root / "infra" if layout == "monorepo" else root)


def terraform(
    folder: Path, *arguments: str, settings: Mapping[str, object] | None = None, program: str = "terraform"
) -> subprocess.CompletedProcess[str]:
    """Run Terraform in a folder, which has to be free of providers.

    Args:
        folder: Where; state and working files go there too.
        arguments: Of the command line.
        settings: Values of variables.
        program: `terraform` or `tofu`.
    """
    values = {f"TF_VAR_{key}": json.dumps(value).strip('"') for key, value in (settings or {}).items()}
    command = [str(require_tool(program)), *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        # No configuration of whoever runs the tests, and no question to the publisher about newer versions.
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "CHECKPOINT_DISABLE": "1", **values},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def prepare(infra: Infra, scratch: Path, program: str = "terraform") -> Path:
    """Copy a rendered part, and leave out of its root module what needs a provider.

    Args:
        infra: The rendered part.
        scratch: Where the copy goes.
        program: `terraform` or `tofu`.

    Returns:
        The folder of that module.
    """
    shutil.copytree(infra.root, scratch, dirs_exist_ok=True)
    folder = scratch / "terraform"
    for name in _NEED_PROVIDERS:
        (folder / name).unlink()
    path = folder / "configuration.tf"
    path.write_text(_BUTANE_PROVIDER.sub("", path.read_text()))
    (folder / "outputs.tf").write_text(_OUTPUTS)
    result = terraform(folder, "init", "-no-color", program=program)
    assert result.returncode == 0, result.stderr
    return folder


def render_sources(infra: Infra, folder: Path, program: str = "terraform") -> Sources:
    """Let Terraform render the sources of all machines of a cluster, in a folder that `prepare` made for it."""
    result = terraform(folder, "apply", "-auto-approve", "-input=false", "-no-color", program=program)
    assert result.returncode == 0, result.stderr
    output = json.loads(terraform(folder, "output", "-json", program=program).stdout)
    return Sources(infra, output["butane"]["value"], output["cloud_init"]["value"])
