"""Builds the real programs that tests run into a cache folder, once: `python -m tests.toolchain.build [NAME ...]`.

`tools.toml` says which and in which version, the lock files beside it fix every byte by checksum. Each build has a
folder of its own, named after a digest of what it is made from, and counts once its marker is there; the program's
name in the cache folder is a link to it. So a killed run leaves nothing that is used, a second run has nothing to do,
and two runs at a time wait for each other tool by tool.

It runs with the standard library alone and writes nothing into the work tree, except with `--lock`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.side_by_side import alone
from tests.toolchain import recipes
from tests.toolchain.tool import MAKE_TARGETS, BuildError, Tool, read_tools

if TYPE_CHECKING:
    from collections.abc import Sequence

_DEFAULT_FOLDER = Path("~/.cache/fmc/tools")


def tools_folder() -> Path:
    """Return the cache folder: $FMC_TOOLS_DIR, or the default one."""
    return Path(os.environ.get("FMC_TOOLS_DIR") or _DEFAULT_FOLDER).expanduser().absolute()


def shared_files(name: str) -> Path:
    """Return the folder with the files that a tool brings beside its programs.

    Args:
        name: Its key in `tools.toml`.
    """
    return _target(read_tools()[name], tools_folder()) / "share"


def is_built(tool: Tool, folder: Path) -> bool:
    """Tell whether a tool in its present version is in a cache folder."""
    return (_target(tool, folder) / ".complete").exists()


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
    target = _target(tool, folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    with alone(folder / ".builds" / f"{tool.name}.lock"):
        seconds = 0.0
        if not is_built(tool, folder):
            begin = time.monotonic()
            shutil.rmtree(target, ignore_errors=True)
            (target / "bin").mkdir(parents=True)
            recipe = recipes.BUILD[tool.kind]
            recipe(tool, target)
            (target / ".complete").touch()
            seconds = time.monotonic() - begin
        for program in tool.programs:
            _link(folder / program, target / "bin" / program)
        for other in target.parent.iterdir():
            if other != target:
                shutil.rmtree(other)
    return seconds


def _target(tool: Tool, folder: Path) -> Path:
    return folder / ".builds" / tool.name / tool.digest()


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)


def main(arguments: Sequence[str]) -> int:
    """Build (or lock) what is named, or a group; return 1 if something failed."""
    parser = argparse.ArgumentParser(description="Builds the programs that tests run into a cache folder, once.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="tool or program; those of the group without one")
    parser.add_argument(
        "--group", default="test", choices=sorted(MAKE_TARGETS), help="what they are for (default: test)"
    )
    parser.add_argument("--lock", action="store_true", help="write the lock files from tools.toml instead")
    options = parser.parse_args(arguments)
    tools = read_tools()
    known = {name: tool for tool in tools.values() for name in (tool.name, *tool.programs)}
    if unknown := [name for name in options.names if name not in known]:
        parser.error(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    group = {tool.name: tool for tool in tools.values() if tool.group == options.group}
    wanted = {known[name].name: known[name] for name in options.names} or group
    folder = tools_folder()
    failed = False
    for tool in wanted.values():
        try:
            if options.lock:
                recipes.lock(tool)
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
