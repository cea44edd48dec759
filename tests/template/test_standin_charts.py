"""The stand-in charts of the end-to-end bed read every value that is rendered, and make valid objects of them."""

from __future__ import annotations

import copy
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from generator.checks.run import check_trees
from generator.secrets.restart_marks import ANNOTATION
from tests.conftest import require_tool
from tests.e2e.charts.assemble import CHARTS, GENERIC, assemble, has_own
from tests.e2e.charts.definitions import BUNDLES, LONGHORN, TRAEFIK
from tests.template.argocd_tree import CLUSTERS, HA, ROWS, documents, render_cluster
from tests.template.components import is_chart, is_there
from tests.template.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.charts.definitions import Group
    from tests.template.conftest import Render

pytestmark = pytest.mark.tools
# The components whose chart has a stand-in of its own, by chart.
COMPONENTS = {row["chart"]: row for row in ROWS if is_chart(row) and has_own(row["chart"])}
RENDERED = [
    pytest.param(chart, cluster, id=f"{chart}-{cluster}")
    for chart, row in COMPONENTS.items()
    for cluster, (answers, _) in CLUSTERS.items()
    if is_there(row, answers)
]
PROBES: dict[str, dict[str, Any]] = {
    "as-it-comes": {},
    "all": {
        "nodeSelector": {"gate": "open"},
        "secret": {"name": "users", "key": "users"},
        "statefulSet": {"enabled": True, "storageClass": "local-path"},
        "hook": {"enabled": True, "run": "2"},
    },
    "job-alone": {
        "deployment": {"enabled": False},
        "service": {"enabled": False},
        "configMap": {"enabled": False},
        "hook": {"enabled": True},
    },
}
Place = tuple[str | int, ...]


