"""The answer chart_mirror: every chart comes from there, nothing else differs, and docs/air-gap.md tells the truth."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from generator.secrets.catalogue.read import parse_catalogue
from tests.template.argocd_tree import CLUSTERS, MONOREPO, documents
from tests.template.conftest import ROOT

if TYPE_CHECKING:
    from tests.template.conftest import Render

MIRROR = "https://charts.example.com:8443/stable"
GUIDE = (ROOT / "docs/air-gap.md").read_text("utf-8")


def argocd_part(render: Render, cluster: str, **answers: Any) -> Path:
    """Return the argocd part of a cluster."""
    common, layout = CLUSTERS[cluster]
    return render(common | answers, layout) / "argocd" if layout == MONOREPO else render(common | answers, "argocd")


def texts(root: Path) -> dict[str, str]:
    """Return the content of every file, by name.

    Copier's own record holds the answer itself, and the runbook says how a mirror is filled from the publishers.
    """
    apart = (".copier-answers.yml", "chart-mirror.md")
    files = (path for path in root.rglob("*") if path.is_file() and path.name not in apart)
    return {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in files}


def publishers(root: Path) -> dict[str, tuple[str, str]]:
    """Return repository and version of each chart."""
    (versions,) = documents(root / "versions.yaml")
    return {name: (chart["repository"], chart["version"]) for name, chart in versions["charts"].items()}


@pytest.fixture(params=CLUSTERS)
def cluster(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_no_address_of_a_publisher_is_left(cluster: str, render: Render) -> None:
    hosts = {url.split("/")[2] for url, _ in publishers(argocd_part(render, cluster)).values()}
    assert len(hosts) >= 2
    for name, text in texts(argocd_part(render, cluster, chart_mirror=MIRROR)).items():
        assert not [host for host in hosts if host in text], name


def test_the_address_of_the_charts_is_all_that_differs(cluster: str, render: Render) -> None:
    plain, mirrored = argocd_part(render, cluster), argocd_part(render, cluster, chart_mirror=MIRROR)
    moved = texts(plain)
    for url in sorted({url for url, _ in publishers(plain).values()}, key=len, reverse=True):
        moved = {name: text.replace(url, MIRROR) for name, text in moved.items()}
    # A source stands there once, be it of one chart or of all.
    sources = {url for url, _ in publishers(plain).values()}
    allowed = f"    - {MIRROR}\n"
    project = "projects/platform.yaml"
    moved[project] = moved[project].replace(allowed * len(sources), allowed)
    assert texts(mirrored) == moved
    assert {url for url, _ in publishers(mirrored).values()} == {MIRROR}


def test_without_the_answer_nothing_changes(cluster: str, render: Render) -> None:
    without, empty = argocd_part(render, cluster), argocd_part(render, cluster, chart_mirror="")
    assert texts(empty) == texts(without)
    assert not [name for name, text in texts(without).items() if "chart_mirror" in text]


def test_the_answer_is_recorded_for_updates(render: Render) -> None:
    root = argocd_part(render, "ha", chart_mirror=MIRROR)
    (recorded,) = documents(root / ".copier-answers.yml")
    assert recorded["chart_mirror"] == MIRROR


@pytest.mark.parametrize("mirror", ["", MIRROR], ids=["without a mirror", "with a mirror"])
def test_the_runbook_pulls_the_pinned_charts_from_their_publishers(cluster: str, render: Render, mirror: str) -> None:
    runbook = (argocd_part(render, cluster, chart_mirror=mirror) / "docs/runbooks/chart-mirror.md").read_text("utf-8")
    published = publishers(argocd_part(render, cluster))
    pulled = re.findall(r"^helm pull (\S+) --repo (\S+) --version (\S+)$", runbook, re.MULTILINE)
    assert {name: (url, version) for name, url, version in pulled} == published
    version = published["argo-cd"][1]
    assert f"`argo-cd-{version}.tgz`" in runbook
    address = mirror or "https://charts.example.com/stable"
    assert f"helm show chart argo-cd --repo {address} --version {version}\n" in runbook


def test_the_guides_secret_fits_the_catalogue(render: Render) -> None:
    (entry,) = re.findall(r"```yaml\nsecrets:\n(  - namespace: argocd\n.*?)```", GUIDE, re.DOTALL)
    path = argocd_part(render, "ha") / "secrets/catalogue.yaml"
    own = f"version: 1\nsecrets:\n{entry}".encode()
    catalogue = parse_catalogue(path.read_text("utf-8"), where=str(path), user=own)
    secret = catalogue.secrets[-1]
    assert (secret.namespace, secret.name) == ("argocd", "chart-mirror")
    assert secret.labels == {"argocd.argoproj.io/secret-type": "repository"}
