"""Restarts of nodes: kured's values, each trap a test, and nothing besides that restarts a node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from generator.secrets.catalogue.read import read_catalogue
from generator.secrets.restart_marks import ANNOTATION
from generator.secrets.vault.lineage import PENDING
from tests.template.argocd_tree import HA, Cluster, documents, wave
from tests.template.infra_tree import files

if TYPE_CHECKING:
    from pathlib import Path

    from tests.template.conftest import Render

CHOSEN = HA | {"components": ["kured"], "timezone": "Europe/Madrid"}


def argocd_of(render: Render, **changes: Any) -> Cluster:
    answers = CHOSEN | changes
    root = render(answers, "argocd")
    return Cluster(answers, root, root, {})


@pytest.fixture(scope="module")
def kured(render: Render) -> Cluster:
    return argocd_of(render)


@pytest.fixture(scope="module")
def infra(render: Render) -> Path:
    return render(CHOSEN, "infra")


# -- values ------------------------------------------------------------------------------------------------------------


def test_one_stuck_pod_does_not_stop_updates_for_ever(kured: Cluster) -> None:
    settings = kured.values("kured")["configuration"]
    assert settings["drainTimeout"] == "30m"
    assert settings["lockTtl"] == "2h"
    # It is an argument: a number of seconds, as text.
    assert settings["skipWaitForDeleteTimeout"] == "60"
    assert "forceReboot" not in settings


def test_one_node_after_the_other(kured: Cluster) -> None:
    settings = kured.values("kured")["configuration"]
    # Absent: one, by default.
    assert "concurrency" not in settings
    assert settings["lockReleaseDelay"] == "5m"


def test_at_night_in_the_clusters_time_zone(kured: Cluster) -> None:
    settings = kured.values("kured")["configuration"]
    assert (settings["timeZone"], settings["startTime"], settings["endTime"]) == ("Europe/Madrid", "02:00", "05:00")
    assert settings["rebootDays"] == ["mo", "tu", "we", "th"]


def test_or_when_the_answers_say(render: Render) -> None:
    values = argocd_of(render, kured={"start": "12:00", "end": "13:30", "days": ["sa"]}).values("kured")
    settings = values["configuration"]
    assert (settings["startTime"], settings["endTime"], settings["rebootDays"]) == ("12:00", "13:30", ["sa"])


def test_servers_are_restarted_as_well(kured: Cluster, infra: Path) -> None:
    (plan,) = documents(infra / "plan.json")
    tolerated = {(one["key"], one["effect"]) for one in kured.values("kured")["tolerations"]}
    assert {tuple(taint.split(":")) for taint in plan["k3s"]["taints"]} == tolerated


def test_no_alert_is_asked_where_there_is_no_prometheus(kured: Cluster) -> None:
    values = kured.values("kured")
    assert not {"prometheusUrl", "alertFilterRegexp", "alertFiringOnly"} & set(values["configuration"])
    assert "metrics" not in values
    (policy,) = documents(kured.argocd / "platform/kured/manifests/network-policy.yaml")
    assert policy["spec"] == {"podSelector": {}, "policyTypes": ["Ingress"]}


def test_where_there_is_one_only_alerts_about_health_hold_restarts_back(render: Render) -> None:
    watched = argocd_of(render, components=["kured", "monitoring"])
    values = watched.values("kured")
    settings = values["configuration"]
    assert settings["prometheusUrl"] == "http://prometheus-operated.monitoring.svc:9090"
    assert settings["alertFiringOnly"] is True
    # It would wait for an alert that says that a restart is due.
    assert {"RebootRequired", "Watchdog"} <= set(settings["alertFilterRegexp"].strip("^()$").split("|"))
    assert values["metrics"] == {"create": True}
    # Without an answer it restarts nothing, and that namespace lets nobody in by itself.
    (rule,) = watched.of_kind("NetworkPolicy")["from-kured"]["spec"]["ingress"]
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kured"}}}]
    assert rule["ports"] == [{"port": 9090}]
    (back,) = watched.of_kind("NetworkPolicy")["kured"]["spec"]["ingress"]
    assert back["ports"] == [{"port": 8080}]


def test_the_url_of_notifications_stands_in_a_secret_alone(kured: Cluster, render: Render) -> None:
    told = argocd_of(render, kured={"notify": "shoutrrr"})
    values = told.values("kured")
    assert "notifyUrl" not in values["configuration"]
    assert values["extraEnvVars"] == [
        {
            "name": "KURED_NOTIFY_URL",
            "valueFrom": {"secretKeyRef": {"name": "kured-notify", "key": "url", "optional": True}},
        },
        {
            "name": "NOTIFY_REVISION",
            "valueFrom": {
                "secretKeyRef": {"name": "kured-notify", "key": f"kured-notify.{PENDING}", "optional": True},
            },
        },
    ]
    assert values["podAnnotations"] == {ANNOTATION: f"kured/kured-notify={PENDING}"}
    (entry,) = (secret for secret in read_catalogue(told.argocd).secrets if secret.namespace == "kured")
    assert (entry.name, list(entry.data)) == ("kured-notify", ["url"])
    assert "extraEnvVars" not in kured.values("kured")
    assert not [secret for secret in read_catalogue(kured.argocd).secrets if secret.namespace == "kured"]


def test_it_comes_after_all_that_a_drain_needs(kured: Cluster) -> None:
    # The limits of the apps' namespaces are nothing that a drain would wait for.
    applications = [item for name, item in kured.of_kind("Application").items() if name != "limits"]
    last = max(int(wave(application) or 0) for application in applications)
    assert wave(kured.of_kind("Application")["kured"]) == str(last)


# -- nothing else restarts a node --------------------------------------------------------------------------------------


def tasks(root: Path) -> dict[str, dict[str, Any]]:
    (found,) = documents(root / "ansible/roles/node_restarts/tasks/main.yml")
    return {task["name"]: dict(task) for task in found}


def test_flatcars_own_restarts_are_off_from_the_first_boot(infra: Path) -> None:
    butane = (infra / "terraform/butane/node.yaml.tftpl").read_text()
    assert "    - name: locksmithd.service\n      mask: true\n" in butane
    task = tasks(infra)["Keep locksmithd off"]
    assert task["ansible.builtin.systemd_service"] == {"name": "locksmithd", "masked": True, "state": "stopped"}
    assert task["when"] == "'flatcar' in group_names"


def test_packages_that_update_by_themselves_do_not_restart(infra: Path) -> None:
    apt = (infra / "ansible/roles/node_restarts/files/52-restarts").read_text()
    assert 'Unattended-Upgrade::Automatic-Reboot "false";' in apt.splitlines()
    dnf = tasks(infra)["Let dnf-automatic install and not restart"]["ansible.builtin.lineinfile"]
    assert dnf["line"] == "reboot = never"


def test_the_file_that_kured_waits_for_is_the_one_that_systems_make(kured: Cluster, infra: Path) -> None:
    sentinel = kured.values("kured")["configuration"]["rebootSentinel"]
    assert sentinel == "/run/reboot-required"
    assert f"touch {sentinel};" in (infra / "ansible/roles/node_restarts/files/restart-due.service").read_text()


def test_the_nodes_are_told_before_k3s_starts_and_only_where_kured_is_chosen(infra: Path, render: Render) -> None:
    (plays,) = documents(infra / "ansible/playbooks/site.yml")
    imported = [play["ansible.builtin.import_playbook"] for play in plays]
    assert imported.index("restarts.yml") < imported.index("k3s.yml")
    (play,) = documents(infra / "ansible/playbooks/restarts.yml")[0]
    assert (play["hosts"], play["roles"]) == ("k3s_servers:k3s_agents", [{"role": "node_restarts"}])
    bare = render(HA | {"components": []}, "infra")
    assert [path for path in files(bare) if "kured" in path.read_text() or "restarts" in path.name] == []
