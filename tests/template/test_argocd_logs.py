"""VictoriaLogs and its collector as they are rendered: each trap of their charts is a test."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.template.argocd_tree import CLUSTERS, HA, Cluster, Manifest, documents, render_cluster

if TYPE_CHECKING:
    from tests.template.conftest import Render

SERVER, COLLECTOR = "victoria-logs-single", "victoria-logs-collector"
URL = "http://victoria-logs.logging.svc:9428"


@pytest.fixture(scope="module", params=[name for name in CLUSTERS if "logs" in CLUSTERS[name][0]["components"]])
def cluster(request: pytest.FixtureRequest, render: Render) -> Cluster:
    return render_cluster(render, request.param)


def monitored(cluster: Cluster) -> bool:
    return "monitoring" in cluster.answers["components"]


def gibibytes(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(GiB|Gi)", text).groups()  # type: ignore[union-attr]
    assert unit
    return int(number)


def test_old_logs_go_before_the_volume_is_full(cluster: Cluster) -> None:
    server = cluster.values(SERVER)["server"]
    assert server["retentionPeriod"] == "14d"
    assert gibibytes(server["retentionDiskSpaceUsage"]) <= 0.8 * gibibytes(server["persistentVolume"]["size"])
    assert server["persistentVolume"]["storageClassName"]


def test_the_server_has_the_name_that_the_others_call(cluster: Cluster) -> None:
    """By default it is called after its release and its part."""
    assert cluster.values(SERVER)["server"]["fullnameOverride"] == "victoria-logs"
    assert cluster.values(COLLECTOR)["remoteWrite"] == [{"url": URL}]
    assert cluster.of_kind("Application")[SERVER]["spec"]["destination"]["namespace"] == "logging"


def test_the_namespace_is_restricted_with_the_collector_elsewhere(cluster: Cluster) -> None:
    """The chart leaves the profile of system calls out, and the collector mounts a folder of its node."""
    labels = cluster.of_kind("Namespace")["logging"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert cluster.values(SERVER)["server"]["podSecurityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert cluster.of_kind("Application")[COLLECTOR]["spec"]["destination"]["namespace"] == "kube-system"


def test_the_collector_sees_the_logs_and_nothing_else_of_its_node(cluster: Cluster) -> None:
    """By default all of /var/lib is mounted, too: the kubelet's Secrets, and etcd."""
    values = cluster.values(COLLECTOR)
    assert values["defaultVolumes"] == [{"name": "varlog", "hostPath": {"path": "/var/log"}}]
    assert values["defaultVolumeMounts"] == [{"name": "varlog", "mountPath": "/var/log", "readOnly": True}]
    assert values["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_collector_runs_on_masters_too(cluster: Cluster) -> None:
    assert cluster.values(COLLECTOR)["tolerations"] == [{"operator": "Exists"}]


def test_what_needs_the_kinds_of_monitoring_is_there_with_it_alone(cluster: Cluster) -> None:
    """platform.md 2.4: these charts render monitors blindly, and the sync fails where nobody knows the kind."""
    server, collector = cluster.values(SERVER)["server"], cluster.values(COLLECTOR)
    assert ("serviceMonitor" in server, "podMonitor" in collector) == (monitored(cluster), monitored(cluster))
    sources = [item for item in cluster.of_kind("ConfigMap").values() if "grafana_datasource" in labels(item)]
    assert len([item for item in sources if item["metadata"]["name"] == "victoria-logs-datasource"]) == monitored(
        cluster
    )


def test_grafana_gets_the_plugin_of_its_data_source_and_starts_without_it(cluster: Cluster) -> None:
    """With the chart's `plugins` it would wait for the download, and end without a way to the Internet."""
    assert monitored(cluster)
    grafana = cluster.values("kube-prometheus-stack")["grafana"]
    (source,) = [item for item in cluster.of_kind("ConfigMap").values() if "grafana_datasource" in labels(item)]
    (text,) = source["data"].values()
    (kind,) = re.findall(r"type: (\S+)", text)
    assert re.fullmatch(rf"{kind}@\d+\.\d+\.\d+", grafana["env"]["GF_PLUGINS_PREINSTALL"])
    assert "plugins" not in grafana
    assert URL in text


def labels(item: Manifest) -> dict[str, str]:
    return dict(item["metadata"].get("labels", {}))


def policies(cluster: Cluster) -> dict[tuple[str, str], dict[str, Any]]:
    found = [item for path, item in cluster.manifests() if item["kind"] == "NetworkPolicy" and "victoria" in str(path)]
    return {(item["metadata"]["namespace"], item["metadata"]["name"]): dict(item["spec"]) for item in found}


def peers(rules: list[dict[str, Any]], direction: str) -> set[tuple[str, str]]:
    """Return namespace and labels of the pods that rules speak of."""
    return {
        (
            peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"],
            ",".join(peer.get("podSelector", {}).get("matchLabels", {}).values()),
        )
        for rule in rules
        for peer in rule[direction]
        if "namespaceSelector" in peer
    }


def test_the_logs_are_reached_by_those_who_need_them(cluster: Cluster) -> None:
    """VictoriaLogs has no users: who reaches its port reads, writes and deletes."""
    found = policies(cluster)
    assert found["logging", "default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    server = found["logging", "victoria-logs"]
    expected = {("kube-system", COLLECTOR), ("traefik", "")}
    if monitored(cluster):
        expected |= {("monitoring", "grafana"), ("monitoring", "prometheus")}
    assert peers(server["ingress"], "from") == expected
    assert "egress" not in server
    collector = found["kube-system", COLLECTOR]
    assert peers(collector["egress"], "to") == {("kube-system", "kube-dns"), ("logging", SERVER)}
    assert ("ingress" in collector) is monitored(cluster)
    assert collector["policyTypes"] == ["Ingress", "Egress"]


def test_the_pages_ask_for_a_password(cluster: Cluster) -> None:
    (route,) = [item for item in cluster.of_kind("IngressRoute").values() if item["metadata"]["namespace"] == "logging"]
    (rule,) = route["spec"]["routes"]
    assert "logs-auth" in {middleware["name"] for middleware in rule["middlewares"]}


def test_logs_are_kept_where_there_is_no_ingress(render: Render) -> None:
    root = render(HA | {"components": ["logs"]}, "argocd")
    assert {path.name for path in (root / f"platform/{SERVER}/manifests").iterdir()} == {"network-policies.yaml"}
    (catalogue,) = documents(root / "secrets/catalogue.yaml")
    assert "victoria-logs-auth" not in json.dumps(catalogue)
    (_, server) = documents(root / f"platform/{SERVER}/manifests/network-policies.yaml")
    assert peers(server["spec"]["ingress"], "from") == {("kube-system", COLLECTOR)}
