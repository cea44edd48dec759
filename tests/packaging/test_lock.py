"""requirements.lock holds what pyproject.toml asks for, each with its digests."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.pipeline.world import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ASKED = [
    *PROJECT["project"]["dependencies"],
    *PROJECT["dependency-groups"]["dev"],
    *PROJECT["build-system"]["requires"],
]
ENTRY = re.compile(
    r"(?m)^(?P<name>[a-z0-9._-]+)==(?P<version>\S+?)(?: ; (?P<marker>[^\\]+?))? \\$(?P<rest>(?:\n +.*)*)"
)


@cache
def locked() -> dict[str, list[Version]]:
    found: dict[str, list[Version]] = {}
    for entry in ENTRY.finditer((ROOT / "requirements.lock").read_text()):
        found.setdefault(canonicalize_name(entry["name"]), []).append(Version(entry["version"]))
    return found


def imported() -> Iterator[tuple[str, str]]:
    """Yield the packages that the modules of the generator import, and where."""
    for path in sorted((ROOT / "generator").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((alias.name.split(".")[0], path.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.split(".")[0], path.name


@pytest.mark.parametrize("asked", sorted(set(ASKED)))
def test_what_is_asked_for_is_locked_in_that_range(asked: str) -> None:
    requirement = Requirement(asked)
    versions = locked().get(canonicalize_name(requirement.name), [])
    assert versions
    assert all(version in requirement.specifier for version in versions)


def test_every_line_of_the_lock_was_read_and_has_digests() -> None:
    text = (ROOT / "requirements.lock").read_text()
    assert len(re.findall(r"(?m)^[a-z]", text)) == len(list(ENTRY.finditer(text))) > 30
    assert all("--hash=sha256:" in entry["rest"] for entry in ENTRY.finditer(text))


def test_what_is_imported_is_asked_for() -> None:
    """Not only by chance, because something else needs it."""
    asked = {canonicalize_name(Requirement(text).name) for text in PROJECT["project"]["dependencies"]}
    # Type checkers alone see _typeshed; writeback is a package of the template.
    own = set(sys.stdlib_module_names) | {"generator", "writeback", "_typeshed"}
    providers = packages_distributions()
    for name, place in imported():
        if name not in own:
            assert {canonicalize_name(found) for found in providers.get(name, [])} & asked, f"{place}: {name}"


def test_what_is_asked_for_is_used() -> None:
    # Jinja loads its extensions by name, and zoneinfo reads time zones where the system has none.
    names = {name for name, _ in imported()} | {"jinja2_ansible_filters", "tzdata"}
    providers = packages_distributions()
    used = {canonicalize_name(found) for name in names for found in providers.get(name, [])}
    asked = {canonicalize_name(Requirement(text).name) for text in PROJECT["project"]["dependencies"]}
    assert asked - used == set()
