"""A cluster that Terraform makes: real plans and applies of a rendered root module, on hypervisors of the lab.

The provider is a stand-in (tests/lab/stand_in_provider), or with FMC_LIBVIRT_PROVIDER=PATH the real one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.conftest import require_tool
from tests.lab.hosts.steps import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.lab.hosts.hypervisor import Hypervisor

PROVIDERS = {"dmacvicar/libvirt": "0.9.7", "poseidon/ct": "0.14.0"}
REGISTRIES = {"terraform": "registry.terraform.io", "tofu": "registry.opentofu.org"}
REAL = os.environ.get("FMC_LIBVIRT_PROVIDER", "")
"""The real provider's program, built by whoever has it."""
GIB = 1 << 30
LARGER = "." * (4 << 20)
"""What an image has more of, so that it does not fit where the machine before had its disks."""
# The real one takes several times as long as the stand-in.
_TIMEOUT = 900 if REAL else 300
_IMAGE = "/tmp/image.qcow2"


@dataclass(frozen=True)
class Site:
    """An infra part on the hypervisors that it is applied to.

    Attributes:
        root: The infra part.
        world: The folder of this computer: what Terraform takes for its home, and its temporary folder.
        hosts: The hypervisors by their names in the plan.
        program: `terraform` or `tofu`.
    """

    root: Path
    world: Path
    hosts: Mapping[str, Hypervisor]
    program: str = "terraform"

    @property
    def folder(self) -> Path:
        """Return the root module."""
        return self.root / "terraform"

    @property
    def host(self) -> Hypervisor:
        """Return the first hypervisor."""
        return next(iter(self.hosts.values()))

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
            # A test machine has no KVM, or one that can't be relied on.
            "TF_VAR_domain_type": "qemu",
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Terraform in the root module."""
        command = [str(require_tool(self.program)), *arguments, "-no-color"]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )

    def planned(self, *options: str) -> dict[str, str]:
        """Return what Terraform would do, by the resource's address; what it would leave alone is left out."""
        made = self.run("plan", "-input=false", "-json", *options)
        assert made.returncode == 0, made.stdout
        said = [json.loads(line) for line in made.stdout.splitlines()]
        changes = [line["change"] for line in said if line["type"] == "planned_change"]
        return {change["resource"]["addr"]: change["action"] for change in changes if change["action"] != "read"}

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

    def destroy(self, answer: str) -> subprocess.CompletedProcess[str]:
        """Run `make destroy`, and type an answer."""
        program = str(require_tool(self.program))
        return subprocess.run(
            ["make", "destroy"],
            cwd=self.root,
            env=self.environment | {"TERRAFORM": program},
            input=answer,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )

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

    def take_plan(self, infra: Path) -> None:
        """Take the plan of another rendering over, on the hypervisors of this one."""
        (self.root / "plan.json").write_text((infra / "plan.json").read_text())
        (self.folder / "hosts.tf").write_text((infra / "terraform" / "hosts.tf").read_text())
        self.change_plan(self._place)

    def generations(self, numbers: Mapping[str, int]) -> None:
        """Write what a person would write to have machines made anew."""
        text = ", ".join(f"{name} = {number}" for name, number in numbers.items())
        (self.folder / "user.auto.tfvars").write_text(f"generations = {{ {text} }}\n")

    def image(self, name: str, content: str = "", size: int = GIB) -> None:
        """Pin an empty image, and put it where `make images` would; other content makes it another one."""
        with self._new_image("create", "-q", "-f", "qcow2", _IMAGE, str(size)) as image:
            with image.open("ab") as stream:
                stream.write((content or name).encode())
            self._keep(name, image, size)

    def image_of(self, name: str, disk: Path) -> None:
        """Pin an image of a disk in the same way."""
        inside = self.host.root / "mnt"
        run("mount", "--bind", str(disk.parent), str(inside))
        try:
            with self._new_image("convert", "-O", "qcow2", f"/mnt/{disk.name}", _IMAGE) as image:
                self._keep(name, image, disk.stat().st_size)
        finally:
            run("umount", str(inside))

    def pin(self, name: str, digest: str, url: str = "file:///nowhere") -> None:
        """Pin an image in versions.user.yaml."""
        path = self.root / "versions.user.yaml"
        # JSON is YAML, and comments are no part of it.
        text = "\n".join(line for line in path.read_text().splitlines() if not line.startswith("#"))
        pins = json.loads(text.removeprefix("images: ") if text.startswith("images") else text)
        pins = pins.get("images", pins)
        pins[name] = {"version": "1", "url": url, "sha512": digest}
        path.write_text(json.dumps({"images": pins}))

    @contextmanager
    def _new_image(self, *arguments: str) -> Iterator[Path]:
        """Make an image with qemu-img, which is removed afterwards."""
        self.host.inside("qemu-img", *arguments)
        image = self.host.root / _IMAGE.lstrip("/")
        yield image
        image.unlink()

    def _keep(self, name: str, image: Path, size: int) -> None:
        with image.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha512").hexdigest()
        path = self.folder / "images" / f"{digest[:16]}.qcow2"
        path.parent.mkdir(exist_ok=True)
        shutil.copyfile(image, path)
        path.with_suffix(".json").write_text(json.dumps({"sha512": digest, "virtual_size": size}))
        self.pin(name, digest)

    def _place(self, plan: dict[str, Any]) -> None:
        for host in plan["hosts"]:
            host["uri"] = self.hosts[host["name"]].uri


def make_site(infra: Path, world: Path, hosts: Mapping[str, Hypervisor], program: str = "terraform") -> Site:
    """Copy an infra part, give it images and hypervisors, and have Terraform look for its providers.

    Args:
        infra: The rendered part.
        world: A folder for it.
        hosts: The hypervisors by their names in the plan.
        program: `terraform` or `tofu`.
    """
    site = Site(shutil.copytree(infra, world / "infra"), world, hosts, program)
    site.take_plan(infra)
    for name in sorted({node["image"] for node in json.loads((infra / "plan.json").read_text())["nodes"]}):
        site.image(name)
    result = site.run("init", "-input=false")
    assert result.returncode == 0, result.stderr
    return site


def copy_site(made: Site, world: Path) -> Site:
    """Copy what the person has of a cluster, state and all, to be changed; the hypervisors stay the same ones."""
    shutil.copytree(made.world, world, symlinks=True, dirs_exist_ok=True)
    site = Site(world / "infra", world, made.hosts, made.program)
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
            built = Path(REAL) if REAL and name == "libvirt" else require_tool(f"stand-in-provider-{name}")
            (folder / f"terraform-provider-{name}_v{version}").symlink_to(built)
    path = world / "terraform.rc"
    path.write_text(f'provider_installation {{\n  filesystem_mirror {{ path = "{mirror}" }}\n}}\n')
    return path
