"""One host: a systemd of its own in a network namespace of its own, reached over SSH like any other machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.e2e.bed.waiting import wait_for
from tests.lab.hosts import network, remembered_code, warm
from tests.lab.hosts.cgroup import make_groups, remove_groups, within
from tests.lab.hosts.errors import LabError
from tests.lab.hosts.storage import give_disks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.lab.hosts.disk import Disk
    from tests.lab.hosts.image import Image

_UP_SECONDS, _DOWN_SECONDS = 120.0, 60.0
_ASKED_TO_RESTART = 133
"""What nspawn ends with when the systemd inside restarts the machine (systemd-nspawn(1), --keep-unit)."""
# The network's own settings are writable as in a virtual machine, the kernel's others are not.
_NSPAWN_ENVIRONMENT = {"SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network", "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "0"}
_CAPABILITIES = ("--capability=CAP_NET_ADMIN,CAP_NET_RAW", "--drop-capability=CAP_SYS_TIME")


@dataclass
class Host:
    """A machine of the plan in the lab.

    Attributes:
        node: It in the plan.
        bridge: The bridge of its network.
        folder: Its files; they outlive a halt as a disk does.
        image: What it starts from.
        public_key: Of who may come in as the user core.
        shared: Folder that it sees as /srv/lab, read-only.
        disks: Its further disks.
    """

    node: Mapping[str, Any]
    bridge: str
    folder: Path
    image: Image
    public_key: str
    shared: Path
    disks: Sequence[Disk] = ()
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _groups: list[Path] = field(default_factory=list, repr=False)

    @property
    def name(self) -> str:
        """Return its name in the plan."""
        return str(self.node["name"])

    @property
    def address(self) -> str:
        """Return its address."""
        return str(self.node["address"])

    @property
    def root(self) -> Path:
        """Return where its file system is, as it sees it itself."""
        return self.folder / "root"

    @property
    def host_key(self) -> str:
        """Return its public host key, as known_hosts has it."""
        return " ".join((self.root / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[:2])

    def start(self) -> None:
        """Switch it on; it keeps what was written before."""
        first = not self.folder.exists()
        self._mount()
        if first:
            self._personalize()
        for disk in self.disks:
            disk.attach()
        if self.disks:
            give_disks(self.root, self.disks)
        node = self.node
        network.plug_in(
            self.name,
            bridge=self.bridge,
            mac=node["mac"],
            address=self.address,
            prefix=node["prefix"],
            gateway=node["gateway"],
        )
        self._groups = make_groups(f"{self.folder.parents[1].name}-{self.name}")
        binds = [f"--bind-ro={self.image.archive}:/srv/apt", f"--bind-ro={self.shared}:/srv/lab"]
        if node["os"] == "flatcar":
            binds = [f"--bind-ro={self.shared}:/srv/lab", f"--bind-ro={self.root}/usr:/usr"]
        with (self.folder / "console.log").open("ab") as console:
            self._process = subprocess.Popen(
                [
                    *within(self._groups),
                    *("systemd-nspawn", "--quiet", f"--directory={self.root}", f"--machine={self.name}", "--boot"),
                    *(f"--hostname={self.name}", "--register=no", "--keep-unit", "--console=read-only"),
                    *("--resolv-conf=off", "--timezone=off", "--link-journal=no", *_CAPABILITIES),
                    *(f"--network-namespace-path={network.NAMESPACES / self.name}", *binds),
                ],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                env={"PATH": os.environ["PATH"], **_NSPAWN_ENVIRONMENT},
                start_new_session=True,
            )

    def wait_up(self) -> None:
        """Wait until systemd has started everything.

        Raises:
            LabError: It ended, or does not come up.
        """

        def up() -> bool:
            if not self.running:
                raise LabError(f"{self.name} ended while it started:\n{self.console()}")
            started = self.inside("systemctl", "is-system-running").stdout.strip() in {"running", "degraded"}
            # Until this file is gone, SSH lets root in alone.
            return started and self.inside("test", "-e", "/run/nologin").returncode == 1

        wait_for(f"{self.name} to come up", up, timeout=_UP_SECONDS, report=self.console)

    @property
    def running(self) -> bool:
        """Tell whether it is switched on."""
        return self._process is not None and self._process.poll() is None

    def halt(self) -> None:
        """Have its systemd power it off."""
        self._end(signal.SIGTERM)

    def restart_if_asked(self) -> None:
        """Switch it on again where its systemd has asked for a restart, as a hypervisor does."""
        if self._process is not None and self._process.poll() == _ASKED_TO_RESTART:
            self.halt()
            self.start()

    def cut_power(self) -> None:
        """End it at once; nothing in it is told."""
        self._end(signal.SIGKILL)

    def set_cable(self, *, connected: bool) -> None:
        """Cut it off from its network, or connect it again."""
        network.set_cable(self.name, connected=connected)

    def wipe(self) -> None:
        """Remove its files: the next start is that of a new machine. It must be off."""
        if self.folder.exists():
            subprocess.run(["umount", "--lazy", str(self.root)], check=False)
            shutil.rmtree(self.folder)

    def inside(self, *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command on it as root, without SSH, and return how it ended."""
        leader = self._leader()
        if leader is None:
            return subprocess.CompletedProcess(command, 255, "", "the host is off")
        enter = ["nsenter", f"--target={leader}", "--all", "--wdns=/"]
        return subprocess.run([*enter, *command], input=stdin, capture_output=True, text=True, check=False, timeout=120)

    def do(self, *command: str, stdin: str = "") -> str:
        """Run a command on it that must succeed, as root, and return what it prints.

        Raises:
            LabError: It failed.
        """
        done = self.inside(*command, stdin=stdin)
        if done.returncode:
            output = f"{done.stdout}{done.stderr}"
            raise LabError(f"{self.name}: {' '.join(command)} ended with exit code {done.returncode}:\n{output}")
        return done.stdout

    def console(self) -> str:
        """Return the end of what it printed."""
        log = self.folder / "console.log"
        return log.read_text(errors="replace")[-2000:] if log.exists() else ""

    def _mount(self) -> None:
        for name in ("upper", "work", "root"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        if not self.root.is_mount():
            layers = [self.image.flatcar] if self.node["os"] == "flatcar" else []
            lower = ":".join(map(str, [*layers, self.image.root]))
            options = f"lowerdir={lower},upperdir={self.folder / 'upper'},workdir={self.folder / 'work'}"
            subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", str(self.root)], check=True)

    def _personalize(self) -> None:
        """Write what Ignition or cloud-init writes on the real machine, as far as Ansible has to find it."""
        etc = self.root / "etc"
        (etc / "machine-id").write_text(uuid.uuid4().hex + "\n")
        (etc / "hostname").write_text(f"{self.name}\n")
        # apt takes lists that were just emptied for up to date.
        os.utime(self.root / "var" / "lib" / "apt" / "lists", (0, 0))
        (etc / "hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {self.node['fqdn']} {self.name}\n")
        (etc / "resolv.conf").unlink(missing_ok=True)
        (etc / "resolv.conf").write_text("".join(f"nameserver {server}\n" for server in self.node["dns_servers"]))
        key = etc / "ssh" / "ssh_host_ed25519_key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", self.name, "-f", str(key)], check=True)
        (python,) = etc.glob("python3.*")
        shutil.copyfile(remembered_code.__file__, python / "sitecustomize.py")
        compiled = self.root / remembered_code.FOLDER.lstrip("/")
        compiled.mkdir()
        compiled.chmod(0o1777)
        warm.install(self.root)
        home = self.root / "home" / "core" / ".ssh"
        home.mkdir(mode=0o700)
        (home / "authorized_keys").write_text(self.public_key)
        owner = home.parent.stat()
        for path in (home, home / "authorized_keys"):
            os.chown(path, owner.st_uid, owner.st_gid)

    def _leader(self) -> int | None:
        """Return the process id of its systemd, as seen from outside."""
        if not self.running:
            return None
        assert self._process is not None
        children = subprocess.run(
            ["pgrep", "--parent", str(self._process.pid)], capture_output=True, text=True, check=False
        ).stdout.split()
        return int(children[0]) if children else None

    def _end(self, number: int) -> None:
        if self._process is None:
            return
        if self.running:
            # nspawn ends its systemd when it is told to end; when it is killed, the kernel ends what it started.
            self._process.send_signal(number)
            try:
                self._process.wait(_DOWN_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None
        remove_groups(self._groups)
        network.unplug(self.name)
