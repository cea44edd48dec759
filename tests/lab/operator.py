"""The person who runs Ansible: renders an example, writes the inventory's user.yml files, starts playbooks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.lab.hosts import warm
from tests.lab.hosts.errors import LabError
from tests.lab.releases import offer
from tests.pipeline.world import ROOT, Finished
from tests.shell import Shell, set_answers
from tests.toolchain.build import tools_folder
from tests.warm_python import KEEPING_PLAYBOOK, write_script

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.lab.hosts.lab import Lab

_TIMEOUT = 1200
_SHOWN = 8
# A container sees the processors and disks of the machine that it runs on, and its addresses don't come from resolved.
_LAB_VARIABLES: Mapping[str, Any] = {
    "ansible_python_interpreter": warm.INTERPRETER,
    "preflight_interpreter": "/usr/bin/python3",
    "preflight_cpus": 1,
    "preflight_disks_gib": [0, 0],
    "preflight_memory_mib": 64,
}
_RECAP = re.compile(
    r"^(?P<host>\S+)\s*: ok=\d+\s+changed=(?P<changed>\d+)\s+unreachable=(?P<away>\d+)\s+failed=(?P<failed>\d+)", re.M
)


@dataclass(frozen=True)
class Recap:
    """What the end of a playbook says of a host."""

    changed: int
    unreachable: int
    failed: int


@dataclass(frozen=True)
class Play(Finished):
    """A playbook that ended."""

    seconds: float = 0.0
    roles: Mapping[str, float] = field(default_factory=dict)
    """Seconds by role; those of tasks outside of roles have the name ""."""

    @property
    def recap(self) -> dict[str, Recap]:
        """Return the recap by host."""
        rows = _RECAP.finditer(self.out)
        return {row["host"]: Recap(int(row["changed"]), int(row["away"]), int(row["failed"])) for row in rows}

    @property
    def changed(self) -> int:
        """Return how many changes there were on all hosts."""
        return sum(row.changed for row in self.recap.values())

    def slowest(self) -> str:
        """Return the roles that took longest, with their seconds."""
        rows = sorted(self.roles.items(), key=lambda row: -row[1])[:_SHOWN]
        return ", ".join(f"{role or 'no role'} {seconds:.0f} s" for role, seconds in rows)


class Operator(Shell):
    """A person with a shell, an SSH key, an age identity and a workspace."""

    def __init__(self, folder: Path) -> None:
        """Give them a home below a folder, and a place for their workspace."""
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        (self.home / ".gitconfig").write_text("[user]\nname = Operator\nemail = ops@example.com\n")
        self.workspace = folder / "workspace"
        self.key = self.home / "id_ed25519"
        self._times = self.home / "role_times.json"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", str(self.key)], check=True)
        environment = {
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",
            "ANSIBLE_FORCE_COLOR": "0",
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "role_times",
            "FMC_ROLE_TIMES": str(self._times),
            "PATH": os.pathsep.join(
                [str(self._programs()), str(Path(sys.executable).parent), str(tools_folder()), os.environ["PATH"]]
            ),
        }
        super().__init__(environment, self.workspace, LabError, _TIMEOUT)

    def _programs(self) -> Path:
        """Write the ansible-playbook of `tests/warm_python`, and return its folder."""
        programs, kept = self.home / "bin", self.home / ".compiled"
        for folder in (programs, kept):
            folder.mkdir()
        python = (tools_folder() / "ansible-playbook").resolve().with_name("python")
        write_script(programs / "ansible-playbook", f'exec {python} {KEEPING_PLAYBOOK} {kept} "$@"')
        return programs

    @property
    def public_key(self) -> str:
        """Return what belongs into authorized_keys."""
        return self.key.with_suffix(".pub").read_text()

    @property
    def infra(self) -> Path:
        """Return the repository infra."""
        return self.workspace / "infra"

    def make_repositories(self, name: str = "ha", **answers: Any) -> None:
        """Run `fmc new` for an example with some further answers; nothing is pushed."""
        extra = set_answers(answers)
        example = str(ROOT / "examples" / f"{name}.yaml")
        self.do("fmc", "new", "--answers", example, "--yes", "--workspace", str(self.workspace), *extra, cwd=self.home)

    def set_variables(self, group: str, variables: Mapping[str, Any]) -> None:
        """Write a user.yml of the inventory, as a person does whose machines differ from the template's."""
        file = self.infra / "ansible" / "inventory" / "group_vars" / group / "user.yml"
        file.write_text(f"---\n{json.dumps(dict(variables), indent=2)}\n")

    def meet(self, lab: Lab) -> None:
        """Say how the hosts of the lab are reached, what they can download, and accept their keys."""
        offered = offer(lab.shared)
        key = {"ansible_ssh_private_key_file": str(self.key)}
        self.set_variables("all", {**_LAB_VARIABLES, **key, **offered["node_exporter"]})
        self.set_variables("dns_servers", offered["coredns"])
        known = "".join(f"{host.address} {host.host_key}\n" for host in lab.hosts.values())
        (self.home / "known_hosts").write_text(known)
        self.environment["ANSIBLE_SSH_COMMON_ARGS"] = (
            f"-F none -o UserKnownHostsFile={self.home / 'known_hosts'} -o IdentitiesOnly=yes"
        )

    def play(self, playbook: str, *options: str) -> Play:
        """Run a playbook of the repository infra to its end."""
        begin = time.monotonic()
        self._times.unlink(missing_ok=True)
        done = self.run("ansible-playbook", f"playbooks/{playbook}.yml", *options, cwd=self.infra / "ansible")
        roles = json.loads(self._times.read_text()) if self._times.exists() else {}
        return Play(done.code, done.out, done.err, time.monotonic() - begin, roles)

    def converge(self, playbook: str, *options: str) -> Play:
        """Run a playbook that must succeed.

        Raises:
            LabError: It failed on some host.
        """
        play = self.play(playbook, *options)
        if play.code:
            raise LabError(f"{playbook}.yml ended with exit code {play.code}:\n{play.all[-6000:]}")
        return play
