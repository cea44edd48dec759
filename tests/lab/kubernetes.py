"""What tests of K3s ask its machines, and how they kill a run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.hosts.host import Host
    from tests.lab.operator import Operator, Play

DATA = "/var/lib/rancher/k3s"
CONFIG = "/etc/rancher/k3s/config.yaml"


def kubectl(host: Host, *arguments: str) -> str:
    """Run kubectl on a server, which must succeed, and return what it prints."""
    return host.do("/opt/bin/k3s", "kubectl", *arguments)


def ready_nodes(host: Host) -> set[str]:
    """Return the names of the Nodes that are Ready, as a server sees them."""
    nodes = json.loads(kubectl(host, "get", "nodes", "--output=json"))["items"]
    return {
        node["metadata"]["name"]
        for node in nodes
        if any((one["type"], one["status"]) == ("Ready", "True") for one in node["status"]["conditions"])
    }


def events(host: Host) -> list[dict[str, Any]]:
    """Return what the stand-in on a host has recorded."""
    found = host.inside("cat", "/var/lib/rancher/stand-in/events.jsonl").stdout
    return [json.loads(line) for line in found.splitlines()]


def times(host: Host, event: str) -> list[float]:
    """Return when something happened to the stand-in on a host."""
    return [one["time"] for one in events(host) if one["event"] == event]


def config(host: Host) -> str:
    """Return a node's config.yaml."""
    return host.do("cat", CONFIG)


def said(play: Play) -> str:
    """Return what a playbook printed, in one line."""
    return " ".join(play.all.split())


def kill_once(operator: Operator, playbook: str, reached: Callable[[], bool], *options: str) -> None:
    """Start a playbook, and kill it as soon as it has reached something."""
    with (
        tempfile.TemporaryFile("w+") as printed,
        subprocess.Popen(
            ["ansible-playbook", f"playbooks/{playbook}.yml", *options],
            cwd=operator.infra / "ansible",
            env=operator.environment,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as run,
    ):
        while not reached():
            if run.poll() is not None:
                printed.seek(0)
                raise AssertionError(f"{playbook}.yml ended before it got there:\n{printed.read()[-4000:]}")
            time.sleep(0.1)
        os.killpg(run.pid, signal.SIGKILL)
