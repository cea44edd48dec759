"""Completes a stand-in chart with what is not kept here: custom resource definitions."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.charts.definitions import BUNDLES, LONGHORN, TRAEFIK

if TYPE_CHECKING:
    from tests.e2e.charts.definitions import Group

CHARTS = Path(__file__).parent
GENERIC = "any"
_ARGOCD_FILES = ("application-crd.yaml", "appproject-crd.yaml", "applicationset-crd.yaml")
_OPERATOR_FILES = tuple(
    f"monitoring.coreos.com_{kind}.yaml"
    for kind in ("podmonitors", "probes", "prometheusrules", "scrapeconfigs", "servicemonitors")
)
FROM_TOOLS = {
    "argo-cd": ("cluster", "crds"),
    "prometheus-operator-crds": ("prometheus-operator", "prometheus-operator-crd"),
}
"""Charts whose definitions are the project's own files: the tool that has them, and the folder in its `share`."""
_FROM_CHECKS: dict[str, Group] = {"longhorn": LONGHORN, "traefik": TRAEFIK, "trust-manager": BUNDLES}


def assemble(name: str, destination: Path, definitions: Path) -> Path:
    """Copy a stand-in chart and complete it, ready for `helm package --version VERSION`.

    Args:
        name: `argo-cd`, `traefik` or `probe`; any other one gets the generic stand-in, under that name.
        destination: The folder that gets the chart's folder.
        definitions: For a chart of FROM_TOOLS, the folder with the project's own definitions.

    Returns:
        The chart's folder.

    Raises:
        FileNotFoundError: There are no definitions in that folder.
    """
    chart = destination / name
    shutil.copytree(CHARTS / name if has_own(name) else CHARTS / GENERIC, chart)
    if not has_own(name):
        described = chart / "Chart.yaml"
        described.write_text(described.read_text().replace(f"name: {GENERIC}\n", f"name: {name}\n"))
    if name == "argo-cd":
        _copy(_ARGOCD_FILES, definitions, chart / "crds-files")
    elif name in FROM_TOOLS:
        _copy(_OPERATOR_FILES, definitions, chart / "crds")
    elif name in _FROM_CHECKS:
        (chart / "crds").mkdir()
        group = _FROM_CHECKS[name]
        texts = (json.dumps(definition) for definition in group.definitions())
        (chart / "crds" / f"{group.name}.yaml").write_text("\n---\n".join(texts))
    return chart


def _copy(names: tuple[str, ...], source: Path, target: Path) -> None:
    target.mkdir()
    for name in names:
        # Not copytree: Go's module cache is read-only, and so would be the copy.
        shutil.copyfile(source / name, target / name)


def has_own(name: str) -> bool:
    """Return whether a chart has a stand-in of its own here, which reads the values that fmc renders for it."""
    return (CHARTS / name / "Chart.yaml").exists()
