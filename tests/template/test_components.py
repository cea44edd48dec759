"""A component is one row, one folder and one choice: all of them are complete, and a half-added one is told by name."""

from __future__ import annotations

import re
import shutil
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import copier
import pytest
from plumbum import local

from generator.checks.run import check_trees
from generator.secrets.catalogue.read import read_catalogue
from tests.template.argocd_tree import CLUSTERS, HA, Cluster, documents, render_cluster, sources
from tests.template.components import TABLE, folder, incomplete, is_application, is_chart, matches, read_table
from tests.template.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.template.conftest import Render

SAMPLE_ROW = """  {
    'name': 'sample', 'choice': 'sample', 'needs': ['traefik'],
    'wave': 0, 'why': 'an example of a component',
    'chart': 'sample', 'repository': 'https://charts.example.org', 'version': '1.2.3',
    'namespace': 'sample', 'level': {'ha': 'baseline', 'single': 'baseline'},
    'kinds': ['storage.k8s.io/StorageClass'],
    'removal': {'private': 'cascade', 'public': 'cascade'},
    'manifests': true,
    'hosts': {'sample': {'what': 'A sample', 'user': 'admin', 'password': 'sample/sample-auth admin'}},
    'requests': {'once': [10, 16], 'node': [0, 0], 'worker': [0, 0]},
    'seen': {'command': 'kubectl --namespace sample rollout status deployment/sample', 'what': 'it is there'},
    'secrets': {'sample/sample-auth': 'within seconds'},
  },
"""
SAMPLE_FILES = {
    "applications/sample.yaml.jinja": """#% import 'lib/argocd.jinja' as a with context %#
#{ a.application('sample') }#
""",
    "namespaces/sample.yaml.jinja": """#% import 'lib/argocd.jinja' as a with context %#
#{ a.namespace_of('sample') }#
""",
    "platform/sample/values.yaml": "auth:\n  existingSecret: sample-auth\n",
    "platform/sample/values.user.yaml": "# Yours.\n",
    "platform/sample/manifests/settings.yaml": """apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: sample
""",
    "secrets.part": """  - namespace: sample
    name: sample-auth
    description: Password of the sample
    consumers:
      - Deployment/sample
    values:
      admin: {generator: password, length: 32}
    data:
      password: {from: admin}
""",
}
FOLDER = "templates/argocd/#% if 'sample' in components %#.#% endif %#"


@pytest.fixture(scope="module", params=CLUSTERS)
def cluster(request: pytest.FixtureRequest, render: Render) -> Cluster:
    return render_cluster(render, request.param)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """The template, to be changed."""
    root = tmp_path / "template"
    for name in ("lib", "templates"):
        shutil.copytree(ROOT / name, root / name)
    shutil.copy2(ROOT / "copier.yml", root)
    return root


def add_row(root: Path) -> None:
    table = root / TABLE
    table.write_text(table.read_text().replace("  {\n    'name': 'hello'", f"{SAMPLE_ROW}  {{\n    'name': 'hello'"))


def add_choice(root: Path) -> None:
    questions = root / "copier.yml"
    old = '    "hello: a sample application'
    questions.write_text(questions.read_text().replace(old, f'    "sample: an example": sample\n{old}'))


