"""Monitoring: each trap that was found with the real charts is avoided by the rendered values and manifests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from generator.secrets.restart_marks import ANNOTATION
from generator.secrets.vault.lineage import INITIAL
from tests.template.argocd_tree import CLUSTERS, HA, SINGLE, Cluster, Manifest, documents, render_cluster, wave
from tests.template.components import read_table
from tests.template.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.template.conftest import Render

STACK = "kube-prometheus-stack"
MONITORED = [name for name, (answers, _) in CLUSTERS.items() if "monitoring" in answers["components"]]
# The release of the Prometheus operator in each chart: appVersion in its Chart.yaml.
OPERATOR = {("prometheus-operator-crds", "31.0.1"): "0.93.1", ("kube-prometheus-stack", "88.5.3"): "0.93.1"}
# The port of each Prometheus job of the plan's targets.
JOBS = {
    "node-exporter": "node_metrics",
    "kube-etcd": "etcd_metrics",
    "dns-servers": "dns_metrics",
    "haproxy": "haproxy_metrics",
}


@pytest.fixture(scope="module", params=MONITORED)
def cluster(request: pytest.FixtureRequest, render: Render) -> Cluster:
    return render_cluster(render, request.param)


@pytest.fixture(scope="module")
def values(cluster: Cluster) -> dict[str, Any]:
    return cluster.values(STACK)


def keys(value: object) -> set[str]:
    """Return every key of nested mappings."""
    if isinstance(value, dict):
        return set(value).union(*(keys(item) for item in value.values()))
    return set().union(*(keys(item) for item in value)) if isinstance(value, list) else set()


def own(cluster: Cluster, kind: str) -> dict[str, Manifest]:
    """Return the objects of a kind in the namespace monitoring, by name."""
    return cluster.within("monitoring", kind)


def plan_of(render: Render, answers: dict[str, Any]) -> dict[str, Any]:
    plan: dict[str, Any] = json.loads((render(answers, "infra") / "plan.json").read_text())
    return plan


# -- the definitions ---------------------------------------------------------------------------------------------------


def test_both_charts_are_of_one_release_of_the_operator() -> None:
    """platform.md §4: the definitions and the operator that reads them come from two charts."""
    rows = {row["chart"]: row["version"] for row in read_table(ROOT) if row["choice"] == "monitoring"}
    assert len({OPERATOR[chart, rows[chart]] for chart in ("prometheus-operator-crds", STACK)}) == 1


def test_the_definitions_outlive_their_chart_and_their_application(cluster: Cluster) -> None:
    """platform.md §4: who loses them loses every monitor."""
    annotations = cluster.values("monitoring-crds")["crds"]["annotations"]
    assert annotations == {"argocd.argoproj.io/sync-options": "Prune=false"}
    application = cluster.of_kind("Application")["monitoring-crds"]
    assert "finalizers" not in application["metadata"]
    assert application["metadata"]["annotations"]["argocd.argoproj.io/sync-options"] == "Prune=confirm,Delete=confirm"
    assert "ServerSideApply=true" in application["spec"]["syncPolicy"]["syncOptions"]


def test_the_definitions_come_before_everything_with_a_monitor_and_after_argocd(cluster: Cluster) -> None:
    """platform.md §2.4: charts with monitors fail without them; argocd's settings decide how they are judged."""
    waves = {name: int(wave(item) or 0) for name, item in cluster.of_kind("Application").items() if name != "root"}
    crds = waves.pop("monitoring-crds")
    assert waves.pop("argocd") < crds < min(waves.values())


def test_the_chart_does_not_bring_the_definitions_again(values: dict[str, Any]) -> None:
    assert values["crds"] == {"enabled": False}


# -- K3s ---------------------------------------------------------------------------------------------------------------


def test_no_endpoints_are_rendered_which_argocd_would_leave_out(values: dict[str, Any]) -> None:
    """platform.md §2.1: the alerts on them would fire for ever."""
    assert "endpoints" not in keys(values)
    off = {"enabled": False}
    # Without a target of ours its alerts would fire, too, so that there are none.
    assert values["kubeEtcd"] in ({"service": off, "serviceMonitor": off}, off)


def test_what_k3s_runs_inside_of_one_process_is_not_waited_for(values: dict[str, Any]) -> None:
    for part in ("kubeControllerManager", "kubeScheduler", "kubeProxy"):
        assert values[part] == {"enabled": False}


