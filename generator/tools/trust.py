"""Whom a Git server is taken for: the host keys and the authority that the answers name, as files for ssh and git.

They are no secrets; the files are this process's own, and end with it.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from tempfile import _TemporaryFileWrapper

# Remotes are asked side by side, and the cache alone would let each thread make a file, and all but one go at once.
_one_at_a_time = threading.Lock()
# Host and port of ssh://user@host:port/path, and of user@host:path (git-clone(1), GIT URLS).
_SERVER = re.compile(r"(?:ssh://)?(?:[^@/]*@)?(?P<host>[^/:]+)(?::(?P<port>\d+)(?=/))?")


def ssh_command(url: str, known_hosts: Sequence[str]) -> list[str]:
    """Return the ssh command for a remote; it never asks a question.

    Args:
        url: The remote.
        known_hosts: Lines of a file known_hosts. Where they are about this server they alone count for it, whatever
            the files of this machine say.
    """
    command = ["ssh", "-o", "BatchMode=yes"]
    server = _SERVER.match(url)
    if server is None or not known_hosts:
        return command
    # In known_hosts the usual port is not named (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
    port = server["port"] or "22"
    name = server["host"] if port == "22" else f"[{server['host']}]:{port}"
    # A marker such as @cert-authority stands in front of the names.
    about = (line.split()[1 if line.startswith("@") else 0].split(",") for line in known_hosts)
    if not any(name in names or "*" in names for names in about):
        return command
    file = _file("\n".join(known_hosts) + "\n")
    pinned = (f"UserKnownHostsFile={file}", f"GlobalKnownHostsFile={os.devnull}", "StrictHostKeyChecking=yes")
    return [*command, *(word for option in pinned for word in ("-o", option))]


def authorities(certificates: str) -> str:
    """Return the path of a file with certificates in PEM beside those that this machine trusts anyway."""
    import ssl

    usual = ssl.get_default_verify_paths().cafile
    known = Path(usual).read_text(errors="replace") if usual and Path(usual).is_file() else ""
    return _file(f"{known}\n{certificates.rstrip()}\n")


def _file(text: str) -> str:
    with _one_at_a_time:
        return _kept(text).name


@cache
def _kept(text: str) -> _TemporaryFileWrapper[str]:
    # Referred to until the process ends, which removes it.
    file = tempfile.NamedTemporaryFile("w", prefix="fmc-", encoding="utf-8")  # noqa: SIM115
    file.write(text)
    file.flush()
    return file
