"""What the members of a cluster have in common: each has a whole copy, and the newest one of a majority counts."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.lab.stand_in_k3s import paths

# The real one takes 40 s to call a silent Node not ready.
NODE_GRACE_SECONDS = 8.0


def founded(critical: dict[str, Any], token: str, passwords: dict[str, Any]) -> dict[str, Any]:
    """Return the state of a new cluster: its token, as a hash, and the first server's file of passwords among it."""
    return {
        "version": 1,
        "critical": critical,
        "token": token,
        "passwords": passwords,
        "members": {},
        "nodes": {},
        "secrets": {},
        "deployments": {"coredns": 1},
    }


def load() -> dict[str, Any] | None:
    """Return the copy on this disk; None where there is no datastore."""
    file = paths.ETCD / "state.json"
    return json.loads(file.read_text()) if file.is_file() else None


def save(state: dict[str, Any]) -> None:
    """Write the copy on this disk."""
    paths.write_secret(paths.ETCD / "state.json.new", json.dumps(state))
    (paths.ETCD / "state.json.new").rename(paths.ETCD / "state.json")


def own_member() -> str:
    """Return the name of the member that this disk is; "" where it is none."""
    file = paths.ETCD / "member"
    return file.read_text() if file.is_file() else ""


def node(state: dict[str, Any], name: str, seen: float) -> dict[str, Any]:
    """Return a Node as the API server shows it; `seen` is when its kubelet was heard last."""
    found = state["nodes"][name]
    ready = time.time() - seen < NODE_GRACE_SECONDS
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": found["labels"], "annotations": found["annotations"]},
        "spec": {"unschedulable": found["cordoned"], "taints": found["taints"]},
        "status": {
            "conditions": [{"type": "Ready", "status": "True" if ready else "Unknown"}],
            "addresses": [{"type": "InternalIP", "address": found["address"]}],
            "nodeInfo": {"kubeletVersion": found["version"]},
        },
    }
