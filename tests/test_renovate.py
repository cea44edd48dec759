"""Renovate knows every pin of this repository: what is not claimed by a manager is listed here, with the reason.

Its own regular expressions are RE2's; these use nothing in which Python differs but the spelling of named groups.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.copier.releases import project_files
from tests.pipeline.world import ROOT
from tests.toolchain.tool import read_tools

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIGURATION: dict[str, Any] = json.loads((ROOT / ".github" / "renovate.json").read_text())
MANAGERS: list[dict[str, Any]] = CONFIGURATION["customManagers"]
# What the managers that Renovate brings along read, by the files in which they look.
NATIVE = {
    "dockerfile": r"templates/apps/.+/Dockerfile",
    "kubernetes": r"templates/apps/.+/base/.+\.yaml",
    "kustomize": r"templates/apps/.+/kustomization\.yaml",
    "pep621": r"pyproject\.toml",
    "pip-compile": r"templates/infra/ansible/requirements\.(in|txt)",
    "pre-commit": r"templates/.*\.pre-commit-config\.yaml[^/]*",
    "terraform": r"templates/infra/terraform/.+\.tf",
}
# Where else pins can stand.
PLACES = (
    *("copier.yml", "lib", "templates", "generator/__init__.py", "generator/tools"),
    *("tests/toolchain/tools.toml", "Makefile", ".ci"),
)
# By the beginning of a file's name and by the pin, None for all of the file's.
UNCLAIMED = {
    ("copier.yml", "9.19.0"): "the oldest Copier that the template works with",
    ("copier.yml", "v1.36.4"): "an example in a question",
    ("generator/__init__.py", None): "our own version: `make release` writes it",
    ("generator/tools/install.py", None): "the checksum of a module, which belongs to the version above it",
    ("generator/tools/kubeconform.py", None): "an example in a docstring",
    ("lib/field/", None): "a paragraph of a standard",
    ("lib/rules/existing.jinja", None): "an example in a remedy",
    ("lib/tools.jinja", None): "a program, whose digest a person looks up",
    ("templates/apps/ci/bump-image", None): "an example in a description",
    ("templates/infra/versions.yaml.jinja", None): "a disk image, whose digest a person looks up",
    ("templates/infra/ansible/roles/k3s_binary/", None): "an example in a description",
    ("templates/infra/ansible/roles/k3s_upgrade", "v1.36.4+k3s1."): "an example in a description",
    ("templates/infra/ansible/plugins/filter/k3s_day2.py", "v1.36.4+k3s1"): "an example in a comment and in a message",
    ("templates/infra/ansible/plugins/filter/k3s_day2.py", "v1.36.0-rc2"): "an example in a comment",
    ("templates/infra/terraform/butane/", "1.1.0"): "the version of a format",
    ("tests/toolchain/tools.toml", None): "a stamp, which repeats the version above it: compared below",
}
_PIN = re.compile(r"(?<![\w.*-])v?\d+(?:\.\d+){2,}(?:[-+][\w.]+)?")
_ADDRESS = re.compile(r"\d+(\.\d+){3}")


@dataclass(frozen=True)
class Claim:
    """A pin that a manager finds.

    Attributes:
        file: Where it stands.
        span: Its version, in the text.
        what: Where newer versions are looked for: data source and name.
    """

    file: str
    span: tuple[int, int]
    what: tuple[str, str]


def claims(manager: dict[str, Any]) -> Iterator[Claim]:
    """Yield what one manager finds."""
    files = [pattern.removeprefix("/").removesuffix("/") for pattern in manager["managerFilePatterns"]]
    for name in project_files():
        if not any(re.search(pattern, name) for pattern in files):
            continue
        for expression in manager["matchStrings"]:
            for match in re.finditer(expression.replace("(?<", "(?P<"), (ROOT / name).read_text()):
                named = match.groupdict()
                what = (manager["datasourceTemplate"], manager.get("depNameTemplate") or named["depName"])
                yield Claim(name, match.span("currentValue"), what)


CLAIMS = [claim for manager in MANAGERS for claim in claims(manager)]


def pins() -> Iterator[tuple[str, re.Match[str]]]:
    """Yield everything that looks like a pin, but for checksums and documents."""
    for name in project_files(*PLACES):
        native = any(re.fullmatch(pattern, name) for pattern in NATIVE.values())
        if native or name.endswith((".md", ".md.jinja", ".json", ".xz")):
            continue
        for match in _PIN.finditer((ROOT / name).read_text()):
            if not _ADDRESS.fullmatch(match[0]):
                yield name, match


@pytest.mark.parametrize("manager", MANAGERS, ids=[manager["description"] for manager in MANAGERS])
def test_every_expression_finds_a_pin_in_every_file_that_it_is_for(manager: dict[str, Any]) -> None:
    for expression in manager["matchStrings"]:
        assert list(claims({**manager, "matchStrings": [expression]})), expression
    for pattern in manager["managerFilePatterns"]:
        assert list(claims({**manager, "managerFilePatterns": [pattern]})), pattern


def test_every_pin_is_claimed_or_has_a_reason() -> None:
    claimed = {(claim.file, claim.span) for claim in CLAIMS}
    unknown = [
        f"{name}: {match[0]}"
        for name, match in pins()
        if (name, match.span()) not in claimed
        and not any(name.startswith(file) and text in (None, match[0]) for file, text in UNCLAIMED)
    ]
    assert unknown == []


def test_every_reason_is_needed() -> None:
    claimed = {(claim.file, claim.span) for claim in CLAIMS}
    left = [(name, match[0]) for name, match in pins() if (name, match.span()) not in claimed]
    for file, text in UNCLAIMED:
        assert [1 for name, found in left if name.startswith(file) and text in (None, found)], (file, text)


def test_the_managers_are_those_that_are_enabled_and_have_files() -> None:
    assert sorted(CONFIGURATION["enabledManagers"]) == sorted([*NATIVE, "custom.regex"])
    for pattern in NATIVE.values():
        assert [name for name in project_files() if re.fullmatch(pattern, name)], pattern
    # The preset leaves out whatever lies in a folder of tests or examples.
    assert CONFIGURATION["ignorePaths"] == []


def test_a_chart_of_every_row_and_every_tool_is_known() -> None:
    known = {claim.what for claim in CLAIMS}
    assert {("helm", "argo-cd"), ("helm", "sealed-secrets"), ("helm", "traefik")} <= known
    for tool in read_tools().values():
        if tool.kind == "go":
            modules = {module for module, version in tool.modules.items() if "-" not in version}
            assert {("go", module) for module in modules} <= known


def test_names_in_rules_are_names_that_are_found() -> None:
    lists = project_files("templates/infra/ansible", "tests/toolchain/tools.toml")
    texts = [(ROOT / name).read_text() for name in lists]
    for rule in CONFIGURATION["packageRules"]:
        for name in rule.get("matchPackageNames", []):
            assert any(claim.what[1] == name for claim in CLAIMS) or any(f"{name}==" in text for text in texts), name


def test_what_a_tool_says_of_itself_is_the_version_that_it_is_built_from() -> None:
    """Renovate raises a version; a stamp that was forgotten shows here."""
    for tool in read_tools().values():
        versions = {version.lstrip("v") for version in tool.modules.values()} if tool.kind == "go" else set()
        for stamp in tool.spec.get("stamps", []):
            told = stamp.partition("=")[2].lstrip("v")
            if re.fullmatch(r"\d+(\.\d+)+", told):
                assert told in versions, stamp


def test_the_lock_is_made_by_a_command_that_renovate_understands() -> None:
    """It reads the command from the head of the file, and wants `--option=value`."""
    command = re.findall(r"(?m)^#    (uv pip compile .*)$", (ROOT / "requirements.lock").read_text())
    assert command == re.findall(r"(?m)^\t(uv pip compile .*)$", (ROOT / "Makefile").read_text())
    words = command[0].split()[3:]
    assert [word for word in words if not word.startswith("--")] == ["pyproject.toml"]
