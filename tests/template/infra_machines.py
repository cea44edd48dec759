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

# The root module as it is, less what needs a provider.
_OUTPUTS = """
output "butane" { value = module.butane }
output "cloud_init" { value = module.cloud_init }
output "images" { value = local.images }
"""
_NEEDS_PROVIDER = re.compile(
    r'^(?:#[^\n]*\n)*(?:resource "libvirt_\w+" "\w+"|data "ct_config" "\w+"|module "(?:network|node|data_disk)") \{\n'
    r".*?^\}\n",
    re.MULTILINE | re.DOTALL,
)


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


def render_machines(render: Render, name: str, scratch: Path, layout: str = "infra") -> Infra:
    """Render one of CLUSTERS; the parameters are those of `render_infra`."""
    example, changes = CLUSTERS[name]
    (given,) = documents(ROOT / f"examples/{example}.yaml")
    answers = dict(given) | changes
    path = scratch / f"{name}.yaml"
    path.write_text(json.dumps(answers))
    loaded = load(path, ROOT, {"layout": layout})
    root = render(answers, layout)
    return Infra(loaded.plan, loaded.data, root / "infra" if layout == "monorepo" else root)


def terraform(
    folder: Path, *arguments: str, settings: Mapping[str, object] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run Terraform in a folder, which has to be free of providers.

    Args:
        folder: Where; state and working files go there too.
        arguments: Of the command line.
        settings: Values of variables.
    """
    values = {f"TF_VAR_{key}": json.dumps(value).strip('"') for key, value in (settings or {}).items()}
    command = [str(require_tool("terraform")), *arguments]
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


def prepare(infra: Infra, scratch: Path) -> Path:
    """Copy a rendered part, and leave out of its root module what needs a provider.

    Returns:
        The folder of that module.
    """
    shutil.copytree(infra.root, scratch, dirs_exist_ok=True)
    folder = scratch / "terraform"
    for name in ("outputs.tf", "providers.tf", "versions.tf"):
        (folder / name).unlink()
    for name in ("main.tf", "configuration.tf"):
        path = folder / name
        path.write_text(_NEEDS_PROVIDER.sub("", path.read_text()))
    (folder / "outputs.tf").write_text(_OUTPUTS)
    result = terraform(folder, "init", "-no-color")
    assert result.returncode == 0, result.stderr
    return folder


def render_sources(infra: Infra, folder: Path) -> Sources:
    """Let Terraform render the sources of all machines of a cluster, in a folder that `prepare` made."""
    result = terraform(folder, "apply", "-auto-approve", "-input=false", "-no-color")
    assert result.returncode == 0, result.stderr
    output = json.loads(terraform(folder, "output", "-json").stdout)
    return Sources(infra, output["butane"]["value"], output["cloud_init"]["value"])
