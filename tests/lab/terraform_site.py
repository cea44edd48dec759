"""A cluster that Terraform has made on stand-ins for its providers: real plans and applies, no hypervisor.

A hypervisor is a folder there (tests/lab/stand_in_provider), so that what is left of a cluster can be looked at.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.conftest import require_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

PROVIDERS = {"dmacvicar/libvirt": "0.9.7", "poseidon/ct": "0.14.0"}
REGISTRIES = {"terraform": "registry.terraform.io", "tofu": "registry.opentofu.org"}
GIB = 1 << 30


@dataclass(frozen=True)
class Site:
    """An infra part with the hypervisors that it is applied to.

    Attributes:
        root: The infra part.
        world: The folder of the hypervisors.
        program: `terraform` or `tofu`.
    """

    root: Path
    world: Path
    program: str = "terraform"

    @property
    def folder(self) -> Path:
        """Return the root module."""
        return self.root / "terraform"

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of Terraform: nothing of whoever runs the tests, providers from a folder."""
        staging = self.world / "tmp"
        staging.mkdir(parents=True, exist_ok=True)
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.world),
            "TMPDIR": str(staging),
            "CHECKPOINT_DISABLE": "1",
            "TF_CLI_CONFIG_FILE": str(_configuration(self.world, self.program)),
            "STAND_IN_LIBVIRT": str(self.world / "hosts"),
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Terraform in the root module."""
        command = [str(require_tool(self.program)), *arguments, "-no-color"]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=240, check=False
        )

    def planned(self) -> dict[str, list[str]]:
        """Return what Terraform would do, by the resource's address; what it would leave alone is left out."""
        made = self.run("plan", "-input=false", "-out=x.tfplan")
        assert made.returncode == 0, made.stderr
        shown = json.loads(self.run("show", "-json", "x.tfplan").stdout)
        changes = {change["address"]: change["change"]["actions"] for change in shown.get("resource_changes", [])}
        return {address: actions for address, actions in changes.items() if actions not in (["no-op"], ["read"])}

    def refusal(self) -> str:
        """Return what Terraform says against a plan, without its frame."""
        result = self.run("plan", "-input=false")
        assert result.returncode == 1, result.stdout
        return " ".join(result.stderr.replace("\N{BOX DRAWINGS LIGHT VERTICAL}", " ").split())

    def apply(self) -> str:
        """Have it so; return what Terraform says."""
        result = self.run("apply", "-auto-approve", "-input=false")
        assert result.returncode == 0, result.stderr
        return result.stdout

    def output(self, name: str) -> Any:
        """Return an output."""
        return json.loads(self.run("output", "-json", name).stdout)

    def change(self, how: Callable[[dict[str, Any]], object]) -> None:
        """Change the plan of the machines; the function gets them by name."""
        self.change_plan(lambda plan: _by_name(plan, how))

    def change_plan(self, how: Callable[[dict[str, Any]], object]) -> None:
        """Change the plan."""
        path = self.root / "plan.json"
        plan = json.loads(path.read_text())
        how(plan)
        path.write_text(json.dumps(plan))

    def generations(self, numbers: Mapping[str, int]) -> None:
        """Write what a person would write to have machines made anew."""
        text = ", ".join(f"{name} = {number}" for name, number in numbers.items())
        (self.folder / "user.auto.tfvars").write_text(f"generations = {{ {text} }}\n")

    def host(self, uri: str = "qemu:///system") -> Path:
        """Return the folder of a hypervisor."""
        return self.world / "hosts" / quote(uri, safe="")

    def defined(self, kind: str, uri: str = "qemu:///system") -> dict[str, Any]:
        """Return what a hypervisor has of a kind (domain, network, pool), by name."""
        return {path.stem: json.loads(path.read_text()) for path in sorted((self.host(uri) / kind).glob("*.json"))}

    def files(self, uri: str = "qemu:///system") -> set[str]:
        """Return the names of the files of disks that a hypervisor has."""
        return {path.name for path in (self.host(uri) / "files").rglob("*") if path.is_file()}

    def image(self, name: str, content: str = "", size: int = GIB) -> None:
        """Pin an image of a few bytes, and put it where `make images` would."""
        header = b"QFI\xfb" + bytes(20) + size.to_bytes(8)
        image = header + (content or name).encode()
        digest = hashlib.sha512(image).hexdigest()
        path = self.folder / "images" / f"{digest[:16]}.qcow2"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(image)
        path.with_suffix(".json").write_text(json.dumps({"sha512": digest, "virtual_size": size}))
        self.pin(name, digest)

    def pin(self, name: str, digest: str) -> None:
        """Pin an image in versions.user.yaml."""
        path = self.root / "versions.user.yaml"
        # JSON is YAML, and comments are no part of it.
        text = "\n".join(line for line in path.read_text().splitlines() if not line.startswith("#"))
        pins = json.loads(text.removeprefix("images: ") if text.startswith("images") else text)
        pins = pins.get("images", pins)
        pins[name] = {"version": "1", "url": "file:///nowhere", "sha512": digest}
        path.write_text(json.dumps({"images": pins}))


def make_site(infra: Path, world: Path, program: str = "terraform") -> Site:
    """Copy an infra part, give it images, and have Terraform look for its providers.

    Args:
        infra: The rendered part.
        world: A folder for it and its hypervisors.
        program: `terraform` or `tofu`.
    """
    site = Site(shutil.copytree(infra, world / "infra"), world, program)
    for name in sorted({node["image"] for node in json.loads((infra / "plan.json").read_text())["nodes"]}):
        site.image(name)
    result = site.run("init", "-input=false")
    assert result.returncode == 0, result.stderr
    return site


def copy_site(made: Site, world: Path) -> Site:
    """Copy a cluster with its hypervisors and its state, to be changed."""
    shutil.copytree(made.world, world, symlinks=True, dirs_exist_ok=True)
    site = Site(world / "infra", world, made.program)
    # It names files of the provider's temporary folder by their paths.
    state = site.folder / "terraform.tfstate"
    state.write_text(state.read_text().replace(str(made.world), str(world)))
    return site


def _by_name(plan: dict[str, Any], how: Callable[[dict[str, Any]], object]) -> None:
    nodes = {node["name"]: node for node in plan["nodes"]}
    how(nodes)
    plan["nodes"] = list(nodes.values())


def _configuration(world: Path, program: str) -> Path:
    """Lay the providers out as a mirror, and return a configuration that names no other source."""
    mirror, system = world / "mirror", "linux_amd64"
    for source, version in PROVIDERS.items():
        name = source.partition("/")[2]
        folder = mirror / REGISTRIES[program] / source / version / system
        if not folder.exists():
            folder.mkdir(parents=True)
            (folder / f"terraform-provider-{name}_v{version}").symlink_to(require_tool(f"stand-in-provider-{name}"))
    path = world / "terraform.rc"
    path.write_text(f'provider_installation {{\n  filesystem_mirror {{ path = "{mirror}" }}\n}}\n')
    return path
