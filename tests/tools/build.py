"""Builds the real programs that tests run into a cache folder, once: `python tests/tools/build.py [NAME ...]`.

`tools.toml` says which and in which version, the lock files beside it fix every byte by checksum. Each build has a
folder of its own, named after a digest of what it is made from, and counts once its marker is there; the program's
name in the cache folder is a link to it. So a killed run leaves nothing that is used, a second run has nothing to do,
and two runs at a time wait for each other tool by tool.

It runs with the standard library alone and writes nothing into the work tree, except with `--lock`.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE = Path(__file__).parent
_DEFAULT_FOLDER = Path("~/.cache/fmc/tools")
_RECIPE = 1
"""To be raised when the steps of a build change."""
_TIMEOUT = 1800
_GO_ENVIRONMENT = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false -trimpath", "GOWORK": "off"}


class BuildError(Exception):
    """A tool can't be built; the text says why and what is missing."""


def tools_folder() -> Path:
    """Return the cache folder: $FMC_TOOLS_DIR, or the default one."""
    return Path(os.environ.get("FMC_TOOLS_DIR") or _DEFAULT_FOLDER).expanduser().absolute()


@dataclass(frozen=True)
class Tool:
    """One thing to build.

    Attributes:
        name: Its key in `tools.toml`.
        kind: `go` or `python`.
        spec: Its table there.
    """

    name: str
    kind: str
    spec: dict[str, Any]

    @property
    def programs(self) -> tuple[str, ...]:
        """Return the names under which it is called."""
        return tuple(self.spec.get("programs", (self.name,)))

    @property
    def version(self) -> str:
        """Return what is built, for people."""
        return str(self.spec.get("version") or " ".join(self.spec["packages"]))

    @property
    def locks(self) -> tuple[Path, ...]:
        """Return the files that fix its parts by checksum."""
        if self.kind == "go":
            return tuple(HERE / "go" / self.name / file for file in ("go.mod", "go.sum"))
        return (HERE / "python" / f"{self.name}.txt",)

    def digest(self) -> str:
        """Return a digest of everything that a build is made from."""
        parts = [str(_RECIPE), repr(self.spec), platform.system(), platform.machine()]
        if self.kind == "python":
            parts += [sys.base_prefix, platform.python_version()]
        content = "\0".join(parts).encode() + b"\0".join(lock.read_bytes() for lock in self.locks)
        return hashlib.sha256(content).hexdigest()[:16]


def read_tools() -> dict[str, Tool]:
    """Return the tools of `tools.toml` by name."""
    document = tomllib.loads((HERE / "tools.toml").read_text())
    return {name: Tool(name, kind, spec) for kind in ("go", "python") for name, spec in document[kind].items()}


def how_to_get(program: str) -> str:
    """Return the command that brings a program, for the message of a skipped test."""
    if any(program in tool.programs for tool in read_tools().values()):
        return "make tools"
    system = tomllib.loads((HERE / "tools.toml").read_text())["system"]
    return str(system.get(program, f"your system's package of {program}"))


def build(tool: Tool, folder: Path) -> float:
    """Build a tool unless it is there, and link its programs.

    Args:
        tool: What to build.
        folder: The cache folder.

    Returns:
        Seconds that the build took; 0 if there was nothing to build.

    Raises:
        BuildError: It can't be built.
    """
    builds = folder / ".builds" / tool.name
    target = builds / tool.digest()
    marker = target / ".complete"
    builds.mkdir(parents=True, exist_ok=True)
    with _lock(folder / ".builds" / f"{tool.name}.lock"):
        seconds = 0.0
        if not marker.exists():
            begin = time.monotonic()
            shutil.rmtree(target, ignore_errors=True)
            (target / "bin").mkdir(parents=True)
            (_build_go if tool.kind == "go" else _build_python)(tool, target)
            marker.touch()
            seconds = time.monotonic() - begin
        for program in tool.programs:
            _link(folder / program, target / "bin" / program)
        for other in builds.iterdir():
            if other != target:
                shutil.rmtree(other)
    return seconds