def test_series_that_k3s_repeats_are_dropped_and_the_charts_own_are_still(values: dict[str, Any]) -> None:
    """platform.md §5.6: a list replaces the chart's."""
    servers, chart = values["kubelet"]["serviceMonitor"]["metricRelabelings"]
    assert (servers["sourceLabels"], servers["action"]) == (["__name__"], "drop")
    assert servers["regex"].startswith("(apiserver|")
    assert (chart["sourceLabels"], chart["action"]) == (["__name__", "le"], "drop")
    assert chart["regex"].startswith("(csi_operations|")


def test_no_hook_and_no_certificate_of_the_operator_is_made(values: dict[str, Any]) -> None:
    operator = values["prometheusOperator"]
    assert operator["admissionWebhooks"] == operator["tls"] == {"enabled": False}


# -- Prometheus --------------------------------------------------------------------------------------------------------


def test_monitors_of_everybody_count(values: dict[str, Any]) -> None:
    spec = values["prometheus"]["prometheusSpec"]
    selectors = {key: value for key, value in spec.items() if key.endswith("SelectorNilUsesHelmValues")}
    assert selectors == {
        f"{kind}SelectorNilUsesHelmValues": False
        for kind in ("serviceMonitor", "podMonitor", "rule", "probe", "scrapeConfig")
    }


def test_names_are_not_cut(values: dict[str, Any]) -> None:
    assert values["fullnameOverride"] == "kps"
    assert values["cleanPrometheusOperatorObjectNames"] is True


def test_storage_follows_the_profile_and_is_filled_to_four_fifths(cluster: Cluster, values: dict[str, Any]) -> None:
    spec = values["prometheus"]["prometheusSpec"]
    ha = cluster.answers["profile"] == "ha"
    claim = spec["storageSpec"]["volumeClaimTemplate"]["spec"]
    size = int(claim["resources"]["requests"]["storage"].removesuffix("Gi"))
    assert int(spec["retentionSize"].removesuffix("GB")) == size * 4 / 5
    assert (size, spec["retention"]) == ((20, "15d") if ha else (10, "7d"))
    assert spec["resources"]["requests"]["memory"] == ("1024Mi" if ha else "512Mi")
    alerts = values["alertmanager"]["alertmanagerSpec"]["storage"]["volumeClaimTemplate"]["spec"]
    assert claim["storageClassName"] == alerts["storageClassName"] == storage_class(cluster)


def storage_class(cluster: Cluster) -> str:
    names = {row["name"] for row in cluster.rows}
    return next(
        (name for row, name in (("longhorn", "longhorn"), ("csi-driver-nfs", "nfs")) if row in names), "local-path"
    )


def test_addresses_are_those_of_the_ingress(cluster: Cluster, values: dict[str, Any]) -> None:
    domain = cluster.answers["domain"]
    assert values["prometheus"]["prometheusSpec"]["externalUrl"] == f"https://prometheus.{domain}"
    assert values["alertmanager"]["alertmanagerSpec"]["externalUrl"] == f"https://alertmanager.{domain}"
    assert values["grafana"]["grafana.ini"]["server"] == {"root_url": f"https://grafana.{domain}"}


def test_without_an_ingress_there_is_no_route_and_no_password_for_one(render: Render) -> None:
    root = render(HA | {"components": ["monitoring"]}, "argocd")
    (values,) = documents(root / f"platform/{STACK}/values.yaml")
    assert not keys(values) & {"externalUrl", "root_url"}
    assert not (root / f"platform/{STACK}/manifests/routes.yaml").exists()
    assert "prometheus-auth" not in (root / "secrets/catalogue.yaml").read_text()
    assert "traefik" not in (root / f"platform/{STACK}/manifests/network-policies.yaml").read_text()


# -- targets -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answers", [HA, SINGLE], ids=["ha", "single"])
def test_all_targets_of_the_plan_are_asked_by_address_under_the_machines_name(
    render: Render, answers: dict[str, Any]
) -> None:
    plan = plan_of(render, answers)
    root = render(answers, "argocd")
    asked = set()
    for item in documents(root / f"platform/{STACK}/manifests/scrape-configs.yaml"):
        spec = item["spec"]
        assert spec["jobName"] == item["metadata"]["name"]
        for group in spec["staticConfigs"]:
            (target,) = group["targets"]
            asked.add((plan["ports"][JOBS[spec["jobName"]]]["job"], group["labels"]["instance"], target))
    assert asked == {(row["job"], row["name"], f"{row['address']}:{row['port']}") for row in plan["targets"]}
    jobs = {row["job"] for row in plan["ports"].values() if "job" in row}
    assert {job for job, _, _ in asked} == jobs - (set() if plan["vips"] else {"haproxy"})


