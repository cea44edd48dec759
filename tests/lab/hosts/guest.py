"""A virtual machine that boots: its serial console, and SSH into it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.e2e.bed.waiting import wait_for
from tests.lab.hosts.errors import LabError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.hosts.hypervisor import Hypervisor

BOOT_SECONDS = 900
"""How long an emulated processor may take on a machine that others keep busy."""
_COMMAND_SECONDS = 300
_SHOWN = 6000


@dataclass
class Guest:
    """A machine of a hypervisor.

    Attributes:
        hypervisor: Where it runs.
        name: What libvirt calls it.
        address: Where it answers.
        key: The file of a key that it lets in.
        folder: For the log of its console, and the host key that it has shown.
    """

    hypervisor: Hypervisor
    name: str
    address: str
    key: Path
    folder: Path
    _reader: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def watch(self) -> None:
        """Keep what it prints from now on; what nobody reads at once is lost."""
        console = self.hypervisor.defined("domain")[self.name].find("devices/console/source")
        assert console is not None
        # What is read is sent back by a terminal that is not told otherwise, and the machine takes it for typed.
        read = 'stty raw -echo <"$1" && exec cat "$1"'
        with self._log.open("wb") as log:
            command = ["sh", "-c", read, "sh", console.attrib["path"]]
            self._reader = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def leave(self) -> None:
        """End that."""
        if self._reader is not None:
            self._reader.kill()
            self._reader.wait()

    def printed(self) -> str:
        """Return the end of what it printed."""
        return self._log.read_text(errors="replace")[-_SHOWN:]

    def ssh(self, *command: str, user: str = "core", options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        """Run a command on it, and return how that ended; its host key is the one that it showed first."""
        settings = (
            *("BatchMode=yes", "ConnectTimeout=60", "IdentitiesOnly=yes", "StrictHostKeyChecking=accept-new"),
            f"UserKnownHostsFile={self.folder / 'known_hosts'}",
            *options,
        )
        given = [item for setting in settings for item in ("-o", setting)]
        return subprocess.run(
            ["ssh", "-F", "none", "-i", str(self.key), *given, f"{user}@{self.address}", *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )

    def do(self, command: str) -> str:
        """Run a command on it that must succeed, and return what it prints.

        Raises:
            LabError: It failed.
        """
        done = self.ssh(command)
        if done.returncode:
            raise LabError(f"{command} ended with exit code {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout.strip()

    def wait_up(self) -> None:
        """Wait until it lets somebody in.

        Raises:
            BedError: It does not.
        """
        wait_for(
            f"SSH to {self.name}",
            lambda: self.ssh("true").returncode == 0,
            timeout=BOOT_SECONDS,
            pause=1,
            report=self.printed,
        )

    @property
    def _log(self) -> Path:
        return self.folder / "console.log"
