"""What the template renders has no finding, with either engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from generator.checks.run import check_trees
from tests.conftest import require_tool
from tests.template.components import choices, read_table
from tests.template.conftest import render

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.template.conftest import Render

__all__ = ["render"]
ROOT = Path(__file__).parents[2]
PARTS = ("infra", "argocd", "apps")


def needs(choice: str) -> set[str]:
    """Return the choices without which one can't work."""
    return {name for row in read_table(ROOT) if row["choice"] == choice for name in row["needs"]}


def _answers(name: str) -> dict[str, Any]:
    return dict(YAML(typ="safe").load(ROOT / "examples" / f"{name}.yaml"))


def _trees(render: Render, answers: Mapping[str, Any], layout: str) -> dict[str, Path]:
    parts = [part for part in PARTS if part != "infra" or not answers.get("existing_cluster")]
    if layout == "monorepo":
        root = render(answers, "monorepo")
        return {"monorepo": root, **{part: root / part for part in parts}}
    return {part: render(answers, part) for part in parts}


def rendered_trees(render: Render, example: str, layout: str) -> dict[str, Path]:
    """Return the folder of each part of an example, rendered once in a session."""
    return _trees(render, _answers(example), layout)


@pytest.mark.parametrize(
    ("example", "change", "layout"),
    [
        pytest.param("ha", {}, "parts", id="ha"),
        pytest.param("ha", {"components": []}, "parts", id="ha-without-components"),
        pytest.param("ha", {}, "monorepo", id="ha-monorepo"),
        pytest.param("full", {}, "parts", id="full"),
        pytest.param("single", {}, "parts", id="single"),
        pytest.param("existing-machines", {}, "parts", id="existing-machines"),
        pytest.param("existing-cluster", {}, "parts", id="existing-cluster"),
        pytest.param("existing-cluster", {"profile": "single"}, "monorepo", id="existing-cluster-monorepo"),
        pytest.param(
            "single",
            {"exposure": "public", "components": ["cert-manager", "traefik", "hello"]},
            "monorepo",
            id="single-public-monorepo",
        ),
    ],
)
def test_the_examples_have_no_finding(render: Render, example: str, change: dict[str, Any], layout: str) -> None:
    trees = _trees(render, _answers(example) | change, layout)
    report = check_trees(trees, kubernetes_version="v1.36.4+k3s1", engine="builtin")
    assert [f"{item.where} {item.rule} {item.message}" for item in report.findings] == []
    assert report.documents >= 10
    assert report.files > 40


@pytest.mark.parametrize(
    ("example", "layout"), [("full", "parts"), ("single", "monorepo"), ("existing-cluster", "parts")]
)
@pytest.mark.parametrize("off", choices(ROOT))
def test_any_component_can_be_left_out(render: Render, example: str, layout: str, off: str) -> None:
    """With it goes what can't work without it; all others are there, as far as the profile has their machines."""
    answers = _answers(example)
    machines = answers["profile"] == "ha" and "existing_cluster" not in answers
    chosen = [name for name in choices(ROOT) if name != "nfs" or machines]
    kept = [name for name in chosen if off not in {name, *needs(name)}]
    told = {"alerts": answers.get("alerts", {}) if "monitoring" in kept else {}}
    trees = _trees(render, answers | told | {"components": kept}, layout)
    report = check_trees(trees, kubernetes_version="v1.36.4+k3s1", engine="builtin")
    assert [f"{item.where} {item.rule} {item.message}" for item in report.findings] == []
    assert report.documents >= 50


@pytest.mark.tools
@pytest.mark.parametrize(
    ("example", "layout"), [("ha", "parts"), ("ha", "monorepo"), ("full", "parts"), ("existing-cluster", "parts")]
)
def test_kubeconform_finds_nothing_either(render: Render, example: str, layout: str) -> None:
    program = require_tool("kubeconform")
    trees = _trees(render, _answers(example), layout)
    own = check_trees(trees, kubernetes_version="v1.36.4+k3s1", engine="builtin")
    theirs = check_trees(trees, kubernetes_version="v1.36.4+k3s1", engine="kubeconform", kubeconform=program)
    assert theirs.findings == ()
    assert theirs.documents == own.documents
