"""A cluster that is there already: the platform and the apps, and nothing that would be about machines of ours."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from generator.answers.load import load
from tests.template.argocd_tree import documents
from tests.template.components import choices
from tests.template.conftest import ROOT
from tests.template.infra_tree import files

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.template.conftest import Render

EXAMPLE = ROOT / "examples/existing-cluster.yaml"
# What a cluster with machines of ours has, and this one has not. K3s may be what it is made of.
FOREIGN = re.compile(
    r"\binfra\b|playbook|ansible|terraform/|hypervisor|virsh|haproxy|keepalived|plan\.json|ssh core@|machines/",
    re.IGNORECASE,
)
LAYOUTS = ("argocd", "apps", "monorepo")


def answers(**changed: Any) -> dict[str, Any]:
    """The example, some answers changed; those of `existing_cluster` one by one."""
    (given,) = documents(EXAMPLE)
    cluster = given["existing_cluster"] | changed.pop("existing_cluster", {})
    return dict(given) | {"existing_cluster": cluster} | changed


EVERYTHING = {
    "components": [choice for choice in choices(ROOT) if choice != "nfs"],
    "alerts": {"receiver": "webhook"},
    "notifications": {"receiver": "webhook"},
    "kured": {"notify": "shoutrrr"},
}
CLUSTERS: dict[str, dict[str, Any]] = {
    "as-in-the-example": answers(),
    "with-everything": answers(**EVERYTHING, ci="jenkins"),
    "public-behind-node-ports": answers(
        **EVERYTHING,
        ci="github",
        profile="single",
        exposure="public",
        existing_cluster={"entry": "node-ports", "proxies": ["203.0.113.10"], "networks": ["10.0.0.0/24"]},
    ),
    "bare": answers(components=[]),
}


@pytest.fixture(params=CLUSTERS)
def cluster(request: pytest.FixtureRequest) -> dict[str, Any]:
    return CLUSTERS[request.param]


def lines(root: Path, names: Iterable[Path]) -> list[str]:
    """Return the lines that speak of what there is not, with their place."""
    return [
        f"{path.relative_to(root)}:{number}: {line.strip()[:120]}"
        for path in names
        if path.name != ".yamllint"
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if FOREIGN.search(line)
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_file_speaks_of_machines_or_of_a_part_that_is_not_there(
    render: Render, cluster: dict[str, Any], layout: str
) -> None:
    root = render(cluster, layout)
    assert not (root / "infra").exists()
    assert lines(root, files(root)) == []


def test_a_monorepo_holds_the_other_parts(render: Render, cluster: dict[str, Any]) -> None:
    root = render(cluster, "monorepo")
    assert {"argocd", "apps"} == {path.name for path in root.iterdir() if path.is_dir()} - {"ci", ".github", ".gitea"}
    assert documents(root / ".pre-commit-config.yaml")
    assert "pip-compile" not in json.loads((root / "renovate.json").read_text())


def test_no_answer_about_machines_is_recorded(render: Render, cluster: dict[str, Any]) -> None:
    recorded = yaml.safe_load((render(cluster, "argocd") / ".copier-answers.yml").read_text())
    assert recorded["existing_cluster"] == cluster["existing_cluster"]
    assert recorded.keys() & {"machines", "edge", "ssh_public_key", "distribution", "ntp_upstream"} == set()


def test_the_plan_has_the_keys_that_it_has_with_machines() -> None:
    theirs = load(EXAMPLE, ROOT).plan_data
    ours = load(ROOT / "examples/ha.yaml", ROOT).plan_data
    assert theirs.keys() == ours.keys()
    for key in ("api", "ingress", "dns", "ntp", "groups"):
        assert theirs[key].keys() - {"url"} == ours[key].keys(), key
    assert ours["storage"].keys() == theirs["storage"].keys()
    assert set(theirs["repositories"]) == {"argocd", "apps"}


def test_an_address_as_api_server_is_its_address() -> None:
    loaded = load(ROOT / "tests/answers/valid/existing-cluster.yaml", ROOT)
    assert loaded.plan_data["api"] == {
        "host": "192.0.2.4", "address": "192.0.2.4", "url": "https://192.0.2.4/k8s/clusters/c-m-1",
    }  # fmt: skip
    assert load(EXAMPLE, ROOT).plan_data["api"]["address"] == ""


def test_metrics_are_asked_of_pods_alone(render: Render) -> None:
    root = render(CLUSTERS["with-everything"], "argocd")
    stack, blackbox = root / "platform/kube-prometheus-stack", root / "platform/prometheus-blackbox-exporter"
    assert not (stack / "manifests/scrape-configs.yaml").exists()
    probes = {item["metadata"]["name"]: item["spec"] for item in documents(blackbox / "manifests/probes.yaml")}
    assert set(probes) == {"api", "services"}
    assert probes["api"]["targets"]["staticConfig"]["static"] == ["https://k8s.example.com:6443/readyz"]
    (values,) = documents(blackbox / "values.yaml")
    assert set(values["config"]["modules"]) == {"api", "https"}
    (values,) = documents(stack / "values.yaml")
    assert values["kubeEtcd"] == {"enabled": False}
    assert values["kube-state-metrics"].keys() == {"fullnameOverride", "collectorsExclude", "resources"}


def test_alerts_and_dashboards_ask_for_what_somebody_gives(render: Render) -> None:
    root = render(CLUSTERS["with-everything"], "argocd")
    rules = documents(root / "platform/kube-prometheus-stack/manifests/rules.yaml")
    assert {"NodeSilent", "ApiSilent", "ServiceSilent"} <= {
        alert["alert"] for item in rules for group in item["spec"]["groups"] for alert in group["rules"]
    }
    boards = list((root / "platform/kube-prometheus-stack").rglob("*dashboard*"))
    assert boards
    text = "".join(path.read_text() for path in [*boards, *root.rglob("rules.yaml")] if path.is_file())
    unknown = r"kube-etcd|etcd_snapshot|dns-servers|probe-dns|node_systemd|node_network_address_info|job=.?.haproxy"
    assert re.findall(unknown, text) == []


@pytest.mark.parametrize(
    ("name", "kind", "node_port", "trusted"),
    [
        ("with-everything", "LoadBalancer", None, None),
        ("public-behind-node-ports", "NodePort", 30443, ["203.0.113.10"]),
    ],
)
def test_the_ingress_is_reached_as_the_answer_says(
    render: Render, name: str, kind: str, node_port: int | None, trusted: list[str] | None
) -> None:
    root = render(CLUSTERS[name], "argocd")
    (values,) = documents(root / "platform/traefik/values.yaml")
    assert values["service"]["spec"] == {"type": kind, "externalTrafficPolicy": "Local"}
    entry = values["ports"]["websecure"]
    assert entry.get("nodePort") == node_port
    assert entry.get("proxyProtocol", {}).get("trustedIPs") == trusted
    assert "hostPort" not in entry
    assert "affinity" not in values
    assert values["providers"]["kubernetesIngress"]["ingressEndpoint"] == {"ip": "203.0.113.7"}
    (namespace,) = documents(root / "namespaces/traefik.yaml")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_what_is_private_answers_to_the_networks_of_the_nodes(render: Render) -> None:
    root = render(CLUSTERS["public-behind-node-ports"], "argocd")
    ranges = [
        tuple(item["spec"]["ipAllowList"]["sourceRange"])
        for path in root.rglob("*.yaml")
        if "ipAllowList" in path.read_text()
        for item in documents(path)
        if "ipAllowList" in item.get("spec", {})
    ]
    assert set(ranges) == {("10.0.0.0/24", "10.244.0.0/16")}


def test_longhorn_takes_each_node_and_leaves_the_default_class_alone(render: Render) -> None:
    longhorn = answers(components=["traefik", "longhorn", "monitoring"])
    del longhorn["existing_cluster"]["storage_class"]
    root = render(longhorn, "argocd")
    (values,) = documents(root / "platform/longhorn/values.yaml")
    assert values["persistence"]["defaultClass"] is False
    assert values["persistence"]["defaultClassReplicaCount"] == 3
    assert values["defaultSettings"]["createDefaultDiskLabeledNodes"] is False
    (stack,) = documents(root / "platform/kube-prometheus-stack/values.yaml")
    claim = stack["prometheus"]["prometheusSpec"]["storageSpec"]["volumeClaimTemplate"]["spec"]
    assert claim["storageClassName"] == "longhorn"


@pytest.mark.parametrize("choice", [choice for choice in choices(ROOT) if choice != "nfs"])
def test_whoever_keeps_volumes_is_known_to(render: Render, choice: str) -> None:
    """Claims without a class wait in a cluster without a default: the answers are refused before."""
    needed = {"jenkins": ["traefik"], "hello": ["traefik"], "trust-manager": ["cert-manager"]}.get(choice, [])
    root = render(answers(components=[choice, *needed]), "argocd")
    claims = re.findall(
        r"storageClass(?:Name)?: *(\S*)", "".join(path.read_text() for path in root.glob("platform/*/values.yaml"))
    )
    keeps = choice in ("monitoring", "logs", "jenkins")
    assert set(claims) == ({"standard"} if keeps else set())


def test_the_catalogue_has_nothing_for_machines(render: Render) -> None:
    (catalogue,) = documents(render(CLUSTERS["with-everything"], "argocd") / "secrets/catalogue.yaml")
    assert "machines" not in catalogue


def test_the_readme_names_the_way_in_for_name_servers_and_load_balancers(render: Render) -> None:
    text = (render(CLUSTERS["public-behind-node-ports"], "argocd") / "README.md").read_text()
    assert "lead to 203.0.113.7" in text
    assert "forward ports 80 and 443 of that address to ports 30080 and 30443 of the nodes" in text
    assert "PROXY protocol" in text
    assert "\nbootstrap/install\n" in text


def test_what_installs_argo_cd_is_a_program_without_faults(render: Render, cluster: dict[str, Any]) -> None:
    program = render(cluster, "argocd") / "bootstrap/install"
    assert os.access(program, os.X_OK)
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run([shellcheck, program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    said = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    assert said.startswith("Hand the cluster over to Argo CD: bootstrap/install\n")
    assert "set -euo" not in said


def test_a_cluster_with_machines_has_no_such_program(render: Render) -> None:
    (ha,) = documents(ROOT / "examples/ha.yaml")
    assert [path.name for path in (render(ha, "argocd") / "bootstrap").iterdir()] == ["root.yaml"]
