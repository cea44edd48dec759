"""The rendered argocd part as files: valid, nothing left of the template, no secret, settings that fit the profile."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.template.argocd_tree import CLUSTER_SCOPED, CLUSTERS, Cluster, documents, render_cluster, sources
from tests.template.conftest import ROOT

if TYPE_CHECKING:
    from tests.template.conftest import Render

DELIMITERS = re.compile(r"#\{|\}#|#%|%#|#\||\|#")


@pytest.fixture(scope="module", params=CLUSTERS)
def cluster(request: pytest.FixtureRequest, render: Render) -> Cluster:
    return render_cluster(render, request.param)


@pytest.fixture(scope="module", params=[name for name in CLUSTERS if "traefik" in CLUSTERS[name][0]["components"]])
def ingress(request: pytest.FixtureRequest, render: Render) -> Cluster:
    return render_cluster(render, request.param)


def test_every_yaml_file_parses_and_repeats_no_key(cluster: Cluster) -> None:
    files = [path for part in (cluster.argocd, cluster.apps) for path in part.rglob("*.yaml")]
    assert len(files) > 10
    for path in files:
        documents(path)


def test_nothing_of_the_template_is_left(cluster: Cluster) -> None:
    for part in (cluster.argocd, cluster.apps):
        for path in part.rglob("*"):
            assert not DELIMITERS.search(path.name), path
            if path.is_file():
                assert not DELIMITERS.search(path.read_text()), path
                assert path.suffix != ".jinja"


def test_no_secret_is_rendered_neither_plain_nor_sealed(cluster: Cluster) -> None:
    kinds = {item["kind"] for _, item in cluster.manifests()}
    assert not kinds & {"Secret", "SealedSecret"}
    assert not list(cluster.argocd.rglob("*.sealed.yaml"))


def test_objects_are_complete_and_unique(cluster: Cluster) -> None:
    seen = set()
    for path, item in cluster.manifests():
        metadata = item["metadata"]
        assert (metadata.get("namespace") is None) is (item["kind"] in CLUSTER_SCOPED), path
        identity = (item["apiVersion"], item["kind"], metadata.get("namespace"), metadata["name"])
        assert identity not in seen
        seen.add(identity)


def test_annotations_and_labels_are_text(cluster: Cluster) -> None:
    for path, item in cluster.manifests():
        for field in ("annotations", "labels"):
            for key, value in item["metadata"].get(field, {}).items():
                assert isinstance(value, str), f"{path}: {key}"


def test_argocd_has_the_health_checks_that_make_waves_wait(cluster: Cluster) -> None:
    """What they say of an object is computed in test_argocd_health.py, where there is an Argo CD."""
    cm = cluster.values("argocd")["configs"]["cm"]
    application = cm["resource.customizations.health.argoproj.io_Application"]
    assert all(word in application for word in ("ComparisonError", "comparedTo", "operationState", "reconciledAt"))
    assert "observedGeneration" in cm["resource.customizations.health.bitnami.com_SealedSecret"]
    # Argo CD's Lua has no string library.
    assert not re.search(r"\bstring\.|:(match|find|sub|gsub|format)\(", application)


def test_argocd_runs_the_release_that_the_tests_build(cluster: Cluster) -> None:
    tools = tomllib.loads((ROOT / "tests/toolchain/tools.toml").read_text())
    assert tools["go"]["cluster"]["module"].startswith("github.com/argoproj/argo-cd/")
    assert cluster.values("argocd")["global"]["image"] == {"tag": tools["go"]["cluster"]["version"]}


def test_argocd_gives_up_waiting_and_keeps_comparing(cluster: Cluster) -> None:
    configs = cluster.values("argocd")["configs"]
    assert int(configs["params"]["controller.sync.timeout.seconds"]) > 0
    assert int(configs["cm"]["timeout.reconciliation"].removesuffix("s")) > 0


def test_what_a_child_was_asked_for_is_no_difference_of_root(cluster: Cluster) -> None:
    """A request to sync or refresh that was answered looked like a field to remove, and root went through its waves."""
    cm = cluster.values("argocd")["configs"]["cm"]
    ignored = yaml.safe_load(cm["resource.customizations.ignoreDifferences.argoproj.io_Application"])
    assert ignored == {"jsonPointers": ["/operation", "/metadata/annotations/argocd.argoproj.io~1refresh"]}


def test_the_values_of_a_chart_are_read_before_the_chart(cluster: Cluster) -> None:
    """A commit between the two is looked at again; the other way round it would be taken for delivered."""
    applications = [item for _, item in cluster.manifests() if item["kind"] == "Application"]
    with_values = [found for found in map(sources, applications) if any("ref" in source for source in found)]
    assert len(with_values) >= 2
    assert all("ref" in found[0] and "chart" in found[1] for found in with_values)


def test_what_serves_of_argocd_runs_on_two_machines_where_there_are_several(cluster: Cluster) -> None:
    values = cluster.values("argocd")
    for part in ("repoServer", "server", "applicationSet"):
        if cluster.answers["profile"] == "single":
            assert not {"replicas", "pdb", "topologySpreadConstraints"} & set(values[part])
            continue
        assert values[part]["replicas"] == 2
        # With minAvailable a single pod could never be drained.
        assert values[part]["pdb"] == {"enabled": True, "maxUnavailable": 1}
        (spread,) = values[part]["topologySpreadConstraints"]
        # One that is to be drained counts as a machine, too.
        assert (spread["topologyKey"], spread["whenUnsatisfiable"]) == ("kubernetes.io/hostname", "ScheduleAnyway")


def test_no_part_of_argocd_takes_a_machine_s_memory_from_the_others(cluster: Cluster) -> None:
    values = cluster.values("argocd")
    told = ("notifications",) if values["notifications"]["enabled"] else ()
    for part in ("controller", "redis", "repoServer", "server", "applicationSet", *told):
        resources = values[part]["resources"]
        asked, most = (int(resources[key]["memory"].removesuffix("Mi")) for key in ("requests", "limits"))
        assert 2 * asked <= most
    # helm takes 90 MiB for a chart of this platform, of which each rendering at once is one.
    at_once = int(values["configs"]["params"]["reposerver.parallelism.limit"])
    assert at_once * 90 + 256 <= int(values["repoServer"]["resources"]["limits"]["memory"].removesuffix("Mi"))


def test_argocd_leaves_tls_to_traefik_where_there_is_one(cluster: Cluster) -> None:
    values = cluster.values("argocd")
    behind = "traefik" in cluster.answers["components"]
    assert values["configs"]["params"]["server.insecure"] == ("true" if behind else "false")
    assert values["global"]["domain"] == (f"argocd.{cluster.answers['domain']}" if behind else "localhost:8080")


def test_traefik_listens_where_its_profile_sends_the_traffic(ingress: Cluster) -> None:
    values = ingress.values("traefik")
    web, websecure = values["ports"]["web"], values["ports"]["websecure"]
    level = ingress.of_kind("Namespace")["traefik"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    if "existing_cluster" in ingress.answers:
        assert values["service"]["spec"] == {"type": "LoadBalancer", "externalTrafficPolicy": "Local"}
        assert not {"nodePort", "hostPort", "proxyProtocol"} & (web.keys() | websecure.keys())
        assert level == "restricted"
    elif ingress.answers["profile"] == "ha":
        assert values["service"]["spec"] == {"type": "NodePort", "externalTrafficPolicy": "Local"}
        assert (web["nodePort"], websecure["nodePort"]) == (30080, 30443)
        edge = "192.168.0" if ingress.answers["edge"] != "nat" else "10.17.5"
        for port in (web, websecure):
            assert port["proxyProtocol"] == {"trustedIPs": [f"{edge}.11", f"{edge}.12"]}
        assert level == "restricted"
    else:
        assert values["service"]["spec"] == {"type": "ClusterIP"}
        assert (web["hostPort"], websecure["hostPort"]) == (80, 443)
        assert level == "privileged"


def test_traefik_has_no_budget_which_a_daemonset_does_not_take(ingress: Cluster) -> None:
    """platform.md §2.6: the budget would be Degraded, and root would never pass Traefik's wave."""
    values = ingress.values("traefik")
    assert values["deployment"]["kind"] == "DaemonSet"
    assert "podDisruptionBudget" not in values


