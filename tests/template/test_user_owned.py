"""What people add without a change of a rendered file: the runbooks, followed to the letter, lead to no finding."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest
import yaml

from generator.checks.run import check_trees
from generator.secrets.catalogue.read import parse_catalogue
from tests.template.argocd_tree import Cluster, documents, lets_into, render_cluster
from tests.template.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.template.conftest import Render

# A file that begins a line, and its content below.
FILE = re.compile(r"^`([a-z./-]+\.yaml)`[^\n]*:\n\n```yaml\n(.*?)```", re.DOTALL | re.MULTILINE)
OWNED = (ROOT / "templates/argocd/secrets/catalogue.user.yaml").read_text("utf-8")


@pytest.fixture(params=["ha", "ha-traefik-monorepo", "ha-without-components", "single"])
def cluster(request: pytest.FixtureRequest, render: Render) -> Cluster:
    return render_cluster(render, request.param)


def follow(guide: Path, source: Path, destination: Path) -> list[str]:
    """Copy a part, add the files of a guide to it, and return their names."""
    if not destination.exists():
        shutil.copytree(source, destination)
    files: dict[str, str] = dict(FILE.findall(guide.read_text("utf-8")))
    for name, content in files.items():
        path = destination / name
        assert not path.exists(), f"{name} is a rendered file"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return sorted(files)


def findings(argocd: Path, apps: Path) -> list[str]:
    report = check_trees({"argocd": argocd, "apps": apps}, kubernetes_version="1.36", engine="builtin")
    return [f"{item.rule} {item.message}" for item in report.findings]


def test_the_runbook_of_a_component_makes_one_that_its_project_permits(cluster: Cluster, tmp_path: Path) -> None:
    """faults B13: a further component is files of one's own."""
    argocd = tmp_path / "argocd"
    names = follow(cluster.argocd / "docs/runbooks/add-a-component.md", cluster.argocd, argocd)
    assert names == [
        "applications/metrics.yaml",
        "namespaces/metrics.yaml",
        "platform/metrics/values.yaml",
        "projects/metrics.yaml",
    ]
    assert findings(argocd, cluster.apps) == []
    (application,), (project,) = documents(argocd / names[0]), documents(argocd / names[3])
    assert application["spec"]["project"] == project["metadata"]["name"]
    assert {item["repoURL"] for item in application["spec"]["sources"]} == set(project["spec"]["sourceRepos"])
    assert lets_into(project, application["spec"]["destination"]["namespace"])


def catalogue_of(runbook: Path) -> bytes:
    """The user's catalogue with the entry that a runbook shows."""
    (entry,) = re.findall(r"```yaml\nsecrets:\n(.*?)```", runbook.read_text("utf-8"), re.DOTALL)
    return f"version: 1\nsecrets:\n{entry}".encode()


def test_the_runbook_of_an_app_makes_one_that_its_project_permits(cluster: Cluster, tmp_path: Path) -> None:
    """faults B13 and C12: a further app, with a secret, is files of one's own."""
    argocd, apps = tmp_path / "argocd", tmp_path / "apps"
    runbook = cluster.argocd / "docs/runbooks/add-an-app.md"
    assert follow(runbook, cluster.argocd, argocd) == ["limits/shop.yaml", "namespaces/shop.yaml", "projects/shop.yaml"]
    assert len(follow(cluster.apps / "README.md", cluster.apps, apps)) == 3
    (argocd / "secrets/catalogue.user.yaml").write_bytes(catalogue_of(runbook))
    assert findings(argocd, apps) == []
    (overlay,) = documents(apps / "apps/shop/overlays/production/kustomization.yaml")
    (project,) = documents(argocd / "projects/shop.yaml")
    (application_set,) = documents(cluster.argocd / "applications/apps.yaml")
    prefix = application_set["spec"]["template"]["spec"]["project"].partition("{{")[0]
    assert project["metadata"]["name"] == f"{prefix}shop"
    assert lets_into(project, overlay["namespace"])
    assert lets_into(cluster.of_kind("AppProject")["secrets"], overlay["namespace"])


def test_the_secret_of_the_runbook_and_of_the_comment_are_entries_of_a_catalogue(cluster: Cluster) -> None:
    own = catalogue_of(cluster.argocd / "docs/runbooks/add-an-app.md")
    commented = "".join(line + "\n" for line in re.findall(r"^# (  .*)$", OWNED, re.MULTILINE))
    assert yaml.safe_load(commented) == yaml.safe_load(own)["secrets"]
    path = cluster.argocd / "secrets/catalogue.yaml"
    secret = parse_catalogue(path.read_text("utf-8"), where=str(path), user=own).secrets[-1]
    assert secret.id == "shop-production/shop-database"


def test_the_users_catalogue_is_empty_and_belongs_to_the_user(cluster: Cluster) -> None:
    assert documents(cluster.argocd / "secrets/catalogue.user.yaml") == [{"version": 1, "secrets": []}]
    assert "**/secrets/catalogue.user.yaml" in yaml.safe_load((ROOT / "copier.yml").read_text())["_skip_if_exists"]
