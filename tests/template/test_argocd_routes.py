"""Who reaches which host of the ingress: in public, those of components answer to the cluster's own networks alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.template.argocd_tree import CLUSTERS, HA, Cluster, documents, render_cluster, wave

if TYPE_CHECKING:
    from tests.template.argocd_tree import Manifest
    from tests.template.conftest import Render


@pytest.fixture(scope="module", params=[name for name in CLUSTERS if "traefik" in CLUSTERS[name][0]["components"]])
def ingress(request: pytest.FixtureRequest, render: Render) -> Cluster:
    return render_cluster(render, request.param)


def hosts(route: Manifest) -> set[str]:
    return {host for rule in route["spec"]["routes"] for host in re.findall(r"Host\(`([^`]+)`\)", rule["match"])}


def chains(cluster: Cluster) -> dict[str, list[list[Any]]]:
    """Return the middlewares of each rule, by host; what a rule names lies in its own namespace."""
    there = {
        (item["metadata"]["namespace"], item["metadata"]["name"]): item
        for _, item in cluster.manifests()
        if item["kind"] == "Middleware"
    }
    found: dict[str, list[list[Any]]] = {}
    for _, route in cluster.manifests():
        if route["kind"] != "IngressRoute":
            continue
        (host,) = hosts(route)
        namespace = route["metadata"]["namespace"]
        for rule in route["spec"]["routes"]:
            chain = [there[namespace, entry["name"]]["spec"] for entry in rule.get("middlewares", [])]
            found.setdefault(host, []).append(chain)
    return found


def test_each_host_of_a_component_has_one_route(ingress: Cluster) -> None:
    wanted = {f"{host}.{ingress.answers['domain']}" for row in ingress.applications for host in row["hosts"]}
    assert set(chains(ingress)) == wanted
    routes = [item for _, item in ingress.manifests() if item["kind"] == "IngressRoute"]
    assert len(routes) == len(wanted)


def test_in_public_every_host_of_a_component_asks_for_the_network_first(ingress: Cluster) -> None:
    for host, rules in chains(ingress).items():
        for chain in rules:
            if ingress.answers["exposure"] == "public":
                assert "ipAllowList" in chain[0], host
            else:
                assert not any("ipAllowList" in middleware for middleware in chain), host


def test_such_hosts_answer_to_the_networks_of_the_plan_the_way_in_and_those_of_administrators(render: Render) -> None:
    answers = HA | {
        "edge": "192.168.0.0/24",
        "exposure": "public",
        "admin_networks": ["10.80.0.0/16"],
        "vpn": {
            "endpoint": "vpn.example.com",
            "network": "10.99.7.0/24",
            "peers": {"laptop": {"address": "10.99.7.2"}},
        },
    }
    root = render(answers, "argocd")
    (middleware, *_) = documents(root / "platform/traefik/manifests/argocd.yaml")
    assert middleware["spec"] == {
        "ipAllowList": {
            "sourceRange": [
                "192.168.0.0/24",
                "10.17.3.0/24",
                "10.17.4.0/24",
                "10.99.7.0/24",
                "10.42.0.0/16",
                "10.80.0.0/16",
            ]
        }
    }


def test_what_the_chart_makes_the_kinds_of_comes_in_the_wave_after_it(ingress: Cluster) -> None:
    """Beside its own definitions, Argo CD's comparison of such objects failed once in a while."""
    theirs = [item for _, item in ingress.manifests() if item["apiVersion"].startswith("traefik.io/")]
    assert theirs
    assert {wave(item) for item in theirs} == {"1"}
