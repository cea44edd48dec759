"""What Prometheus is told to ask is there: machines give their metrics where the ScrapeConfigs look for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.lab.k3s_binary import REAL
from tests.template.argocd_tree import documents
from tests.template.conftest import ROOT, rendering

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lab.hosts.lab import Lab

pytestmark = pytest.mark.usefixtures("converged")
# A series that nothing but the program itself has.
SERIES = {
    "node-exporter": "node_uname_info{",
    "haproxy": "haproxy_process_start_time_seconds ",
    "dns-servers": "coredns_build_info{",
    "kube-etcd": "etcd_server_has_leader ",
}
# The stand-in for K3s answers for its health there, and counts nothing.
WITHOUT_K3S = {"kube-etcd"}


@pytest.fixture(scope="module")
def scrape_configs(folder: Path) -> list[dict[str, Any]]:
    """The ScrapeConfigs of the example's cluster, with monitoring chosen."""
    (answers,) = documents(ROOT / "examples/ha.yaml")
    scratch = folder / "scrape-configs"
    scratch.mkdir()
    root = rendering(scratch)({**answers, "components": ["traefik", "monitoring"]}, "argocd")
    return documents(root / "platform/kube-prometheus-stack/manifests/scrape-configs.yaml")


def targets(configs: list[dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """Yield the job, the machine and the address of each target, as the operator of Prometheus reads them."""
    for config in configs:
        spec = config["spec"]
        assert not {"scheme", "metricsPath"} & spec.keys(), "read them here, too"
        for group in spec["staticConfigs"]:
            for address in group["targets"]:
                yield spec["jobName"], group["labels"]["instance"], address


def test_each_target_of_a_scrape_config_gives_the_metrics_of_its_job(
    lab: Lab, scrape_configs: list[dict[str, Any]], evidence: Callable[[str], None]
) -> None:
    """Prometheus is a pod: it comes from the address of the node that it runs on."""
    asker = lab.group("workers")[0]
    asked: dict[str, list[str]] = {}
    for job, machine, address in targets(scrape_configs):
        if job in WITHOUT_K3S and not REAL:
            continue
        text = asker.do("curl", "--silent", "--show-error", "--fail", f"http://{address}/metrics")
        assert any(line.startswith(SERIES[job]) for line in text.splitlines()), f"{job} on {machine}"
        asked.setdefault(job, []).append(machine)
    assert asked.keys() == SERIES.keys() - (set() if REAL else WITHOUT_K3S)
    assert set(asked["haproxy"]) == {host.name for host in lab.group("loadbalancers")}
    evidence("; ".join(f"{job}: {', '.join(machines)}" for job, machines in asked.items()))
