"""`fmc doctor`: what fmc needs on this machine, and what it can use."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass

from generator.errors import FmcError
from generator.secrets.vault.identities import identity_path
from generator.template.source import find_template
from generator.tools.command import Command
from generator.tools.git import PROGRAM
from generator.tools.install import find_tool


@dataclass(frozen=True)
class Requirement:
    """One thing that was looked for.

    Attributes:
        name: What it is.
        found: Version or place; "" where it is not there.
        purpose: What fmc does with it.
        needed: Whether fmc does not work without it.
    """

    name: str
    found: str
    purpose: str
    needed: bool = False

    def as_dict(self) -> dict[str, object]:
        """Return it for `--output json`."""
        return asdict(self)


def examine() -> list[Requirement]:
    """Look for everything."""
    identity = identity_path(None, os.environ)
    return [
        Requirement("Python", platform.python_version(), "runs fmc", needed=True),
        Requirement("template", _template(), "what `fmc new` renders", needed=True),
        Requirement("git", _version(PROGRAM, ["--version"]), "commits and pushes", needed=True),
        Requirement("kubeconform", _kubeconform(), "validates manifests; else the built-in engine does"),
        Requirement(
            "age identity",
            str(identity) if identity.is_file() else "",
            "opens the vault; the first `fmc seal` makes it",
        ),
        Requirement("kubectl", _version("kubectl", ["version", "--client"]), "brings Argo CD into the cluster"),
        Requirement("helm", _version("helm", ["version", "--short"]), "installs Argo CD the first time"),
        Requirement("terraform", _version("terraform", ["version"]), "makes the machines"),
        Requirement("ansible-playbook", _version("ansible-playbook", ["--version"]), "sets the machines up"),
    ]


def _template() -> str:
    try:
        template = find_template()
    except FmcError:
        return ""
    return f"{template.root} ({template.version})"


def _kubeconform() -> str:
    found = find_tool("kubeconform")
    return f"{_version(str(found), ['-v'])} ({found})" if found else ""


def _version(program: str, arguments: list[str]) -> str:
    try:
        output = Command(program, timeout=10.0).run(arguments).stdout.decode(errors="replace")
    except FmcError:
        return ""
    return next(iter(output.splitlines()), "").strip()
