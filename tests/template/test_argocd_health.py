"""The health checks that make waves wait, computed by Argo CD itself; a case is a file in `health/KIND/STATUS/`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from generator.tools.command import Command
from tests.conftest import require_tool
from tests.template.argocd_tree import render_cluster

if TYPE_CHECKING:
    from tests.template.conftest import Render

pytestmark = pytest.mark.tools
CASES = Path(__file__).with_name("health")
BASE = Path("healthy") / "done.yaml"


def merged(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


@pytest.fixture(scope="module")
def settings(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file argocd-cm.yaml, as the chart makes it of our values."""
    labels = {"app.kubernetes.io/part-of": "argocd"}
    config_map = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "argocd-cm", "namespace": "argocd", "labels": labels},
        "data": render_cluster(render, "ha").values("argocd")["configs"]["cm"],
    }
    path = tmp_path_factory.mktemp("settings") / "argocd-cm.yaml"
    path.write_text(json.dumps(config_map))
    return path


@pytest.mark.parametrize("case", sorted(CASES.glob("*/*/*.yaml")), ids=lambda path: "-".join(path.parts[-3:]))
def test_health_of(case: Path, settings: Path, tmp_path: Path) -> None:
    kind, status = case.parts[-3:-1]
    yaml = YAML(typ="safe")
    manifest = tmp_path / "manifest.yaml"
    manifest.write_text(json.dumps(merged(yaml.load(CASES / kind / BASE), yaml.load(case))))
    argocd = Command(
        str(require_tool("argocd")), install_hint="Run `make e2e-tools`.", environment={"HOME": str(tmp_path)}
    )
    health = ["admin", "settings", "resource-overrides", "health"]
    printed = argocd.run([*health, str(manifest), "--argocd-cm-path", str(settings)]).stdout.decode()
    assert f"STATUS: {status.capitalize()}\n" in printed, printed