def add_folder(root: Path) -> None:
    for name, content in SAMPLE_FILES.items():
        (root / FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (root / FOLDER / name).write_text(content)


def test_every_component_is_complete() -> None:
    assert list(incomplete(ROOT)) == []


STEPS: dict[str, tuple[list[Callable[[Path], None]], list[str]]] = {
    "row alone": (
        [add_row],
        ["copier.yml: the question components does not offer sample", f"there is no folder {FOLDER}"],
    ),
    "row and choice": ([add_row, add_choice], [f"there is no folder {FOLDER}"]),
    "row and folder": ([add_row, add_folder], ["copier.yml: the question components does not offer sample"]),
    "choice alone": ([add_choice], [f"{TABLE}: no row for sample, which the question components offers"]),
    "folder alone": ([add_folder], [f"{TABLE}: no row for the folder {FOLDER}"]),
    "all three": ([add_row, add_choice, add_folder], []),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_half_added_component_is_told_by_what_is_missing(template: Path, name: str) -> None:
    steps, missing = STEPS[name]
    for step in steps:
        step(template)
    assert list(incomplete(template)) == missing


@pytest.mark.parametrize("file", SAMPLE_FILES)
def test_a_folder_that_lacks_a_file_is_told_by_the_file(template: Path, file: str) -> None:
    for step in (add_row, add_choice, add_folder):
        step(template)
    (template / FOLDER / file).unlink()
    if "/manifests/" in file:
        (template / FOLDER / file).parent.rmdir()
    (told,) = incomplete(template)
    assert file.removesuffix("/settings.yaml") in told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("'wave': 0, ", "", "sample: the field wave is missing"),
        ("'wave': 0", "'wave': '0'", "sample: wave is no int"),
        ("'wave': 0", "'colour': 1, 'wave': 0", "sample: the field colour is unknown"),
        ("'needs': ['traefik']", "'needs': ['trafik']", "sample: needs trafik, of which there is no row"),
        ("'wave': 0", "'wave': -20", "sample: needs traefik, which does not come in an earlier wave"),
        ("'ha': 'baseline'", "'ha': 'strict'", "sample: strict is no pod security level"),
        ("StorageClass'", "k8s.io/StorageClass'", "is not group/Kind"),
        ("'public': 'cascade'", "'public': 'never'", "sample: removal is not one of"),
        ("'node': [0, 0]", "'node': [0]", "sample: requests is not a pair"),
        ("'command': 'kubectl ", "'command': '", "sample: seen does not say which command"),
        ("'user': 'admin'", "'user': ''", "sample: the host sample does not say"),
        ("'hosts': {'sample'", "'hosts': {'argocd'", "the host argocd stands there twice"),
        ("'hosts':", "'further': {'more': 'loose'}, 'hosts':", "sample: loose is no pod security level"),
    ],
)
def test_a_row_that_makes_no_sense_is_told(template: Path, old: str, new: str, told: str) -> None:
    for step in (add_row, add_choice, add_folder):
        step(template)
    table = template / TABLE
    before, sample, after = table.read_text().partition(SAMPLE_ROW)
    changed = sample.replace(old, new)
    assert changed != sample
    table.write_text(before + changed + after)
    assert any(told in line for line in incomplete(template))


def test_a_component_touches_three_places_and_is_whole(template: Path, tmp_path: Path) -> None:
    for step in (add_row, add_choice, add_folder):
        step(template)
    touched = {
        path.relative_to(template).as_posix()
        for path in template.rglob("*")
        if path.is_file()
        and (
            not (ROOT / path.relative_to(template)).is_file()
            or path.read_bytes() != (ROOT / path.relative_to(template)).read_bytes()
        )
    }
    assert {FOLDER if name.startswith(FOLDER) else name for name in touched} == {TABLE, "copier.yml", FOLDER}

    answers = HA | {"components": ["traefik", "sample"], "layout": "monorepo"}
    root = tmp_path / "home"
    with local.env(PATH="/nonexistent"):
        copier.run_copy(str(template), root, data=answers, defaults=True, quiet=True, settings=copier.Settings())
    report = check_trees({part: root / part for part in ("argocd", "apps")}, kubernetes_version="1.36")
    assert [str(finding) for finding in report.findings] == []
    argocd = root / "argocd"
    assert "| 0 | `sample` | an example of a component |" in (argocd / "README.md").read_text()
    service = "| https://sample.home.example.com | A sample | `admin` | `fmc secret show sample/sample-auth admin` |"
    assert service in (argocd / "README.md").read_text()
    assert (
        "helm pull sample --repo https://charts.example.org" in (argocd / "docs/runbooks/chart-mirror.md").read_text()
    )
    assert "| `sample/sample-auth` | within seconds |" in (argocd / "docs/runbooks/rotate-a-secret.md").read_text()
    assert "sample/sample-auth" in {secret.id for secret in read_catalogue(argocd).secrets}
    (project,) = documents(argocd / "projects/platform.yaml")
    assert "https://charts.example.org" in project["spec"]["sourceRepos"]
    assert {"group": "storage.k8s.io", "kind": "StorageClass"} in project["spec"]["clusterResourceWhitelist"]
    assert documents(argocd / "versions.yaml")[0]["charts"]["sample"]["version"] == "1.2.3"