def test_traefik_reads_no_proxy_header_where_the_load_balancers_send_none(render: Render) -> None:
    (answers,) = documents(ROOT / "examples/ha.yaml")
    root = render(dict(answers) | {"proxy_protocol": "none"}, "argocd")
    (values,) = documents(root / "platform/traefik/values.yaml")
    for port in ("web", "websecure"):
        assert "proxyProtocol" not in values["ports"][port]
        assert "nodePort" in values["ports"][port]


def test_every_route_is_answered_with_one_certificate(ingress: Cluster) -> None:
    """A route names none, and Traefik asks nobody for one: it keeps nothing, and each pod is like the others."""
    values = ingress.values("traefik")
    assert not {"tlsStore", "certificatesResolvers", "persistence"} & set(values)
    (store,) = ingress.of_kind("TLSStore").values()
    (option,) = ingress.of_kind("TLSOption").values()
    for item in (store, option):
        assert (item["metadata"]["namespace"], item["metadata"]["name"]) == ("traefik", "default")
    assert values["providers"]["kubernetesCRD"]["defaultTLSResourcesNamespace"] == "traefik"
    assert option["spec"] == {"minVersion": "VersionTLS13"}
    secret = store["spec"]["defaultCertificate"]["secretName"]
    certificates = list(ingress.of_kind("Certificate").values())
    if "cert-manager" in ingress.answers["components"]:
        (certificate,) = certificates
        domain, public = ingress.answers["domain"], ingress.answers["exposure"] == "public"
        assert certificate["metadata"]["namespace"] == "traefik"
        assert certificate["spec"]["secretName"] == secret
        assert certificate["spec"]["dnsNames"] == [domain, f"*.{domain}"]
        issuer = {"kind": "ClusterIssuer", "name": "letsencrypt" if public else "internal-ca"}
        assert certificate["spec"]["issuerRef"] == issuer
    else:
        assert certificates == []
        assert f"traefik/{secret}" in {f"{item['namespace']}/{item['name']}" for item in ingress.catalogue["secrets"]}
    for route in ingress.of_kind("IngressRoute").values():
        assert route["spec"]["entryPoints"] == ["websecure"]
        assert "tls" not in route["spec"]


