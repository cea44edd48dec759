"""Interpreters that have imported what they are for, for programs that are started again and again; see `server`."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ANSIBLE_IMPORTS = (
    "ansible.module_utils.basic",
    "ansible.module_utils._internal._ansiballz._loader",
    *(
        f"ansible.modules.{name}"
        for name in ("command", "copy", "file", "get_url", "setup", "slurp", "stat", "systemd_service", "tempfile")
    ),
)
"""What Ansible's modules import, as far as roles run them here."""
PLAYBOOK_IMPORTS = (
    *("argparse", "csv", "ctypes.util", "difflib", "distro", "email.message", "getpass", "gettext", "hmac", "uuid"),
    *(
        "concurrent.futures.thread",
        "importlib.metadata",
        "jinja2.nativetypes",
        "jinja2.sandbox",
        "multiprocessing.queues",
    ),
    *("packaging.specifiers", "resolvelib", "runpy", "shlex", "tarfile", "yaml.cyaml"),
    "cryptography.hazmat.backends.openssl",
    *(f"cryptography.hazmat.primitives.{name}" for name in ("kdf.pbkdf2", "padding", "serialization")),
    *(f"ansible._internal._datatag.{name}" for name in ("_tags", "_utils", "_wrappers")),
    *(f"ansible._internal._errors.{name}" for name in ("_alarm_timeout", "_captured")),
    *(f"ansible._internal._templating.{name}" for name in ("_errors", "_jinja_patches", "_utils")),
    *("ansible._internal._collection_proxy", "ansible._internal._ssh._ssh_agent", "ansible._internal._yaml._errors"),
    *("ansible.config.manager", "ansible.context", "ansible.parsing.splitter", "ansible.parsing.utils.addresses"),
    *("ansible.utils.collection_loader", "ansible.utils.helpers", "ansible.utils.lock", "ansible.vars.hostvars"),
    *(f"ansible.module_utils.common.{name}" for name in ("file", "locale", "process", "sys_info", "warnings")),
    *(f"ansible.module_utils.compat.{name}" for name in ("paramiko", "selinux", "version")),
    *(f"ansible.module_utils.{name}" for name in ("json_utils", "_internal._ansiballz._extensions._debugpy")),
)
"""What ansible-playbook imports, as far as it reads no settings: those are another playbook's."""
_ROOT = Path(__file__).parents[2]
SERVER = Path(__file__).with_name("server.py")
KEEPING_PLAYBOOK = Path(__file__).with_name("playbook.py")
"""An ansible-playbook for Ansible's Python; its first argument is a folder."""


@contextmanager
def warm_python(program: str, modules: Iterable[str]) -> Iterator[Path]:
    """Start a server that has imported modules, and give a script that is used as `python3` is.

    Args:
        program: The interpreter.
        modules: What it imports ahead.
    """
    # Not in pytest's folder: the path of a socket may have 107 bytes.
    with TemporaryDirectory() as folder:
        socket, script = f"{folder}/socket", Path(folder) / "python3"
        command = [program, str(SERVER), socket, *modules]
        # How texts are encoded is settled when an interpreter starts.
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        with subprocess.Popen(command, cwd=_ROOT, env=environment, stdout=subprocess.PIPE) as server:
            try:
                assert server.stdout
                assert server.stdout.readline() == b"ready\n"
                write_script(script, f'exec {program} -I -S {SERVER} @{socket} "$@"')
                yield script
            finally:
                server.kill()


def write_script(path: Path, line: str) -> None:
    """Write a shell script of one line."""
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
