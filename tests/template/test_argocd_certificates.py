"""cert-manager and its issuers: what the real chart was seen to need, and who signs with which answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from generator.secrets.catalogue.model import Derived, Form, Generator
from generator.secrets.catalogue.read import read_catalogue
from tests.template.argocd_tree import CLUSTERS, HA, Cluster, documents, render_cluster

if TYPE_CHECKING:
    from tests.template.conftest import Render

CHOSEN = [name for name in CLUSTERS if "cert-manager" in CLUSTERS[name][0]["components"]]
ZONE = {"zone": "example.com", "records": ["home.example.com"]}


@pytest.fixture(scope="module", params=CHOSEN)
def cluster(request: pytest.FixtureRequest, render: Render) -> Cluster:
    return render_cluster(render, request.param)


def test_its_definitions_come_with_it_and_outlive_it(cluster: Cluster) -> None:
    """The chart keeps them by itself (crds.keep), which Argo CD reads as Delete=false."""
    crds = cluster.values("cert-manager")["crds"]
    assert crds["enabled"] is True
    assert crds.get("keep", True) is True


def test_it_elects_its_leader_in_its_own_namespace(cluster: Cluster) -> None:
    assert cluster.values("cert-manager")["global"]["leaderElection"] == {"namespace": "cert-manager"}
    (row,) = (row for row in cluster.rows if row["name"] == "cert-manager")
    assert "writes" not in row


def test_no_hook_waits_for_the_webhook(cluster: Cluster) -> None:
    assert cluster.values("cert-manager")["startupapicheck"] == {"enabled": False}


def test_two_of_what_is_asked_at_any_time_where_there_are_several_machines(cluster: Cluster) -> None:
    values = cluster.values("cert-manager")
    for component, settings in (("controller", values), ("webhook", values["webhook"])):
        if cluster.answers["profile"] == "single":
            assert not {"replicaCount", "podDisruptionBudget"} & set(settings)
            continue
        assert settings["replicaCount"] == 2
        assert settings["podDisruptionBudget"] == {"enabled": True, "minAvailable": 1}
        (spread,) = settings["topologySpreadConstraints"]
        assert spread["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] == component


def test_the_api_server_reaches_the_webhook_and_nobody_the_rest(cluster: Cluster) -> None:
    policies = {name: item["spec"] for name, item in cluster.within("cert-manager", "NetworkPolicy").items()}
    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress"]}
    assert policies["webhook"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "webhook"
    assert policies["webhook"]["ingress"] == [{"ports": [{"port": "https"}]}]


def test_issuers_come_after_their_webhook_and_their_secrets(cluster: Cluster) -> None:
    wave = {row["name"]: row["wave"] for row in cluster.rows if "wave" in row}
    assert wave["cert-manager"] < -30 < wave["issuers"] < wave["traefik"]
    application = cluster.of_kind("Application")["issuers"]
    assert "chart" not in application["spec"]["source"]
    here = {item["kind"] for item in documents(cluster.argocd / "platform/issuers/manifests/issuers.yaml")}
    assert here == {"ClusterIssuer"}


def test_the_clusters_own_authority_is_the_vaults(cluster: Cluster) -> None:
    secret = next(item for item in read_catalogue(cluster.argocd).secrets if item.id == "cert-manager/internal-ca")
    assert secret.type == "kubernetes.io/tls"
    assert [value.generator for value in secret.values.values()] == [Generator.AUTHORITY]
    forms = {key: datum.form for key, datum in secret.data.items() if isinstance(datum, Derived)}
    assert forms == {"tls.crt": Form.CA, "tls.key": Form.KEY}
    assert cluster.of_kind("ClusterIssuer")["internal-ca"]["spec"] == {"ca": {"secretName": "internal-ca"}}


ASKED: dict[str, tuple[dict[str, Any], bool]] = {
    "private": ({}, False),
    "private, with a provider": ({"dns_provider": "cloudflare"}, True),
    "private, and ddns for the domain's zone": ({"ddns": ZONE}, True),
    "private, and ddns for another zone": ({"ddns": {"zone": "example.org", "records": ["x.example.org"]}}, False),
    "public": ({"exposure": "public", "edge": "192.168.0.0/24"}, True),
}


@pytest.mark.parametrize("name", ASKED)
def test_lets_encrypt_is_asked_where_public_dns_has_a_provider(render: Render, name: str) -> None:
    answers, asked = ASKED[name]
    root = render(HA | {"components": ["cert-manager", "traefik"]} | answers, "argocd")
    issuers = {
        item["metadata"]["name"]: item["spec"] for item in documents(root / "platform/issuers/manifests/issuers.yaml")
    }
    assert set(issuers) == {"internal-ca", *(["letsencrypt"] if asked else [])}
    (values,) = documents(root / "platform/cert-manager/values.yaml")
    assert ("dns01RecursiveNameservers" in values) is asked
    if asked:
        acme = issuers["letsencrypt"]["acme"]
        assert acme["server"] == "https://acme-v02.api.letsencrypt.org/directory"
        (solver,) = acme["solvers"]
        assert solver["selector"] == {"dnsZones": ["home.example.com"]}
        assert solver["dns01"] == {
            "cloudflare": {"apiTokenSecretRef": {"name": "cloudflare-api-token", "key": "api-token"}}
        }
        # The cluster's own servers answer for its domain, and would never see the record.
        assert values["dns01RecursiveNameservers"] == "1.1.1.1:53,9.9.9.9:53"
        assert values["dns01RecursiveNameserversOnly"] is True


@pytest.mark.parametrize(
    ("ddns", "token_of_ddns"),
    [
        pytest.param(ZONE, "cert-manager/cloudflare-api-token", id="the same zone"),
        pytest.param(
            {"zone": "example.org", "records": ["x.example.org"]}, "machines/cloudflare-ddns", id="another zone"
        ),
    ],
)
def test_one_zone_has_one_token(render: Render, ddns: dict[str, Any], token_of_ddns: str) -> None:
    answers = HA | {"components": ["cert-manager", "traefik"], "dns_provider": "cloudflare", "ddns": ddns}
    root = render(answers, "monorepo")
    catalogue = read_catalogue(root / "argocd")
    tokens = {entry.id for entry in catalogue.entries if "cloudflare" in entry.id}
    assert tokens == {"cert-manager/cloudflare-api-token", token_of_ddns}
    plan = documents(root / "infra/plan.json")[0]
    assert plan["ddns"]["secret"] == token_of_ddns
    shared = "Role/cloudflare_ddns" in catalogue.entry("cert-manager/cloudflare-api-token").consumers
    assert shared is (len(tokens) == 1)
    readme = (root / "infra/README.md").read_text()
    assert f"fmc secret set {token_of_ddns} token" in readme
    # What the command would take.
    assert "token" in catalogue.entry(token_of_ddns).values
