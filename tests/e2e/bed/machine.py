"""The machine that the bed pretends to be: a network without a way out, names of its own, a trusted authority.

`python -m tests.e2e` starts itself again by `unshare` (command line in `ENTER`), in namespaces for network, mounts and
processes. What is done here is seen by nothing else, and ends with the last process.
"""

from __future__ import annotations

import fcntl
import shutil
import socket
import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.e2e.bed.errors import BedError

ENTER = (
    *("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
    # Argo CD writes manifests into shared memory, which would stay when it is killed.
    *("sh", "-c", 'mount -t tmpfs tmpfs /dev/shm && exec "$@"', "sh"),
)
HOSTS = Path("/etc/hosts")
_TRUSTED = Path("/etc/ssl/certs/ca-certificates.crt")
# <linux/sockios.h>, <linux/if.h>
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1
_IFREQ = struct.Struct("16sH14x")


def run_inside(command: Sequence[str]) -> int:
    """Run a command in namespaces of its own, and return its exit code."""
    return subprocess.run([*ENTER, *command], check=False).returncode


def require_own_network() -> None:
    """Refuse to go on where the bed could reach, or be reached by, anything else.

    Raises:
        BedError: There is another network interface than loopback.
    """
    others = [name for _, name in socket.if_nameindex() if name != "lo"]
    if others:
        raise BedError(
            f"the network of this process has interfaces ({', '.join(others)}) through which things could leave",
            fix="Start the tests by `make e2e`, which gives them a network of their own.",
        )


def raise_loopback() -> None:
    """Bring the interface lo up; the whole of 127.0.0.0/8 works from then on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = _IFREQ.pack(b"lo", 0)
        _, flags = _IFREQ.unpack(fcntl.ioctl(control, _SIOCGIFFLAGS, request))
        fcntl.ioctl(control, _SIOCSIFFLAGS, _IFREQ.pack(b"lo", flags | _IFF_UP))


def own(addresses: str) -> None:
    """Make a range of addresses this machine's own: whoever listens on one of them is reached there.

    Args:
        addresses: The range, in CIDR notation.

    Raises:
        BedError: The program `ip` is missing, or refused.
    """
    if shutil.which("ip") is None:
        raise BedError("ip is not on PATH", fix="Install iproute2.")
    command = ["ip", "route", "add", "local", addresses, "dev", "lo"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BedError(f"{' '.join(command)} failed: {done.stderr.strip()}")


def set_names(addresses: Mapping[str, str], folder: Path) -> None:
    """Let names mean addresses, and nothing else but localhost mean anything.

    Args:
        addresses: Address by name.
        folder: For the file that lies over /etc/hosts.
    """
    lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in addresses.items())]
    _lay_over(HOSTS, "\n".join([*lines, ""]).encode(), folder)


def trust(certificate: Path, folder: Path) -> None:
    """Let every program of the machine trust an authority, and no other one.

    Args:
        certificate: Its certificate.
        folder: For the file that lies over the machine's list.
    """
    _lay_over(_TRUSTED, certificate.read_bytes(), folder)


def _lay_over(path: Path, content: bytes, folder: Path) -> None:
    if not path.exists():
        raise BedError(f"{path} is missing", fix="Install ca-certificates, or what else brings this file.")
    cover = folder / path.name
    cover.parent.mkdir(parents=True, exist_ok=True)
    cover.write_bytes(content)
    subprocess.run(["mount", "--bind", str(cover), str(path)], check=True)
