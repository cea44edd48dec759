"""How each kind of tool is built, and how its lock files are written."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.toolchain.tool import HERE, BuildError, Tool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_TIMEOUT = 1800
_GO_ENVIRONMENT = {
    "CGO_ENABLED": "0",
    # What debuggers read would be written by the compiler, and left out by the linker (-s -w).
    "GOFLAGS": "-mod=readonly -buildvcs=false -trimpath -gcflags=all=-dwarf=false",
    "GOWORK": "off",
    # The compiler and the linker are short-lived: a quarter of their time goes into collecting what they leave behind.
    "GOGC": "400",
}
_LOCK_ENVIRONMENT = {"GOWORK": "off", "GOFLAGS": "-mod=mod"}
_MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
_JAVA_PROGRAM = """#!/bin/sh
# Groovy looks into classes of Java that it has not been shown; a run is too short to be worth compiling well.
exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC \\
  --add-opens java.base/java.lang=ALL-UNNAMED --add-opens java.base/java.util=ALL-UNNAMED \\
  -cp {share}/classes:{share}/'*' {main} {share}/{argument}
"""
_DEBIAN_PROGRAM = """#!/bin/bash
# Its libraries lie beside it.
LD_LIBRARY_PATH=$(echo {root}/usr/lib/*-linux-gnu) exec -a {name} {root}/{program} "$@"
"""


def build_go(tool: Tool, target: Path) -> None:
    """Build the programs of a Go module, and copy the files that are wanted of it into `share/`."""
    go = _go()
    stamps = " ".join(f"-X {stamp}" for stamp in tool.spec["stamps"])
    folder = HERE / "go" / tool.name
    environment = {**_GO_ENVIRONMENT, "CGO_ENABLED": "1" if tool.spec.get("cgo") else "0"}
    tags = ",".join(tool.spec.get("tags", ()))
    for program, package in tool.spec["packages"].items():
        output = ["-o", str(target / "bin" / program)]
        arguments = ["build", "-tags", tags, "-ldflags", f"-s -w {stamps}", *output, package]
        _run([go, *arguments], cwd=folder, environment=environment)
    if "files" in tool.spec:
        listing = [go, "list", "-m", "-f", "{{.Dir}}", tool.spec["module"]]
        module = Path(_run(listing, cwd=folder, environment=_GO_ENVIRONMENT).strip())
        for name in tool.spec["files"]:
            _copy(module / name, target / "share" / Path(name).name)


def build_module(tool: Tool, target: Path) -> None:
    """Copy files of a Go module of which nothing is built into `share/`; the module's sum stands in tools.toml."""
    wanted = f"{tool.spec['module']}@{tool.spec['version']}"
    module = _json([_go(), "mod", "download", "-json", wanted], cwd=target)
    if module["Sum"] != tool.spec["sum"]:
        raise BuildError(f"{wanted} has the sum {module['Sum']}, and tools.toml says {tool.spec['sum']}")
    for name in tool.spec["files"]:
        _copy(Path(module["Dir"]) / name, target / "share" / Path(name).name)


def build_own(tool: Tool, target: Path) -> None:
    """Build programs whose sources lie in this repository."""
    for program, package in tool.spec["packages"].items():
        arguments = ["build", "-ldflags", "-s -w", "-o", str(target / "bin" / program), package]
        _run([_go(), *arguments], cwd=tool.locks[0].parent, environment=_GO_ENVIRONMENT)


def build_java(tool: Tool, target: Path) -> None:
    """Compile a program of this repository against jars of Maven Central, each of which is compared with its sum."""
    for program in ("javac", "mvn"):
        if shutil.which(program) is None:
            raise BuildError(f"{program} is not on PATH; a JDK 17 or later and Maven are needed")
    share = target / "share"
    for artifact, expected in tool.spec["jars"].items():
        _run(["mvn", "--quiet", "--batch-mode", _MAVEN_COPY, f"-Dartifact={artifact}", f"-DoutputDirectory={share}"])
        _, name, version = artifact.split(":")
        found = hashlib.sha256((share / f"{name}-{version}.jar").read_bytes()).hexdigest()
        if found != expected:
            raise BuildError(f"{artifact} has the sum {found}, and tools.toml says {expected}")
    sources = [str(source) for source in tool.sources if source.suffix == ".java"]
    _run(["javac", "-Xlint:all", "-Werror", "-d", str(share / "classes"), "-cp", f"{share}/*", *sources])
    for source in tool.sources:
        if source.suffix != ".java":
            _copy(source, share / source.name)
    for name, (main, argument) in tool.spec["programs"].items():
        path = target / "bin" / name
        path.write_text(_JAVA_PROGRAM.format(share=shlex.quote(str(share)), main=main, argument=argument))
        path.chmod(0o755)


def build_python(tool: Tool, target: Path) -> None:
    """Make a virtual environment of pinned wheels."""
    _run([sys.executable, "-m", "venv", str(target)])
    pip = [str(target / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    # Wheels alone: nothing of a package runs while it is installed.
    pinned = ["--require-hashes", "--only-binary", ":all:", "--no-deps", "--requirement", str(tool.locks[0])]
    _run([*pip, "install", "--quiet", *pinned])


def build_debian(tool: Tool, target: Path) -> None:
    """Unpack Debian packages beside each other, and write a program that finds its libraries there."""
    if shutil.which("apt-get") is None:
        raise BuildError("apt-get is not on PATH: this one comes from Debian's packages")
    packages = target / "packages"
    packages.mkdir()
    download = ["apt-get", "download", "--quiet", *tool.spec["packages"]]
    try:
        _run(download, cwd=packages)
    except BuildError:
        # The package lists are missing, or older than what the archive still has.
        _run(["apt-get", "update", "--quiet"])
        _run(download, cwd=packages)
    for package in packages.iterdir():
        _run(["dpkg-deb", "--extract", str(package), str(target / "root")])
    shutil.rmtree(packages)
    root = shlex.quote(str(target / "root"))
    for name, program in tool.spec["programs"].items():
        path = target / "bin" / name
        path.write_text(_DEBIAN_PROGRAM.format(root=root, name=name, program=program))
        path.chmod(0o755)


BUILD: dict[str, Callable[[Tool, Path], None]] = {
    "go": build_go,
    "module": build_module,
    "own": build_own,
    "java": build_java,
    "python": build_python,
    "debian": build_debian,
}
"""How a tool of each kind is built into a folder."""


def lock(tool: Tool) -> None:
    """Write the lock files of a tool from `tools.toml`.

    Raises:
        BuildError: A version can't be had, or the program that resolves it is missing.
    """
    match tool.kind:
        case "go":
            _lock_go(tool)
        case "own":
            # Its go.mod names what it requires.
            _run([_go(), "mod", "tidy"], cwd=tool.locks[0].parent, environment=_LOCK_ENVIRONMENT)
        case "python":
            _lock_python(tool)
        case "module" | "java" | "debian":
            # A sum stands beside its version; apt decides on the version, since an older one is no longer served.
            pass


def _lock_go(tool: Tool) -> None:
    go = _go()
    path = tool.locks[0]
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"module fmc-tests/toolchain/{tool.name}", "go 1.26.0"]
    lines += [f"require {module} {version}" for module, version in tool.modules.items()]
    path.write_text("\n\n".join(lines) + "\n")
    lines += [f"replace {old} => {new}" for old, new in sorted(_replacements(go, tool).items())]
    lines += [f"tool {package}" for package in tool.spec["packages"].values()]
    path.write_text("\n\n".join(lines) + "\n")
    path.with_name("go.sum").unlink(missing_ok=True)
    _run([go, "mod", "tidy"], cwd=path.parent, environment=_LOCK_ENVIRONMENT)


def _replacements(go: str, tool: Tool) -> dict[str, str]:
    """Return what stands in for a module: by tools.toml, and for several modules by the go.mod of the first one."""
    spec = tool.spec
    found: dict[str, str] = {}
    if "require" in spec:
        wanted = f"{spec['module']}@{spec['version']}"
        downloaded = _json([go, "mod", "download", "-json", wanted], cwd=tool.locks[0].parent)
        for entry in _json([go, "mod", "edit", "-json", downloaded["GoMod"]])["Replace"]:
            if "Version" in entry["New"]:
                found[entry["Old"]["Path"]] = f"{entry['New']['Path']} {entry['New']['Version']}"
    if "served_as" in spec:
        found[spec["module"]] = f"{spec['served_as']} {spec['version']}"
    for module, version in spec.get("replace", {}).items():
        found[module] = version if " " in version else f"{module} {version}"
    return found


def _lock_python(tool: Tool) -> None:
    uv = shutil.which("uv")
    if uv is None:
        raise BuildError("uv is not on PATH: pip install uv")
    options = ["--universal", "--python-version", "3.11", "--generate-hashes", "--only-binary", ":all:"]
    command = f"python -m tests.toolchain.build --lock {tool.name}"
    sources = "\n".join(tool.spec["packages"]).encode()
    output = ["--output-file", str(tool.locks[0]), "--custom-compile-command", command]
    _run([uv, "pip", "compile", "--quiet", "--upgrade", *options, *output, "-"], stdin=sources)


def _go() -> str:
    go = shutil.which("go")
    if go is None:
        raise BuildError("Go is not on PATH; 1.26.8 or later is needed (https://go.dev/dl, or a system package)")
    return go


def _copy(source: Path, target: Path) -> None:
    """Copy a file or folder of the module cache, whose files nobody may write, to where they can be replaced."""
    target.parent.mkdir(exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, copy_function=shutil.copyfile)
        for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
            folder.chmod(0o755)
    else:
        shutil.copyfile(source, target)
        target.chmod(0o755)


def _json(command: Sequence[str], cwd: Path | None = None) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(_run(command, cwd=cwd, environment=_LOCK_ENVIRONMENT))
    return result


def _run(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: bytes = b"",
) -> str:
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
    return done.stdout.decode()
