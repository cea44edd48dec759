"""The bed as a whole: what runs, in which order it starts, and what state it is in."""

from __future__ import annotations

import os
from pathlib import Path

from generator.tools.command import Command
from tests.e2e.bed.api import ApiError
from tests.e2e.bed.authority import Authority
from tests.e2e.bed.chart_server import ADDRESS as CHARTS_ADDRESS
from tests.e2e.bed.chart_server import ChartServer
from tests.e2e.bed.control_plane import SERVICES, ControlPlane
from tests.e2e.bed.forge import ADDRESS as FORGE_ADDRESS
from tests.e2e.bed.forge import Forge
from tests.e2e.bed.ingress import ADDRESS as INGRESS_ADDRESS
from tests.e2e.bed.kubelet import Kubelet
from tests.e2e.bed.machine import own, raise_loopback, require_own_network, set_names, trust

# The names in examples/ha.yaml.
GIT_HOST, API_HOST, CHARTS_HOST = "git.example.com", "api.home.example.com", "charts.example.com"
ARGOCD_HOST = "argocd.home.example.com"
SETTLED = "Synced, Healthy, Succeeded"
"""How the line of an Application reads that has nothing to do."""
_SERVICES = ("argocd-redis", "argocd-repo-server", "argocd-server", "argocd-applicationset-controller")


class Bed:
    """Everything that a rollout meets: a cluster without machines, a Git server, a chart repository."""

    def __init__(self, folder: Path, tools: Path) -> None:
        """Prepare the machine; needs to be in namespaces of its own (machine.py).

        Args:
            folder: For state, files and logs.
            tools: Folder of the programs.

        Raises:
            BedError: Something of the machine could be reached from here, or is missing.
        """
        require_own_network()
        raise_loopback()
        own(SERVICES)
        self.folder = folder
        self.tools = tools
        set_names(
            {
                GIT_HOST: FORGE_ADDRESS[0],
                CHARTS_HOST: CHARTS_ADDRESS[0],
                API_HOST: "127.0.0.1",
                ARGOCD_HOST: INGRESS_ADDRESS[0],
                **dict.fromkeys(_SERVICES, "127.0.0.1"),
            },
            folder / "machine",
        )
        authority = Authority(folder / "pki", "web-ca")
        trust(authority.certificate_file, folder / "machine")
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        helm = Command(
            str(tools / "helm"), install_hint="Run `make tools`.", environment={"HOME": str(folder / "home")}
        )
        self.home = folder / "home"
        self.home.mkdir()
        self.forge = Forge(folder / "git", authority, GIT_HOST)
        self.charts = ChartServer(folder / "charts", authority, CHARTS_HOST, helm)
        self.control_plane = ControlPlane(folder, environment, tools, API_HOST)
        self.api = self.control_plane.api
        self.kubelet = Kubelet(folder, self.api, environment, tools)

    def start(self) -> None:
        """Start everything.

        Raises:
            BedError: A program is missing, can't start, or does not get ready.
        """
        self.forge.start()
        self.charts.start()
        self.control_plane.start()
        self.kubelet.start()

    def stop(self) -> None:
        """Stop everything."""
        self.kubelet.stop()
        self.control_plane.stop()
        self.charts.stop()
        self.forge.stop()

    def lose_cluster(self) -> None:
        """Replace the cluster by a fresh one, as after a fire: Git, the charts and the user's files are still there."""
        self.kubelet.stop()
        self.control_plane.lose()
        self.control_plane.start()
        self.kubelet.start()

    def memory(self) -> dict[str, float]:
        """Return the resident memory of each program, in MiB."""
        daemons = {daemon.name: daemon.memory_mib for daemon in self.control_plane.daemons.values()}
        containers = {container.called: container.memory_mib for container in self.kubelet.containers()}
        return daemons | containers

    def report(self) -> str:
        """Describe what there is, for a person who looks for the cause of a hang; what is wrong comes last."""
        try:
            applications = sorted(map(describe, self.api.objects("Application")), key=lambda line: SETTLED not in line)
        except ApiError as error:
            applications = [error.message]
        lines = [f"{each.called}: process {each.pid}" for each in self.kubelet.containers() if each.alive]
        lines += [*applications, *map(str, self.kubelet.waiting)]
        lines += [f"{name}: not running" for name, daemon in self.control_plane.daemons.items() if not daemon.alive]
        lines += [
            f"{each.called}: not running\n{each.log_tail()}" for each in self.kubelet.containers() if not each.alive
        ]
        return "\n".join(lines)


def describe(application: dict[str, object]) -> str:
    """Describe an Application in a line."""
    metadata, status = application["metadata"], application.get("status") or {}
    assert isinstance(metadata, dict)
    assert isinstance(status, dict)
    operation = status.get("operationState", {})
    words = [status.get("sync", {}).get("status"), status.get("health", {}).get("status"), operation.get("phase")]
    messages = [operation.get("message", ""), *(condition["message"] for condition in status.get("conditions", []))]
    return f"application {metadata['name']}: {', '.join(word or '-' for word in words)} {'; '.join(messages)}".rstrip()