def test_a_component_is_there_with_all_that_its_row_says(cluster: Cluster) -> None:
    applications, namespaces = cluster.of_kind("Application"), cluster.of_kind("Namespace")
    readme = (cluster.argocd / "README.md").read_text()
    for row in cluster.applications:
        application = applications[row["name"]]
        files, *charts = sources(application)
        for chart in charts:
            assert (chart["chart"], chart["targetRevision"]) == (row["chart"], row["version"])
            assert chart["helm"]["releaseName"] == row["name"]
        assert len(charts) == is_chart(row)
        assert ("path" in files) is row["manifests"]
        assert application["spec"]["destination"]["namespace"] == row["namespace"]
        level = row["level"].get(cluster.answers["profile"])
        if level:
            labels = namespaces[row["namespace"]]["metadata"]["labels"]
            assert labels["pod-security.kubernetes.io/enforce"] == level
        for name, own in row.get("further", {}).items():
            assert namespaces[name]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == own
        assert f"| {row['wave']} | `{row['name']}` | {row['why']} |" in readme


def test_a_component_that_is_not_chosen_leaves_nothing_behind(cluster: Cluster) -> None:
    absent = [row for row in read_table(ROOT) if row not in cluster.rows]
    names = [path for part in (cluster.argocd, cluster.apps) for path in part.rglob("*")]
    for row in absent:
        assert [path for path in names if path.name.split(".")[0] == row["name"]] == []


def test_the_services_of_the_readme_are_the_hosts_of_the_rows(cluster: Cluster) -> None:
    hosts = [
        host for row in cluster.rows for host in (row["hosts"] if is_application(row) else row["environments"].values())
    ]
    served = hosts if "traefik" in cluster.answers["components"] else []
    readme = (cluster.argocd / "README.md").read_text()
    assert re.findall(r"^\| https://([a-z-]+)\.home\.example\.com \|", readme, re.MULTILINE) == served


def test_the_readme_opens_with_the_services_where_there_are_some(cluster: Cluster) -> None:
    text = (cluster.argocd / "README.md").read_text()
    first, *_ = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert first == ("Services" if "traefik" in cluster.answers["components"] else "Bootstrap")


def test_the_secrets_of_the_rows_are_those_of_the_catalogue(cluster: Cluster) -> None:
    """Each one stands in the runbook with how its consumer notices a new value."""
    secrets = [secret.id for secret in read_catalogue(cluster.argocd).secrets]
    runbook = (cluster.argocd / "docs/runbooks/rotate-a-secret.md").read_text()
    for secret in secrets:
        assert any(matches(secret, row) for row in cluster.rows), secret
    for row in cluster.rows:
        for pattern, notice in row["secrets"].items():
            made = any(fnmatchcase(secret, pattern) for secret in secrets)
            # Argo CD reads repositories with none where they are open.
            assert (f"| `{pattern}` | {notice} |" in runbook) is (made or pattern == "argocd/git-*")


def test_the_folder_of_a_component_has_the_name_that_its_row_gives_it() -> None:
    assert all(folder(ROOT, row).is_dir() for row in read_table(ROOT))
