"""Longhorn's values: each trap of its chart is a test, and what the plan decides stands in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from generator.secrets.catalogue.read import read_catalogue
from tests.template.argocd_tree import HA, SINGLE, Cluster, documents, wave

if TYPE_CHECKING:
    from tests.template.conftest import Render

CHOSEN = {"components": ["traefik", "longhorn"]}
S3 = {"longhorn": {"backup": "s3://backups@eu-west-1/"}}
LABEL = "node.longhorn.io/create-default-disk=true"


def argocd_of(render: Render, answers: dict[str, Any]) -> Cluster:
    root = render(answers, "argocd")
    return Cluster(answers, root, root, {})


def plan_of(render: Render, answers: dict[str, Any]) -> dict[str, Any]:
    (plan,) = documents(render(answers, "infra") / "plan.json")
    return dict(plan)


@pytest.fixture(scope="module")
def ha(render: Render) -> Cluster:
    return argocd_of(render, HA | CHOSEN)


@pytest.fixture(scope="module")
def single(render: Render) -> Cluster:
    return argocd_of(render, SINGLE | CHOSEN)


# -- disks and copies --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "nodes", "replicas"),
    [
        ({}, ["worker1", "worker2", "worker3"], 3),
        ({"counts": {"workers": 5}}, ["worker1", "worker2", "worker3", "worker4", "worker5"], 3),
        ({"nodes": [{"name": "worker2", "data_disk_gib": 0}]}, ["worker1", "worker3"], 2),
        ({"longhorn": {"replicas": 2}}, ["worker1", "worker2", "worker3"], 2),
        # Tainted masters get no Longhorn, whatever disks they have.
        ({"sizes": {"master": {"data_disk_gib": 40}}}, ["worker1", "worker2", "worker3"], 3),
    ],
)
def test_there_are_no_more_copies_than_nodes_with_a_disk(
    render: Render, changes: dict[str, Any], nodes: list[str], replicas: int
) -> None:
    plan = plan_of(render, HA | CHOSEN | changes)
    assert (plan["storage"]["longhorn"]["nodes"], plan["storage"]["longhorn"]["replicas"]) == (nodes, replicas)
    assert [name for name, labels in plan["k3s"]["labels"].items() if LABEL in labels] == nodes
    values = argocd_of(render, HA | CHOSEN | changes).values("longhorn")
    assert values["persistence"]["defaultClassReplicaCount"] == replicas
    assert values["defaultSettings"]["defaultReplicaCount"] == replicas


def test_disks_are_on_the_nodes_that_k3s_labels_and_nowhere_else(ha: Cluster) -> None:
    assert ha.values("longhorn")["defaultSettings"]["createDefaultDiskLabeledNodes"] is True


def test_no_node_has_the_label_where_longhorn_is_not_chosen(render: Render) -> None:
    plan = plan_of(render, HA | {"components": ["traefik"]})
    assert plan["storage"]["longhorn"] == {}
    assert not any(LABEL in labels for labels in plan["k3s"]["labels"].values())


def test_the_disk_is_longhorns_alone_and_lies_where_its_manager_looks(ha: Cluster, render: Render) -> None:
    """Up to 1.12 the manager mounts /var/lib/longhorn and no other folder of the node."""
    settings = ha.values("longhorn")["defaultSettings"]
    assert settings["storageReservedPercentageForDefaultDisk"] == 5
    assert "defaultDataPath" not in settings
    butane = (render(HA | CHOSEN, "infra") / "terraform/butane/data-disk.yaml").read_text()
    assert "path: /var/lib/longhorn\n" in butane


def test_what_lies_on_disks_of_a_lost_cluster_is_not_deleted(ha: Cluster) -> None:
    """To a cluster that is built anew, all of it is orphaned."""
    assert "replica-data" not in ha.values("longhorn")["defaultSettings"]["orphanResourceAutoDeletion"]


# -- traps of the chart ------------------------------------------------------------------------------------------------


def test_no_hook_runs_before_its_service_account_is_there(ha: Cluster) -> None:
    assert ha.values("longhorn")["preUpgradeChecker"] == {"jobEnabled": False}


def test_a_drain_moves_the_last_copy_instead_of_waiting_for_ever(ha: Cluster, single: Cluster) -> None:
    policy = ha.values("longhorn")["defaultSettings"]["nodeDrainPolicy"]
    assert policy == "block-for-eviction-if-contains-last-replica"
    # One node alone has nowhere to move it.
    assert single.values("longhorn")["defaultSettings"]["nodeDrainPolicy"] == "always-allow"


def test_managers_are_replaced_one_after_the_other(ha: Cluster) -> None:
    assert ha.values("longhorn")["longhornManager"]["updateStrategy"] == {"rollingUpdate": {"maxUnavailable": 1}}


def test_what_serves_volumes_asks_for_less_than_the_default(ha: Cluster) -> None:
    assert ha.values("longhorn")["defaultSettings"]["guaranteedInstanceManagerCPU"] == '{"v1":"5"}'


def test_nothing_calls_home(ha: Cluster) -> None:
    settings = ha.values("longhorn")["defaultSettings"]
    assert not settings["upgradeChecker"]
    assert not settings["allowCollectingLonghornUsageMetrics"]


def test_a_removed_application_takes_no_volume_along(ha: Cluster) -> None:
    application = ha.of_kind("Application")["longhorn"]
    assert "finalizers" not in application["metadata"]
    assert "Delete=confirm" in application["metadata"]["annotations"]["argocd.argoproj.io/sync-options"]


def test_it_comes_after_the_secrets_and_before_what_claims_volumes(ha: Cluster) -> None:
    applications = ha.of_kind("Application")
    waves = [int(wave(applications[name]) or 0) for name in ("secrets", "longhorn", "traefik")]
    assert waves == sorted(waves)
    assert len(set(waves)) == 3


# -- who reaches it ----------------------------------------------------------------------------------------------------


def policies(cluster: Cluster) -> dict[str, Any]:
    found = documents(cluster.argocd / "platform/longhorn/manifests/network-policies.yaml")
    return {item["metadata"]["name"]: item["spec"] for item in found}


def test_the_charts_own_policies_which_shut_out_csi_and_prometheus_are_off(ha: Cluster) -> None:
    assert ha.values("longhorn")["networkPolicies"] == {"restrictInternalTraffic": False}


def test_only_its_own_pods_and_traefik_reach_it(ha: Cluster) -> None:
    found = policies(ha)
    assert found["own-pods"] == {
        "podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {}}]}]
    }  # fmt: skip
    (rule,) = found["longhorn-ui"]["ingress"]
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "traefik"}}}]
    assert rule["ports"] == [{"port": 8000}]


def test_the_api_server_reaches_the_webhooks_from_its_node(ha: Cluster) -> None:
    (rule, *_) = policies(ha)["longhorn-manager"]["ingress"]
    assert rule == {"ports": [{"port": 9501}, {"port": 9502}]}


def test_nodes_mount_what_several_pods_share(ha: Cluster) -> None:
    policy = policies(ha)["shared-volumes"]
    assert policy["podSelector"] == {"matchLabels": {"longhorn.io/component": "share-manager"}}
    assert policy["ingress"] == [{"ports": [{"port": 2049}]}]


def test_prometheus_reaches_the_metrics_where_there_is_one(ha: Cluster, render: Render) -> None:
    assert "metrics" not in ha.values("longhorn")
    assert len(policies(ha)["longhorn-manager"]["ingress"]) == 1
    watched = argocd_of(render, HA | {"components": ["longhorn", "monitoring"]})
    assert watched.values("longhorn")["metrics"] == {"serviceMonitor": {"enabled": True}}
    (_, rule) = policies(watched)["longhorn-manager"]["ingress"]
    (peer,) = rule["from"]
    # Both at once: another pod of that namespace is as foreign as any.
    assert set(peer) == {"namespaceSelector", "podSelector"}
    assert rule["ports"] == [{"port": 9500}]


def test_its_pages_ask_for_a_password(ha: Cluster, render: Render) -> None:
    (middleware, route) = documents(ha.argocd / "platform/traefik/manifests/longhorn.yaml")[-2:]
    assert middleware["spec"]["basicAuth"]["secret"] == "longhorn-ui-auth"
    (rule,) = route["spec"]["routes"]
    assert rule["services"] == [{"name": "longhorn-frontend", "port": 80}]
    assert rule["middlewares"] == [{"name": middleware["metadata"]["name"]}]
    (entry,) = (one for one in read_catalogue(ha.argocd).secrets if one.id == "longhorn-system/longhorn-ui-auth")
    assert list(entry.data) == ["users"]
    bare = argocd_of(render, HA | {"components": ["longhorn"]})
    assert not (bare.argocd / "platform/traefik").exists()
    assert "longhorn-ui" not in policies(bare)
    assert "longhorn-ui-auth" not in (bare.argocd / "secrets/catalogue.yaml").read_text()


# -- backups -----------------------------------------------------------------------------------------------------------


def test_backups_go_to_the_storage_machine_by_itself(ha: Cluster) -> None:
    assert ha.values("longhorn")["defaultBackupStore"] == {"backupTarget": "nfs://10.17.4.41:/srv/nfs/backup"}
    (job,) = documents(ha.argocd / "platform/longhorn/manifests/backup.yaml")
    assert (job["spec"]["task"], job["spec"]["groups"]) == ("backup", ["default"])
    # Its webhook answers once the managers run.
    assert wave(job) == "1"


def test_backups_to_s3_have_their_key_from_the_vault(render: Render) -> None:
    cluster = argocd_of(render, HA | CHOSEN | S3)
    assert cluster.values("longhorn")["defaultBackupStore"] == {
        "backupTarget": "s3://backups@eu-west-1/",
        "backupTargetCredentialSecret": "longhorn-backup",
    }
    (entry,) = (one for one in read_catalogue(cluster.argocd).secrets if one.id == "longhorn-system/longhorn-backup")
    assert sorted(entry.data) == ["AWS_ACCESS_KEY_ID", "AWS_ENDPOINTS", "AWS_SECRET_ACCESS_KEY"]


@pytest.mark.parametrize("answers", [HA | CHOSEN | {"longhorn": {"backup": "none"}}, SINGLE | CHOSEN])
def test_without_a_place_for_them_there_are_none(render: Render, answers: dict[str, Any]) -> None:
    cluster = argocd_of(render, answers)
    assert "defaultBackupStore" not in cluster.values("longhorn")
    assert not (cluster.argocd / "platform/longhorn/manifests/backup.yaml").exists()
