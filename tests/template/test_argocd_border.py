"""The border of the apps: which hosts they may have, what they may take, and whom they reach."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.template.argocd_tree import CLUSTERS, Cluster, documents, lets_into, render_cluster

if TYPE_CHECKING:
    from tests.template.conftest import Render

HOSTS = "flatcar-microcloud.local/hosts"
ROUTES, INGRESSES, CONNECTIONS = "hosts-of-ingressroutes", "hosts-of-ingresses", "no-routes-of-connections"


@pytest.fixture(scope="module", params=CLUSTERS)
def cluster(request: pytest.FixtureRequest, render: Render) -> Cluster:
    return render_cluster(render, request.param)


@pytest.fixture(scope="module", params=[name for name in CLUSTERS if "traefik" in CLUSTERS[name][0]["components"]])
def ingress(request: pytest.FixtureRequest, render: Render) -> Cluster:
    return render_cluster(render, request.param)


def environments(cluster: Cluster) -> dict[str, str]:
    """Return the host of each namespace of an app."""
    return {
        f"{row['name']}-{environment}": f"{host}.{cluster.answers['domain']}"
        for row in cluster.rows
        if "environments" in row
        for environment, host in row["environments"].items()
    }


def expressions(cluster: Cluster, name: str) -> list[str]:
    policy = cluster.of_kind("ValidatingAdmissionPolicy")[name]
    return [validation["expression"] for validation in policy["spec"]["validations"]]


def test_each_namespace_of_an_app_names_its_host_and_no_other_namespace_names_one(cluster: Cluster) -> None:
    named = {
        name: item["metadata"]["annotations"][HOSTS]
        for name, item in cluster.of_kind("Namespace").items()
        if HOSTS in item["metadata"]["annotations"]
    }
    assert named == environments(cluster)


def test_the_routes_of_the_apps_have_the_hosts_of_their_namespaces(ingress: Cluster) -> None:
    seen = {}
    for overlay in ingress.apps.glob("apps/*/overlays/*"):
        (kustomization,) = documents(overlay / "kustomization.yaml")
        (route,) = documents(overlay / "ingressroute.yaml")
        (rule,) = route["spec"]["routes"]
        seen[kustomization["namespace"]] = rule["match"]
    assert seen == {namespace: f"Host(`{host}`)" for namespace, host in environments(ingress).items()}


def test_the_policies_hold_everywhere_but_in_the_platforms_own_namespaces(ingress: Cluster) -> None:
    own = {"kube-system"} | {row["namespace"] for row in ingress.applications}
    own |= {name for row in ingress.applications for name in row.get("further", {})}
    bindings = ingress.of_kind("ValidatingAdmissionPolicyBinding")
    assert set(bindings) == set(ingress.of_kind("ValidatingAdmissionPolicy")) == {ROUTES, INGRESSES, CONNECTIONS}
    for name, binding in bindings.items():
        assert (binding["spec"]["policyName"], binding["spec"]["validationActions"]) == (name, ["Deny"])
        (expression,) = binding["spec"]["matchResources"]["namespaceSelector"]["matchExpressions"]
        assert (expression["key"], expression["operator"]) == ("kubernetes.io/metadata.name", "NotIn")
        assert set(expression["values"]) == own
        assert not own & set(environments(ingress))


def test_the_policies_look_at_whatever_leads_to_a_pod_and_fail_closed(ingress: Cluster) -> None:
    policies = ingress.of_kind("ValidatingAdmissionPolicy")
    looked_at: dict[str, set[str]] = {}
    for policy in policies.values():
        assert policy["spec"]["failurePolicy"] == "Fail"
        (rule,) = policy["spec"]["matchConstraints"]["resourceRules"]
        assert (rule["operations"], rule["apiVersions"]) == (["CREATE", "UPDATE"], ["*"])
        looked_at.setdefault(rule["apiGroups"][0], set()).update(rule["resources"])
    assert looked_at == {
        "traefik.io": {"ingressroutes", "ingressroutetcps", "ingressrouteudps"},
        "networking.k8s.io": {"ingresses"},
    }
    assert expressions(ingress, CONNECTIONS) == ["false"]


MATCHES = {
    "Host(`hello.example.com`)": True,
    "Host(`hello.example.com`) && PathPrefix(`/private`)": True,
    "Host(`hello.example.com`) && Header(`X-Version`, `2`) && !Method(`POST`)": True,
    "Host(`argocd.example.com`)": False,
    "Host(`hello.example.com`) || Host(`argocd.example.com`)": False,
    "Host(`hello.example.com`)||Host(`argocd.example.com`)": False,
    "Host(`hello.example.com`) && PathPrefix(`/`) || Host(`argocd.example.com`)": False,
    "Host(`hello.example.com`) && (PathPrefix(`/`) || Host(`argocd.example.com`))": False,
    "PathPrefix(`/`)": False,
    "!Host(`hello.example.com`)": False,
    "(Host(`hello.example.com`))": False,
    "Host(`hello.example.com`, `argocd.example.com`)": False,
    "Host(`hello.example.com.evil.example`)": False,
    "HostRegexp(`.*`) && Host(`hello.example.com`)": False,
    "Host(`hello.example.com`)\n|| Host(`argocd.example.com`)": False,
}


@pytest.mark.parametrize("match", MATCHES)
def test_a_route_begins_with_its_host_and_nothing_after_it_widens_that(render: Render, match: str) -> None:
    """As the API server reads it, but for the engine: the pattern means the same in Python and in RE2."""
    (expression,) = expressions(render_cluster(render, "ha"), ROUTES)
    (pattern,) = re.findall(r"matches\(r'(.*?)'\)", expression)
    assert "variables.hosts.exists(host, route.match.startsWith('Host(`' + host + '`)'))" in expression
    allowed = bool(re.search(pattern.replace("$", r"\Z"), match)) and match.startswith("Host(`hello.example.com`)")
    assert allowed is MATCHES[match]


def test_an_ingress_names_a_host_in_each_rule_and_catches_nothing_else(ingress: Cluster) -> None:
    hosts, paths, matcher = expressions(ingress, INGRESSES)
    assert hosts.startswith("!has(object.spec.defaultBackend) && has(object.spec.rules)")
    assert "has(rule.host) && rule.host in variables.hosts" in hosts
    # What Traefik puts into one expression with the host.
    assert "!item.path.contains('`')" in paths
    assert "in ['Path', 'PathPrefix', 'PathRegexp']" in matcher


def of_app(cluster: Cluster, kind: str) -> dict[str, Any]:
    return {
        item["metadata"]["namespace"]: item["spec"]
        for path, item in cluster.manifests()
        if item["kind"] == kind and path.parent.name == "limits"
    }


def test_each_namespace_of_an_app_has_a_quota_and_defaults_for_it(cluster: Cluster) -> None:
    quotas, ranges = of_app(cluster, "ResourceQuota"), of_app(cluster, "LimitRange")
    assert set(quotas) == set(ranges) == set(environments(cluster))
    for namespace, quota in quotas.items():
        hard = quota["hard"]
        # A quota of requests refuses a container that makes none: the defaults make them.
        (container,) = ranges[namespace]["limits"]
        asked = {key.removeprefix("requests.") for key in hard if key in ("requests.cpu", "requests.memory")}
        assert asked == set(container["defaultRequest"])
        assert {key.removeprefix("limits.") for key in hard if key.startswith("limits.")} == set(container["default"])
        assert (hard["services.nodeports"], hard["services.loadbalancers"]) == ("0", "0")


def test_the_pods_of_an_app_are_reached_by_the_ingress_and_reach_names(cluster: Cluster) -> None:
    policies = of_app(cluster, "NetworkPolicy")
    assert set(policies) == set(environments(cluster))
    for spec in policies.values():
        assert (spec["podSelector"], spec["policyTypes"]) == ({}, ["Ingress", "Egress"])
        sources = [peer for rule in spec["ingress"] for peer in rule["from"]]
        assert sources[0] == {"podSelector": {}}
        named = {peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for peer in sources[1:]}
        # Whichever components there are: an app of one's own keeps its files when others come.
        assert named == {"traefik", "monitoring"}
        own, names = spec["egress"]
        assert own == {"to": [{"podSelector": {}}]}
        assert names["to"][0]["podSelector"] == {"matchLabels": {"k8s-app": "kube-dns"}}
        assert {(port["port"], port["protocol"]) for port in names["ports"]} == {(53, "UDP"), (53, "TCP")}


def test_limits_reach_every_namespace_and_an_app_can_not_change_its_own(cluster: Cluster) -> None:
    projects = cluster.of_kind("AppProject")
    limits = projects["limits"]
    assert lets_into(limits, "shop-production")
    kinds = {entry["kind"] for entry in limits["spec"]["namespaceResourceWhitelist"]}
    assert kinds == {"LimitRange", "NetworkPolicy", "ResourceQuota"}
    assert cluster.of_kind("Application")["limits"]["spec"]["project"] == "limits"
    for name, project in projects.items():
        if name.startswith("app-"):
            refused = {(entry["group"], entry["kind"]) for entry in project["spec"]["namespaceResourceBlacklist"]}
            assert {("", "ResourceQuota"), ("", "LimitRange")} <= refused
            # Whoever may ask for certificates gets them for any name.
            assert ("cert-manager.io", "*") in refused