def test_the_monitors_of_the_bootstrap_lie_with_monitoring(cluster: Cluster) -> None:
    """platform.md §2.4, §5.10: the charts of argocd and sealed-secrets meet a cluster that knows no monitors."""
    for component in ("argocd", "sealed-secrets"):
        assert not keys(cluster.values(component)) & {"serviceMonitor", "rules"}
    assert set(own(cluster, "PodMonitor")) == {"argocd", "traefik"}
    assert set(own(cluster, "ServiceMonitor")) == {"sealed-secrets"}
    for item in (own(cluster, "PodMonitor") | own(cluster, "ServiceMonitor")).values():
        assert item["spec"]["namespaceSelector"]["matchNames"]
        assert item["spec"]["jobLabel"] == "app.kubernetes.io/name"


def test_every_host_of_the_ingress_is_probed(cluster: Cluster) -> None:
    hosts = [
        service
        for row in cluster.rows
        for service in (row["environments"].values() if "environments" in row else row["hosts"])
    ]
    probe = own(cluster, "Probe")["services"]["spec"]
    domain = cluster.answers["domain"]
    assert probe["targets"]["staticConfig"]["static"] == [f"https://{host}.{domain}" for host in hosts]


def test_probes_use_modules_that_are_there(cluster: Cluster) -> None:
    modules = cluster.values("prometheus-blackbox-exporter")["config"]["modules"]
    probes = own(cluster, "Probe")
    assert {item["spec"]["module"] for item in probes.values()} == set(modules)
    for item in probes.values():
        assert item["spec"]["prober"]["url"] == "blackbox-exporter.monitoring.svc:9115"
    verified = "tls_config" not in modules["https"]["http"]
    assert verified is (cluster.answers["exposure"] == "public")


def test_the_name_servers_and_the_api_are_probed_where_the_plan_has_them(render: Render) -> None:
    plan = plan_of(render, HA)
    probes = documents(render(HA, "argocd") / "platform/prometheus-blackbox-exporter/manifests/probes.yaml")
    static = {item["metadata"]["name"]: item["spec"]["targets"]["staticConfig"]["static"] for item in probes}
    assert static["dns"] == plan["dns"]["servers"]
    assert static["api"] == [f"https://{plan['api']['address']}:6443/readyz"]


# -- rights and policies -----------------------------------------------------------------------------------------------


