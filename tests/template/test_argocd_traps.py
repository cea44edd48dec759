"""What charts and Argo CD do without a word, beside the tests of a component: docs/hazards.md has all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.real_charts.render import API_VERSIONS, render_text
from tests.real_charts.source import Chart
from tests.template.argocd_tree import CLUSTERS, Cluster, Manifest, documents, render_cluster, sources

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.template.conftest import Render

INGRESS_CLASS = "kubernetes.io/ingress.class"


@pytest.fixture(scope="module", params=CLUSTERS)
def cluster(request: pytest.FixtureRequest, render: Render) -> Cluster:
    return render_cluster(render, request.param)


def everything(cluster: Cluster) -> Iterator[tuple[Path, Manifest]]:
    """Yield each object of the parts argocd and apps, and the values of each chart."""
    yield from cluster.manifests()
    for path in (*cluster.argocd.glob("platform/*/values.yaml"), *cluster.apps.glob("apps/**/*.yaml")):
        for document in documents(path):
            yield path, document


def keys(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield each key at any depth, with what lies there."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key), item
            yield from keys(item)
    elif isinstance(value, list):
        for item in value:
            yield from keys(item)


def test_an_ingress_is_healthy_behind_node_ports(cluster: Cluster) -> None:
    """Argo CD waits for an address of each Ingress; a service that is no LoadBalancer has none to publish."""
    if "traefik" not in cluster.answers["components"]:
        return
    provider = cluster.values("traefik")["providers"]["kubernetesIngress"]
    assert "publishedService" not in provider or provider["publishedService"] == {"enabled": False}
    assert provider["ingressEndpoint"]["ip"]


def test_the_controller_has_the_name_that_kubeseal_asks_for(cluster: Cluster) -> None:
    assert cluster.values("sealed-secrets")["fullnameOverride"] == "sealed-secrets-controller"
    application = cluster.of_kind("Application")["sealed-secrets"]
    assert application["spec"]["destination"]["namespace"] == "kube-system"


def test_a_password_at_the_ingress_goes_no_further(cluster: Cluster) -> None:
    """A service that reads Authorization itself would refuse it, or be told a password that is not its own."""
    asked = [
        item["spec"]["basicAuth"] for item in cluster.of_kind("Middleware").values() if "basicAuth" in item["spec"]
    ]
    assert len(asked) >= ("traefik" in cluster.answers["components"])
    catalogue = {item["name"]: item for item in cluster.catalogue["secrets"]}
    for entry in asked:
        assert entry["removeHeader"] is True
        # Traefik takes no Secret with a second key.
        assert catalogue[entry["secret"]]["data"].keys() == {"users"}


def test_services_with_logins_of_their_own_have_no_second_one(cluster: Cluster) -> None:
    """A password in front would break the command line of Argo CD, and its webhooks."""
    behind = {"argocd", "grafana", "jenkins"}
    for name, route in cluster.of_kind("IngressRoute").items():
        if name in behind:
            named = [rule.get("middlewares", []) for rule in route["spec"]["routes"]]
            middlewares = {item["name"] for rules in named for item in rules}
            assert not [item for item in middlewares if "basicAuth" in cluster.of_kind("Middleware")[item]["spec"]]


def test_no_ingress_says_its_class_twice(cluster: Cluster) -> None:
    """The API server refuses an Ingress that has the old annotation and the field."""
    for path, document in everything(cluster):
        assert INGRESS_CLASS not in dict(keys(document)), path


def test_nothing_takes_a_certificate_without_looking_at_it(cluster: Cluster) -> None:
    for path, document in everything(cluster):
        for key, value in keys(document):
            off = key.lower().replace("_", "").replace("-", "") in {"insecureskipverify", "insecureskiptlsverify"}
            # A probe tells when a certificate ends, also of an authority that its pod does not know; it sends nothing.
            assert not (off and value and path.parent.name != "prometheus-blackbox-exporter"), f"{path}: {key}"


def test_each_release_has_the_name_and_namespace_that_the_bootstrap_used(cluster: Cluster) -> None:
    """Argo CD takes over what it finds under the same names; another release name would make everything twice."""
    for name in ("argocd", "sealed-secrets"):
        application = cluster.of_kind("Application")[name]
        (chart,) = [source for source in sources(application) if "chart" in source]
        assert chart.get("helm", {}).get("releaseName", name) == name


@pytest.mark.tools
def test_charts_are_judged_with_the_kinds_that_the_cluster_will_have(tmp_path: Path) -> None:
    """A bare `helm template` renders Traefik without its monitor, and budgets of an API that is gone."""
    folder = tmp_path / "chart"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: asks\nversion: 1.0.0\n")
    asked = {"has": [f'{{{{ .Capabilities.APIVersions.Has "{version}" }}}}' for version in API_VERSIONS]}
    (folder / "templates/has.yaml").write_text(yaml.safe_dump(asked).replace("'", ""))
    row = {"name": "asks", "namespace": "default"}
    (found,) = [item for item in yaml.safe_load_all(render_text(row, Chart(folder, "1.0.0", ""), {}, tmp_path)) if item]
    assert found["has"] == [True] * len(API_VERSIONS)
    assert {"policy/v1/PodDisruptionBudget", "monitoring.coreos.com/v1"} <= set(API_VERSIONS)