def test_each_machine_behind_the_load_balancers_has_a_pod(ingress: Cluster) -> None:
    """A machine without one would be a backend that never answers. A budget of a DaemonSet is refused, for ever."""
    values = ingress.values("traefik")
    assert values["deployment"] == {"kind": "DaemonSet"}
    assert "podDisruptionBudget" not in values
    assert values["updateStrategy"] == {"rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}
    assert values["priorityClassName"] == "system-cluster-critical"
    for port in ("web", "websecure"):
        life_cycle = values["ports"][port].get("transport", {}).get("lifeCycle")
        balanced = ingress.answers["profile"] == "ha"
        assert life_cycle == ({"requestAcceptGraceTimeout": "15s"} if balanced else None)


def test_traefiks_own_port_is_closed_to_other_pods(ingress: Cluster) -> None:
    (policy,) = (item["spec"] for item in ingress.within("traefik", "NetworkPolicy").values())
    assert policy["podSelector"] == {}
    assert policy["ingress"][0] == {"ports": [{"port": "web"}, {"port": "websecure"}]}
    assert all(rule["ports"] == [{"port": "metrics"}] and "from" in rule for rule in policy["ingress"][1:])


def test_the_dashboard_asks_for_a_password_and_only_traefiks_namespace_may_show_it(ingress: Cluster) -> None:
    values = ingress.values("traefik")
    assert values["providers"]["kubernetesCRD"]["crossProviderNamespaces"] == ["traefik"]
    assert values["ingressRoute"]["dashboard"]["enabled"] is False
    dashboard = ingress.of_kind("IngressRoute")["traefik"]
    (rule,) = dashboard["spec"]["routes"]
    middleware = ingress.of_kind("Middleware")[rule["middlewares"][-1]["name"]]
    assert middleware["metadata"]["namespace"] == dashboard["metadata"]["namespace"] == "traefik"
    assert middleware["spec"]["basicAuth"]["secret"] == "traefik-dashboard-auth"


def test_the_readme_says_of_each_component_in_its_turn_what_shows_that_it_works(cluster: Cluster) -> None:
    text = (cluster.argocd / "README.md").read_text()
    shown = re.findall(r"^\| (\S+) \| `(kubectl .*)` \| \S.* \|$", text, re.MULTILINE)
    turns = sorted(cluster.applications, key=lambda row: row["wave"])
    expected = [(row["name"], row["seen"]["command"]) for row in turns]
    assert shown[: len(expected)] == expected
    assert [name for name, _ in shown[len(expected) :]] == [
        row["name"] for row in cluster.rows if "environments" in row for _ in row["environments"]
    ]
    for row in turns:
        named = re.findall(r"--namespace (\S+)", row["seen"]["command"])
        assert named in ([], [row["namespace"]])


def test_the_readme_names_only_files_that_are_there(cluster: Cluster) -> None:
    for readme in [cluster.argocd / "README.md", cluster.apps / "README.md"]:
        for target in re.findall(r"\]\((?![a-z]+:)([^)#]+)\)", readme.read_text()):
            assert (readme.parent / target).exists(), target
    text = (cluster.argocd / "README.md").read_text()
    for path in re.findall(r"(?:--values|-f) ([a-z./-]+)", text):
        # The sealed manifests come with `fmc seal`; a dash is what comes through a pipe.
        assert (cluster.argocd / path).exists() or path in ("secrets/argocd/", "-"), path
