"""The programs that an operator needs: what is wanted, what is there, and what brings the rest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from generator.findings import Flaw
from generator.readiness import ruleset

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from generator.findings import Finding

_VERSION = re.compile(r"\d+(?:\.\d+)+")
_MINOR = 2  # numbers of a version that tell what it can do; the third is for corrections
_INSTALL = {"Debian": "sudo apt-get install", "RedHat": "sudo dnf install"}
BY_PLAYBOOK = "`make admin` in the folder of the repository infra"
ANSIBLE = "ansible-playbook"


@dataclass(frozen=True)
class Tool:
    """A program that is wanted.

    Attributes:
        name: What it is called.
        purpose: What it is for.
        arguments: What it is given to tell its version; empty where its presence is all that counts.
        version: The one that was tested; "" where any will do.
        least: The oldest version that works, too; "" where none is known.
        below: The first one that does not; "" where none is known.
        packages: Its package by family of distributions; empty where the playbook brings it.
        instead: Other programs that do the same.
        url: Its release, where there is no playbook that brings it.
    """

    name: str
    purpose: str
    arguments: tuple[str, ...] = ()
    version: str = ""
    least: str = ""
    below: str = ""
    packages: Mapping[str, str] | None = None
    instead: tuple[str, ...] = ()
    url: str = ""

    @property
    def wanted(self) -> str:
        """The versions that will do, in words."""
        if self.least:
            return f"{self.least} or newer, below {self.below}"
        return self.version


def tools_of(rows: Mapping[str, Mapping[str, Any]], *, by_hand: bool = False) -> tuple[Tool, ...]:
    """Return the tools of a table, as `lib/tools.jinja` has it and versions.yaml repeats it.

    Args:
        rows: By name; what the role alone reads is passed over.
        by_hand: Whether people bring them: a cluster that is there already has no playbook.
    """
    return tuple(
        Tool(
            name,
            str(row.get("purpose", "")),
            tuple(map(str, row.get("arguments", ()))),
            version=str(row.get("version", "")),
            least=str(row.get("least", "")),
            below=str(row.get("below", "")),
            packages=row.get("packages"),
            instead=tuple(row.get("instead", ())),
            url=str(row.get("url", "")) if by_hand else "",
        )
        for name, row in rows.items()
    )


def ansible_of(requirements: str) -> Tool:
    """Return what is wanted of Ansible.

    Args:
        requirements: The text of ansible/requirements.txt.
    """
    pinned = re.search(r"^ansible-core==([\d.]+)", requirements, re.MULTILINE)
    return Tool(ANSIBLE, "sets the machines up", ("--version",), pinned[1] if pinned else "")


def version_in(output: str) -> str:
    """Return the version that a program prints, "" if it prints none."""
    found = _VERSION.search(output)
    return found[0] if found else ""


def judge_tools(tools: Iterable[Tool], found: Mapping[str, str | None], family: str) -> list[Finding]:
    """Compare what is wanted with what is there.

    Args:
        tools: What is wanted.
        found: What each prints as its version; None where the program is not there.
        family: The family of distributions that this machine is of: Debian, RedHat or "".
    """
    return [finding for tool in tools for finding in _judge(tool, found[tool.name], family)]


def _judge(tool: Tool, output: str | None, family: str) -> Iterable[Finding]:
    brings = _brings(tool, family)
    names = " or ".join((tool.name, *tool.instead))
    if output is None:
        wanted = f" ({tool.wanted})" if tool.wanted else ""
        message = f"{names}{wanted} is not there; it {tool.purpose}"
        yield ruleset.TOOL.finding(Flaw("", 0, message, path=tool.name, fix=f"Get it with {brings}."))
        return
    version = version_in(output)
    if not version or not tool.version:
        return
    message = f"{names} is {version}, wanted is {tool.wanted}"
    if tool.least:
        if not _numbers(tool.least) <= _numbers(version) < _numbers(tool.below):
            yield ruleset.VERSION.finding(Flaw("", 0, message, path=tool.name, fix=f"Get another one with {brings}."))
    elif _numbers(version)[:_MINOR] != _numbers(tool.version)[:_MINOR]:
        yield ruleset.UNTESTED.finding(Flaw("", 0, message, path=tool.name, fix=f"Get the tested one with {brings}."))


def _brings(tool: Tool, family: str) -> str:
    """Return what brings a program, as the end of a sentence."""
    if tool.name == ANSIBLE:
        return "`make tools` in the folder of the repository infra, then `. .venv/bin/activate` there"
    if not tool.packages:
        return f"its release, {tool.url}" if tool.url else BY_PLAYBOOK
    if family in tool.packages:
        return f"`{_INSTALL[family]} {tool.packages[family]}`"
    return f"the package of your distribution that Debian calls {tool.packages['Debian']}"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
