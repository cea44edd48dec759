"""The keys of every chart of the table are known: one that a person misspells is told, whatever the chart."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from generator.checks.run import check_trees
from tests.template.argocd_tree import HA, ROWS
from tests.template.components import is_chart
from tests.template.conftest import ROOT, render

if TYPE_CHECKING:
    from pathlib import Path

    from tests.template.conftest import Render

__all__ = ["render"]
KEYS = json.loads((ROOT / "generator/checks/rules/chart-keys.json").read_text())
CHARTS = {row["name"]: row["chart"] for row in ROWS if is_chart(row)}


def test_a_key_of_nobody_is_told_for_each_chart_of_the_table(render: Render, tmp_path: Path) -> None:
    assert KEYS.keys() == set(CHARTS.values())
    folder = tmp_path / "argocd"
    shutil.copytree(render(HA, "argocd"), folder)
    for name in CHARTS:
        (folder / f"platform/{name}/values.user.yaml").write_text("keyOfNobody: true\n")
    report = check_trees({"argocd": folder}, kubernetes_version="v1.36.4+k3s1", engine="builtin")
    found = {finding.where.rpartition(":")[0] for finding in report.findings if finding.rule == "argocd/chart-key"}
    assert found == {f"argocd/platform/{name}/values.user.yaml" for name in CHARTS}


def test_a_key_one_level_below_is_told_where_the_chart_has_a_list_of_them(render: Render, tmp_path: Path) -> None:
    folder = tmp_path / "argocd"
    shutil.copytree(render(HA, "argocd"), folder)
    (folder / "platform/jenkins/values.user.yaml").write_text("controller:\n  installPlugin: [git:5.10.1]\n")
    report = check_trees({"argocd": folder}, kubernetes_version="v1.36.4+k3s1", engine="builtin")
    (finding,) = [finding for finding in report.findings if finding.rule == "argocd/chart-key"]
    assert finding.where == "argocd/platform/jenkins/values.user.yaml:2"
    assert finding.fix == "Did you mean installPlugins?"
