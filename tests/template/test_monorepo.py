"""The layout monorepo: the three parts as folders, framed once."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.template.argocd_tree import documents
from tests.template.conftest import ROOT
from tests.template.infra_tree import files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.template.conftest import Render

PARTS = ("infra", "argocd", "apps")
# What a repository has once, at its root.
ONCE = {".copier-answers.yml", ".editorconfig", ".pre-commit-config.yaml", ".yamllint", "ci/check", "renovate.json"}


@pytest.fixture(scope="module", params=["ha", "single"])
def answers(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(documents(ROOT / f"examples/{request.param}.yaml")[0])


@pytest.fixture(scope="module")
def monorepo(render: Render, answers: dict[str, Any]) -> Path:
    return render(answers, "monorepo")


def names(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in files(root)}


def test_the_root_holds_the_parts_and_the_frame(monorepo: Path) -> None:
    frame = {"README.md", ".gitattributes", ".gitignore", *(name.split("/")[0] for name in ONCE)}
    assert {path.name for path in monorepo.iterdir()} == frame | set(PARTS)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_the_same_as_in_its_own_repository_but_for_the_frame(
    render: Render, answers: dict[str, Any], monorepo: Path, part: str
) -> None:
    alone = names(render(answers, part))
    assert alone >= ONCE
    inside = names(monorepo / part)
    assert not inside & ONCE
    assert inside - {".gitattributes"} == alone - ONCE - {".gitattributes"}


def patterns(settings: dict[str, Any]) -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield the manager and the expression of each file pattern of a Renovate configuration."""
    custom = [("regex", manager) for manager in settings.get("customManagers", [])]
    for name, manager in [*settings.items(), *custom]:
        if isinstance(manager, dict):
            for pattern in manager.get("managerFilePatterns", []):
                yield name, re.compile(pattern.removeprefix("/").removesuffix("/"))


@pytest.mark.parametrize("part", PARTS)
def test_renovate_raises_what_it_raises_in_the_parts(
    render: Render, answers: dict[str, Any], monorepo: Path, part: str
) -> None:
    root = json.loads((monorepo / "renovate.json").read_text())
    alone = render(answers, part)
    raised = [
        (manager, name)
        for manager, pattern in patterns(json.loads((alone / "renovate.json").read_text()))
        for name in names(alone)
        if pattern.search(name)
    ]
    assert raised
    for manager, name in raised:
        assert any(key == manager and pattern.search(f"{part}/{name}") for key, pattern in patterns(root)), name


def test_renovate_speaks_of_files_that_exist(monorepo: Path) -> None:
    for _, pattern in patterns(json.loads((monorepo / "renovate.json").read_text())):
        assert any(pattern.search(name) for name in names(monorepo)), pattern


def test_renovate_finds_every_annotated_pin(monorepo: Path) -> None:
    settings = json.loads((monorepo / "renovate.json").read_text())
    for name in names(monorepo):
        text = (monorepo / name).read_text()
        annotated = len(re.findall(r"(?m)^\s*# renovate: ", text))
        managers = [
            manager
            for manager in settings["customManagers"]
            if any(re.search(pattern.strip("/"), name) for pattern in manager["managerFilePatterns"])
        ]
        expressions = [
            re.sub(r"\(\?<(?![=!])", "(?P<", expression)
            for manager in managers
            for expression in manager["matchStrings"]
            if "renovate:" in expression
        ]
        assert sum(len(re.findall(expression, text)) for expression in expressions) == annotated, name


@pytest.mark.parametrize("part", PARTS)
def test_the_hooks_are_those_of_the_parts(render: Render, answers: dict[str, Any], monorepo: Path, part: str) -> None:
    def hooks(root: Path) -> dict[str, dict[str, Any]]:
        (settings,) = documents(root / ".pre-commit-config.yaml")
        return {hook["id"]: dict(hook) for repo in settings["repos"] for hook in repo["hooks"]}

    whole = hooks(monorepo)
    for name, hook in hooks(render(answers, part)).items():
        if "files" in hook:
            hook["files"] = f"^{part}/" + hook["files"].removeprefix("^")
            hook["entry"] = hook["entry"].replace("make ", f"make --directory {part} ")
        assert whole[name] == hook


@pytest.mark.parametrize("part", PARTS)
def test_the_yaml_rules_are_at_least_those_of_the_parts(
    render: Render, answers: dict[str, Any], monorepo: Path, part: str
) -> None:
    (whole,), (alone,) = documents(monorepo / ".yamllint"), documents(render(answers, part) / ".yamllint")
    assert whole["extends"] == alone["extends"]
    assert set(alone["ignore"]) <= set(whole["ignore"])
    assert alone["rules"].items() <= whole["rules"].items()


def test_secrets_that_lie_about_are_not_committed(monorepo: Path) -> None:
    ignored = (monorepo / ".gitignore").read_text().splitlines()
    assert {"vault.age", "kubeconfig", ".env", "*.key", "*.agekey"} <= set(ignored)