def _build_go(tool: Tool, target: Path) -> None:
    go = _go()
    stamp = f"-s -w -X {tool.spec['stamp']}={tool.version}"
    output = target / "bin" / tool.name
    arguments = ["build", "-ldflags", stamp, "-o", str(output), tool.spec["package"]]
    _run([go, *arguments], cwd=HERE / "go" / tool.name, environment=_GO_ENVIRONMENT)


def _build_python(tool: Tool, target: Path) -> None:
    _run([sys.executable, "-m", "venv", str(target)])
    pip = [str(target / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    # Wheels alone: nothing of a package runs while it is installed.
    pinned = ["--require-hashes", "--only-binary", ":all:", "--no-deps", "--requirement", str(tool.locks[0])]
    _run([*pip, "install", "--quiet", *pinned])


def lock(tool: Tool) -> None:
    """Write the lock files of a tool from `tools.toml`.

    Raises:
        BuildError: A version can't be had, or the program that resolves it is missing.
    """
    path = tool.locks[0]
    path.parent.mkdir(parents=True, exist_ok=True)
    if tool.kind == "python":
        uv = shutil.which("uv")
        if uv is None:
            raise BuildError("uv is not on PATH: pip install uv")
        options = ["--universal", "--python-version", "3.11", "--generate-hashes", "--only-binary", ":all:"]
        command = f"python {Path(__file__).relative_to(HERE.parents[1])} --lock {tool.name}"
        sources = "\n".join(tool.spec["packages"]).encode()
        output = ["--output-file", str(path), "--custom-compile-command", command]
        _run([uv, "pip", "compile", "--quiet", "--upgrade", *options, *output, "-"], stdin=sources)
        return
    module, version, served_as = tool.spec["module"], tool.version, tool.spec.get("served_as")
    lines = [f"module fmc-tests/tools/{tool.name}", "go 1.26.0", f"require {module} {version}"]
    lines += [f"replace {module} => {served_as} {version}"] if served_as else []
    path.write_text("\n\n".join([*lines, f"tool {tool.spec['package']}"]) + "\n")
    path.with_name("go.sum").unlink(missing_ok=True)
    _run([_go(), "mod", "tidy"], cwd=path.parent, environment={"GOWORK": "off", "GOFLAGS": ""})


def _go() -> str:
    go = shutil.which("go")
    if go is None:
        raise BuildError("Go is not on PATH; 1.26.8 or later is needed (https://go.dev/dl, or a system package)")
    return go


def _run(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    environment: dict[str, str] | None = None,
    stdin: bytes = b"",
) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            input=stdin,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BuildError(f"{command[0]} did not finish within {_TIMEOUT} s") from None
    if done.returncode:
        output = (done.stderr + done.stdout).decode(errors="replace").strip()
        raise BuildError(f"{' '.join(command)}\nended with exit code {done.returncode}:\n{output[-3000:]}")


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)


def main(arguments: Sequence[str]) -> int:
    """Build (or lock) what is named, or everything; return 1 if something failed."""
    parser = argparse.ArgumentParser(description="Builds the programs that tests run into a cache folder, once.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="tool or program; all of them without one")
    parser.add_argument("--lock", action="store_true", help="write the lock files from tools.toml instead")
    options = parser.parse_args(arguments)
    tools = read_tools()
    known = {name: tool for tool in tools.values() for name in (tool.name, *tool.programs)}
    if unknown := [name for name in options.names if name not in known]:
        parser.error(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    wanted = {known[name].name: known[name] for name in options.names} or tools
    folder = tools_folder()
    failed = False
    for tool in wanted.values():
        try:
            if options.lock:
                lock(tool)
                print(f"{tool.name}: locked {tool.version}", flush=True)
            else:
                seconds = build(tool, folder)
                state = f"built in {seconds:.0f} s" if seconds else "is there"
                print(f"{tool.name} {tool.version}: {state}", flush=True)
        except BuildError as error:
            failed = True
            print(f"{tool.name} {tool.version}: {error}", file=sys.stderr, flush=True)
    if not options.lock:
        print(f"Tools are in {folder}")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
