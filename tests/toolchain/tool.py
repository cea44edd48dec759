"""The programs that tests run: what `tools.toml` says of each."""

from __future__ import annotations

import hashlib
import platform
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

HERE = Path(__file__).parent
Kind = Literal["go", "module", "own", "java", "python", "debian"]
_KINDS: tuple[Kind, ...] = ("go", "module", "own", "java", "python", "debian")
MAKE_TARGETS = {
    "test": "make tools",
    "e2e": "make e2e-tools",
    "lab": "make lab-tools",
    "alerts": "make alert-tools",
    "pipelines": "make pipeline-tools",
    "forge": "make forge-tools",
}
"""What builds the tools of each group."""
_RECIPE = 2
"""To be raised when the steps of a build change."""


class BuildError(Exception):
    """A tool can't be built; the text says why and what is missing."""


@dataclass(frozen=True)
class Tool:
    """One thing to build.

    Attributes:
        name: Its key in `tools.toml`.
        kind: Who makes it.
        spec: Its table there.
    """

    name: str
    kind: Kind
    spec: dict[str, Any]

    @property
    def group(self) -> str:
        """Return what it is built for: `test`, `e2e`, `lab`, `alerts`, `pipelines` or `forge`."""
        return str(self.spec.get("group", "test"))

    @property
    def programs(self) -> tuple[str, ...]:
        """Return the names under which it is called."""
        return tuple(self.spec.get("packages" if self.kind in ("go", "own") else "programs", ()))

    @property
    def version(self) -> str:
        """Return what is built, for people."""
        return str(self.spec.get("version") or " ".join(self.spec["packages"]))

    @property
    def modules(self) -> dict[str, str]:
        """Return the Go modules that it requires, with their versions."""
        return {self.spec["module"]: self.spec["version"], **self.spec.get("require", {})}

    @property
    def locks(self) -> tuple[Path, ...]:
        """Return the files that fix its parts by checksum."""
        match self.kind:
            case "go":
                return tuple(HERE / "go" / self.name / file for file in ("go.mod", "go.sum"))
            case "own":
                folder = HERE.parent / self.spec["folder"]
                return (folder / "go.mod", folder / "go.sum")
            case "python":
                return (HERE / "python" / f"{self.name}.txt",)
            case "module" | "java" | "debian":
                return ()

    @property
    def sources(self) -> tuple[Path, ...]:
        """Return the files of this repository that it is compiled from."""
        if self.kind not in ("own", "java"):
            return ()
        suffixes = {"own": (".go",), "java": (".java", ".groovy")}[self.kind]
        folder = HERE.parent / self.spec["folder"]
        return tuple(sorted(file for file in folder.rglob("*") if file.suffix in suffixes))

    def digest(self) -> str:
        """Return a digest of everything that a build is made from."""
        parts = [str(_RECIPE), repr(self.spec), platform.system(), platform.machine()]
        if self.kind == "python":
            parts += [sys.base_prefix, platform.python_version()]
        if self.kind == "debian":
            parts.append(platform.freedesktop_os_release().get("VERSION_CODENAME", ""))
        content = "\0".join(parts).encode() + b"\0".join(file.read_bytes() for file in (*self.locks, *self.sources))
        return hashlib.sha256(content).hexdigest()[:16]


def read_tools() -> dict[str, Tool]:
    """Return the tools of `tools.toml` by name."""
    document = tomllib.loads((HERE / "tools.toml").read_text())
    return {name: Tool(name, kind, spec) for kind in _KINDS for name, spec in document[kind].items()}


def how_to_get(program: str) -> str:
    """Return the command that brings a program, for the message of a skipped test."""
    for tool in read_tools().values():
        if program in tool.programs:
            return MAKE_TARGETS[tool.group]
    system = tomllib.loads((HERE / "tools.toml").read_text())["system"]
    return str(system.get(program, f"your system's package of {program}"))