def helm(chart: Path, values: dict[str, Any], tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Render a chart as Argo CD would."""
    program = require_tool("helm")
    file = tmp_path / "values.json"
    file.write_text(json.dumps(values))
    row = COMPONENTS.get(chart.name, {"name": "probe", "namespace": "probe"})
    command = [
        str(program),
        "template",
        row["name"],
        str(chart),
        "--namespace",
        row["namespace"],
        "--values",
        str(file),
        *options,
    ]
    return subprocess.run(
        [*command, "--kube-version", "1.36.1"], capture_output=True, text=True, timeout=60, check=False
    )


def objects(chart: Path, values: dict[str, Any], tmp_path: Path, *options: str) -> list[dict[str, Any]]:
    """Return what a chart makes of values."""
    done = helm(chart, values, tmp_path, *options)
    assert done.returncode == 0, done.stderr
    return [item for item in yaml.load_all(done.stdout, yaml.CSafeLoader) if item]


def rendered_values(render: Render, chart: str, cluster: str) -> dict[str, Any]:
    """Return what fmc renders for a chart, without the definitions that are not kept here."""
    values = render_cluster(render, cluster).values(COMPONENTS[chart]["name"])
    return values | {"crds": {"install": False}} if chart == "argo-cd" else values


def pods(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for item in items:
        if item["kind"] in ("DaemonSet", "Deployment", "StatefulSet", "Job"):
            yield item["spec"]["template"]["spec"]


def leaves(value: Any, path: Place = ()) -> Iterator[Place]:
    """Yield the place of every single value."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path


def changed(values: dict[str, Any], path: Place) -> dict[str, Any]:
    """Return the values with another one at a place, of the same type."""
    result = copy.deepcopy(values)
    place: Any = result
    for step in path[:-1]:
        place = place[step]
    old = place[path[-1]]
    place[path[-1]] = not old if isinstance(old, bool) else old + 1 if isinstance(old, int) else f"{old}x"
    return result


def assert_valid(items: list[dict[str, Any]], tmp_path: Path) -> None:
    """Have all objects validated by both engines."""
    folder = tmp_path / "objects"
    folder.mkdir()
    (folder / "all.yaml").write_text(yaml.safe_dump_all(items))
    kubeconform = require_tool("kubeconform")
    for engine in ("builtin", "kubeconform"):
        report = check_trees({"apps": folder}, kubernetes_version="1.36", engine=engine, kubeconform=kubeconform)
        assert [item.message for item in report.findings] == []
        assert report.documents == len(items)


@pytest.mark.parametrize(("chart", "cluster"), RENDERED)
def test_they_make_valid_objects_of_what_is_rendered(chart: str, cluster: str, render: Render, tmp_path: Path) -> None:
    items = objects(CHARTS / chart, rendered_values(render, chart, cluster), tmp_path)
    assert len(items) > 5
    assert_valid(items, tmp_path)


@pytest.mark.parametrize("chart", COMPONENTS)
def test_no_rendered_value_is_without_effect(chart: str, render: Render, tmp_path: Path) -> None:
    seen: set[Place] = set()
    ignored = []
    for cluster in (item.values[1] for item in RENDERED if item.values[0] == chart):
        values = rendered_values(render, chart, str(cluster))
        before = helm(CHARTS / chart, values, tmp_path).stdout
        for path in leaves(values):
            if path in seen or path[0] == "crds":
                continue
            seen.add(path)
            after = helm(CHARTS / chart, changed(values, path), tmp_path)
            # A template that refuses the value has read it; a schema that refuses it has not.
            if after.stdout == before or (after.returncode and "execution error at" not in after.stderr):
                ignored.append((path, after.stderr))
    assert len(seen) > 20
    assert ignored == []


def test_their_versions_are_the_pinned_ones(render: Render) -> None:
    (versions,) = yaml.safe_load_all((render_cluster(render, "ha").argocd / "versions.yaml").read_text())
    for chart in COMPONENTS:
        described = yaml.safe_load((CHARTS / chart / "Chart.yaml").read_text())
        assert described["version"] == versions["charts"][chart]["version"]


def test_argo_cd_runs_one_release_everywhere_as_its_pods_say(render: Render, tmp_path: Path) -> None:
    items = objects(CHARTS / "argo-cd", rendered_values(render, "argo-cd", "ha"), tmp_path)
    described = yaml.safe_load((CHARTS / "argo-cd/Chart.yaml").read_text())
    assert render_cluster(render, "ha").values("argocd")["global"]["image"]["tag"] == described["appVersion"]
    images = {
        container["image"]
        for pod in pods(items)
        for key in ("containers", "initContainers")
        for container in pod.get(key, [])
    }
    (redis,) = {image for image in images if "/redis:" in image}
    assert images == {redis, f"quay.io/argoproj/argocd:{described['appVersion']}"}


def test_argo_cd_reads_the_authority_and_the_host_keys_of_the_git_server(render: Render, tmp_path: Path) -> None:
    """faults B10: the values end in the two ConfigMaps that Argo CD mounts."""
    valid = ROOT / "tests/answers/valid"
    authority = yaml.safe_load((valid / "git-of-a-private-authority.yaml").read_text())["git_authority"]
    over_ssh = yaml.safe_load((valid / "git-over-ssh-on-another-port.yaml").read_text())
    keys = {key: over_ssh[key] for key in ("git_base_url", "git_known_hosts")}
    found = {}
    for answers in ({"git_authority": authority}, keys):
        (values,) = documents(render(HA | answers, "argocd") / "platform/argocd/values.yaml")
        values["crds"] = {"install": False}
        for item in objects(CHARTS / "argo-cd", values, tmp_path):
            if item["kind"] == "ConfigMap" and item.get("data"):
                found[item["metadata"]["name"]] = item["data"]
    assert {host: text.strip() for host, text in found["argocd-tls-certs-cm"].items()} == {
        "git.example.com": authority.strip()
    }
    assert set(keys["git_known_hosts"]) <= set(found["argocd-ssh-known-hosts-cm"]["ssh_known_hosts"].splitlines())


@pytest.mark.parametrize(
    ("chart", "secret"), [("kube-prometheus-stack", "monitoring/grafana-admin"), ("jenkins", "jenkins/jenkins-admin")]
)
def test_the_generic_one_restarts_with_secrets_and_waits_for_their_revision(
    chart: str, secret: str, render: Render, tmp_path: Path
) -> None:
    (row,) = (row for row in ROWS if row.get("chart") == chart)
    items = objects(CHARTS / GENERIC, render_cluster(render, "ha").values(row["name"]), tmp_path)
    (template,) = (item["spec"]["template"] for item in items if item["kind"] == "Deployment")
    assert_valid(items, tmp_path)
    assert f"{secret}=initial" in template["metadata"]["annotations"][ANNOTATION].split()
    name = secret.partition("/")[2]
    found = [one["valueFrom"]["secretKeyRef"] for one in template["spec"]["containers"][0]["env"]]
    assert found == [{"name": name, "key": f"{name}.initial"}]


def test_every_variable_of_argo_cd_that_is_not_optional_has_its_source(render: Render, tmp_path: Path) -> None:
    items = objects(CHARTS / "argo-cd", rendered_values(render, "argo-cd", "ha"), tmp_path)
    there = {(item["kind"], item["metadata"]["name"]) for item in items}
    # Made by the hook.
    there.add(("Secret", "argocd-redis"))
    for pod in pods(items):
        assert pod["serviceAccountName"] == "default" or ("ServiceAccount", pod["serviceAccountName"]) in there
        for variable in (variable for container in pod["containers"] for variable in container.get("env", [])):
            for kind, field in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
                reference = variable.get("valueFrom", {}).get(field)
                if reference and not reference.get("optional"):
                    assert (kind, reference["name"]) in there, variable["name"]


def test_settings_restart_the_processes_that_read_them_when_they_start(render: Render, tmp_path: Path) -> None:
    values = rendered_values(render, "argo-cd", "ha")
    other = changed(values, ("configs", "params", "controller.sync.timeout.seconds"))

    def checksums(values: dict[str, Any]) -> dict[str, Any]:
        items = objects(CHARTS / "argo-cd", values, tmp_path)
        templates = {
            item["metadata"]["name"]: item["spec"]["template"] for item in items if "template" in item.get("spec", {})
        }
        return {name: template["metadata"].get("annotations") for name, template in templates.items()}

    before, after = checksums(values), checksums(other)
    assert {name for name in before if before[name] != after[name]} == {
        "argocd-application-controller",
        "argocd-applicationset-controller",
        "argocd-repo-server",
        "argocd-server",
    }


def test_argo_cds_definitions_come_as_they_are(tmp_path: Path) -> None:
    definitions = tmp_path / "crds"
    definitions.mkdir()
    description = "takes {{ .Values.global.domain }} as it stands"
    for kind in ("application", "appproject", "applicationset"):
        definition = {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{kind}s.argoproj.io", "labels": {"app.kubernetes.io/part-of": "argocd"}},
            "spec": {"group": "argoproj.io", "description": description},
        }
        (definitions / f"{kind}-crd.yaml").write_text(yaml.safe_dump(definition))
    chart = assemble("argo-cd", tmp_path / "charts", definitions)
    values = {"dex": {"enabled": False}, "notifications": {"enabled": False}, "crds": {"annotations": {"mine": "yes"}}}
    items = [item for item in objects(chart, values, tmp_path) if item["kind"] == "CustomResourceDefinition"]
    assert {item["metadata"]["name"] for item in items} == {
        "applications.argoproj.io",
        "appprojects.argoproj.io",
        "applicationsets.argoproj.io",
    }
    for item in items:
        assert item["spec"]["description"] == description
        assert item["metadata"]["annotations"] == {
            "argocd.argoproj.io/sync-options": "ServerSideApply=true",
            "helm.sh/resource-policy": "keep",
            "mine": "yes",
        }


def test_argo_cd_says_that_it_is_not_complete(tmp_path: Path) -> None:
    done = helm(CHARTS / "argo-cd", {"dex": {"enabled": False}, "notifications": {"enabled": False}}, tmp_path)
    assert done.returncode != 0
    assert "packaged by tests/e2e/charts/assemble.py" in done.stderr


def test_traefiks_definitions_have_every_kind_that_it_may_read(render: Render, tmp_path: Path) -> None:
    chart = assemble("traefik", tmp_path / "charts", tmp_path)
    items = objects(chart, rendered_values(render, "traefik", "ha"), tmp_path, "--include-crds")
    definitions = [item for item in items if item["kind"] == "CustomResourceDefinition"]
    assert definitions == TRAEFIK.definitions()
    (role,) = [item for item in items if item["kind"] == "ClusterRole"]
    (resources,) = [rule["resources"] for rule in role["rules"] if rule["apiGroups"] == ["traefik.io"]]
    assert sorted(item["metadata"]["name"] for item in definitions) == sorted(
        f"{name}.traefik.io" for name in resources
    )


@pytest.mark.parametrize("group", [BUNDLES, LONGHORN, TRAEFIK], ids=lambda group: group.name)
def test_definitions_are_structural(group: Group) -> None:
    def check(schema: dict[str, Any], place: str) -> None:
        assert not schema.keys() & {"$ref", "const", "oneOf", "anyOf"}, place
        typed = isinstance(schema.get("type"), str) or schema.get("x-kubernetes-int-or-string")
        assert typed, place
        for key, item in schema.get("properties", {}).items():
            check(item, f"{place}.{key}")
        for key in ("items", "additionalProperties"):
            if key in schema:
                check(schema[key], f"{place}.{key}")

    for definition in group.definitions():
        (version,) = definition["spec"]["versions"]
        check(version["schema"]["openAPIV3Schema"], definition["metadata"]["name"])


def test_traefik_refuses_an_unknown_value(tmp_path: Path) -> None:
    done = helm(CHARTS / "traefik", {"tlsStores": {}}, tmp_path)
    assert done.returncode != 0
    assert "additional properties 'tlsStores' not allowed" in done.stderr


@pytest.mark.parametrize("name", PROBES)
def test_the_probe_is_what_its_values_say(name: str, tmp_path: Path) -> None:
    values = PROBES[name]
    items = objects(CHARTS / "probe", values, tmp_path)
    kinds = {
        "as-it-comes": {"Deployment", "Service", "ConfigMap"},
        "all": {"Deployment", "Service", "ConfigMap", "StatefulSet", "Job"},
        "job-alone": {"Job"},
    }
    assert {item["kind"] for item in items} == kinds[name]
    assert_valid(items, tmp_path)


def test_the_probe_refuses_an_unknown_value(tmp_path: Path) -> None:
    done = helm(CHARTS / "probe", {"deployment": {"replica": 2}}, tmp_path)
    assert "additional properties 'replica' not allowed" in done.stderr


def test_the_generic_stand_in_takes_every_value_under_the_name_of_another_chart(tmp_path: Path) -> None:
    chart = assemble("somebody-elses", tmp_path / "charts", tmp_path)
    assert yaml.safe_load((chart / "Chart.yaml").read_text())["name"] == "somebody-elses"
    values = {"replicas": 3, "nested": {"list": ["a", {"b": 1}]}}
    items = {item["kind"]: item for item in objects(chart, values, tmp_path)}
    assert set(items) == {"ConfigMap", "Deployment", "Service"}
    assert yaml.safe_load(items["ConfigMap"]["data"]["values.yaml"]) == values
    assert_valid(list(items.values()), tmp_path)
    other = {item["kind"]: item for item in objects(chart, values | {"replicas": 4}, tmp_path)}
    assert other["Deployment"]["spec"]["template"] != items["Deployment"]["spec"]["template"]
