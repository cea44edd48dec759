"""trust-manager: the authority's certificate, and nothing secret, reaches the namespaces that ask for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from generator.secrets.catalogue.model import Derived, Form
from generator.secrets.catalogue.read import read_catalogue
from tests.template.argocd_tree import CLUSTERS, Cluster, Manifest, render_cluster, wave

if TYPE_CHECKING:
    from tests.template.conftest import Render


@pytest.fixture(
    scope="module", params=[name for name in CLUSTERS if "trust-manager" in CLUSTERS[name][0]["components"]]
)
def cluster(request: pytest.FixtureRequest, render: Render) -> Cluster:
    return render_cluster(render, request.param)


@pytest.fixture(scope="module")
def bundle(cluster: Cluster) -> Manifest:
    return cluster.of_kind("Bundle")["internal-ca"]


def test_the_bundle_has_the_certificate_of_the_authority_and_not_its_key(cluster: Cluster, bundle: Manifest) -> None:
    secrets = {secret.id: secret for secret in read_catalogue(cluster.argocd).secrets}
    (source,) = bundle["spec"]["sources"]
    datum = secrets[f"cert-manager/{source['secret']['name']}"].data[source["secret"]["key"]]
    assert isinstance(datum, Derived)
    assert datum.form is Form.CA
    assert "secret" not in bundle["spec"]["target"]


def test_a_namespace_asks_for_it_as_the_runbook_says(cluster: Cluster, bundle: Manifest) -> None:
    target = bundle["spec"]["target"]
    ((label, value),) = target["namespaceSelector"]["matchLabels"].items()
    runbook = (cluster.argocd / "docs/runbooks/trust.md").read_text()
    assert f"{label}: {value}\n" in runbook
    assert f"{label}={value}`" in runbook
    file = target["configMap"]["key"]
    assert re.search(rf"value: /etc/internal-ca/{re.escape(file)}\n", runbook)
    assert f"name: {bundle['metadata']['name']}\n" in runbook
    assert f"`{label}: {value}`" in (cluster.argocd / "docs/runbooks/add-an-app.md").read_text()


def test_the_bundle_comes_when_its_webhook_answers_and_its_source_is_there(cluster: Cluster) -> None:
    waves = {name: int(wave(item) or 0) for name, item in cluster.of_kind("Application").items() if name != "root"}
    assert waves["cert-manager"] < waves["trust-manager"] < waves["secrets"] < waves["bundles"]


def test_the_api_server_reaches_the_webhook_and_nobody_the_rest(cluster: Cluster) -> None:
    """cert-manager's default-deny shuts the namespace that both are in."""
    policies = {name: item["spec"] for name, item in cluster.within("cert-manager", "NetworkPolicy").items()}
    assert policies["default-deny"]["podSelector"] == {}
    assert policies["trust-manager-webhook"]["ingress"] == [{"ports": [{"port": "webhook"}]}]
    watched = "monitoring" in cluster.answers["components"]
    assert ("trust-manager-metrics" in policies) is watched
    assert ("app" in cluster.values("trust-manager")) is watched


def test_no_image_comes_that_nobody_asked_for(cluster: Cluster) -> None:
    """The chart's default brings Debian's list of authorities in an image of its own."""
    assert cluster.values("trust-manager")["defaultPackage"] == {"enabled": False}