def test_the_namespace_is_restricted_since_the_exporter_of_the_nodes_lies_elsewhere(
    cluster: Cluster, values: dict[str, Any]
) -> None:
    """platform.md §2.10."""
    labels = cluster.of_kind("Namespace")["monitoring"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert values["prometheus-node-exporter"]["namespaceOverride"] == "kube-system"
    blackbox = cluster.values("prometheus-blackbox-exporter")
    assert blackbox["podSecurityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}}


def test_nobody_reads_all_secrets_of_the_cluster(values: dict[str, Any]) -> None:
    """By default Grafana's pods and kube-state-metrics may."""
    assert values["grafana"]["rbac"] == {"namespaced": True}
    assert values["grafana"]["sidecar"]["dashboards"]["searchNamespace"] == "monitoring"
    assert values["kube-state-metrics"]["collectorsExclude"] == ["secrets"]


def test_grafana_and_its_sidecars_wait_for_the_password_that_they_restart_with(values: dict[str, Any]) -> None:
    """grafana#49055: a sidecar that logs in with another password than Grafana's locks the admin out."""
    grafana = values["grafana"]
    assert grafana["podAnnotations"] == {ANNOTATION: f"monitoring/grafana-admin={INITIAL}"}
    reference = {"name": "grafana-admin", "key": f"grafana-admin.{INITIAL}"}
    for container in (grafana, grafana["sidecar"]["dashboards"], grafana["sidecar"]["datasources"]):
        assert container["envValueFrom"] == {"ADMIN_REVISION": {"secretKeyRef": reference}}


def test_grafana_has_no_volume_that_keeps_the_first_password_and_no_random_one(values: dict[str, Any]) -> None:
    """platform.md §3, §5.6."""
    assert values["grafana"]["admin"] == {"existingSecret": "grafana-admin"}
    assert values["grafana"]["persistence"] == {"enabled": False}
    assert values["grafana"]["testFramework"] == {"enabled": False}


def test_alertmanager_gets_no_empty_route_from_the_chart(values: dict[str, Any]) -> None:
    spec = values["alertmanager"]["alertmanagerSpec"]
    assert (spec["useExistingSecret"], spec["configSecret"]) == (True, "alertmanager-config")


def test_prometheus_and_alertmanager_ask_for_a_password_at_the_ingress(cluster: Cluster) -> None:
    routes, middlewares = own(cluster, "IngressRoute"), own(cluster, "Middleware")
    assert set(routes) == {"grafana", "prometheus", "alertmanager"}
    for name in ("prometheus", "alertmanager"):
        (rule,) = routes[name]["spec"]["routes"]
        used = [middlewares[one["name"]]["spec"] for one in rule["middlewares"]]
        assert [spec["basicAuth"]["secret"] for spec in used if "basicAuth" in spec] == ["prometheus-auth"]


def test_a_namespace_is_closed_and_opened_for_those_who_need_it(cluster: Cluster) -> None:
    policies = own(cluster, "NetworkPolicy")
    assert policies["default-deny"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress"]}
    opened = {name: item["spec"] for name, item in policies.items() if name != "default-deny"}
    kured = {"from-kured"} if "kured" in cluster.answers["components"] else set()
    assert set(opened) == {"from-prometheus", "from-grafana", "from-traefik"} | kured
    for spec in opened.values():
        (rule,) = spec["ingress"]
        (peer,) = rule["from"]
        assert all(selector["matchLabels"] for selector in peer.values())


def test_prometheus_reaches_the_metrics_of_sealed_secrets_behind_its_own_policy(cluster: Cluster) -> None:
    """platform.md §5.10."""
    policies = [item["spec"] for _, item in cluster.manifests() if item["kind"] == "NetworkPolicy"]
    selector = {
        "matchLabels": {"app.kubernetes.io/name": "sealed-secrets", "app.kubernetes.io/instance": "sealed-secrets"}
    }
    closed, opened = sorted((spec for spec in policies if spec["podSelector"] == selector), key=len)
    assert "ingress" not in closed
    (rule,) = opened["ingress"]
    assert rule["ports"] == [{"port": 8081}]
    (peer,) = rule["from"]
    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "monitoring"}


# -- alerts ------------------------------------------------------------------------------------------------------------


ALERTS: dict[str, dict[str, Any]] = {
    "nobody": {},
    "webhook": {"receiver": "webhook"},
    "email": {"receiver": "email", "server": "smtp.example.com:587", "from": "alerts@example.com", "user": "alerts"},
}


def alertmanager_secret(root: Path) -> dict[str, Any]:
    (catalogue,) = documents(root / "secrets/catalogue.yaml")
    (secret,) = [item for item in catalogue["secrets"] if item["name"] == "alertmanager-config"]
    return dict(secret)


@pytest.mark.parametrize("name", ALERTS)
def test_alerts_go_to_whom_the_answer_names_and_what_is_secret_is_a_file_beside(
    render: Render, tmp_path: Path, name: str
) -> None:
    secret = alertmanager_secret(render(HA | {"alerts": ALERTS[name]}, "argocd"))
    path = tmp_path / "alertmanager.yaml"
    path.write_text(secret["data"]["alertmanager.yaml"]["text"])
    (config,) = documents(path)
    receivers = {item.pop("name"): item for item in config["receivers"]}
    assert receivers.pop("nobody") == {}
    assert config["route"]["receiver"] == ("people" if receivers else "nobody")
    folder = "/etc/alertmanager/config"
    expected: dict[str, Any] = {
        "nobody": {},
        "webhook": {"people": {"webhook_configs": [{"url_file": f"{folder}/url"}]}},
        "email": {
            "people": {
                "email_configs": [
                    {
                        "to": "ops@example.com",
                        "from": "alerts@example.com",
                        "smarthost": "smtp.example.com:587",
                        "auth_username": "alerts",
                        "auth_password_file": f"{folder}/password",
                        "send_resolved": True,
                    }
                ]
            }
        },
    }
    assert receivers == expected[name]
    # The key of the Secret is the file's name, and its value is the one that is asked for.
    keys_of_values = {key: item["from"] for key, item in secret["data"].items() if "from" in item}
    assert keys_of_values == {value: value for value in secret.get("values", {})}
    assert all(item["generator"] == "external" for item in secret.get("values", {}).values())
    for key in keys_of_values:
        assert f"{folder}/{key}" in path.read_text()
