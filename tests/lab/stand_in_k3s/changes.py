"""What can happen to the state of a cluster: each change is a function of it, and run by the leader alone."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

State = dict[str, Any]


class RefusedError(Exception):
    """The change is refused; `status` is what HTTP says of it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def add_member(state: State, *, node: str, address: str, critical: dict[str, Any] | None) -> str:
    """Take a server in as a learner, and return the name that it will have.

    Args:
        state: The state.
        node: Name of its Node.
        address: Its address.
        critical: What all servers must have in common, as it has it; None where it may not be compared.
    """
    differing = sorted(
        key for key, value in state["critical"].items() if critical is not None and critical.get(key) != value
    )
    if differing:
        raise RefusedError(
            409,
            f"critical configuration mismatched: {', '.join(differing)}; "
            "critical configuration value mismatch between servers",
        )
    if any(member["node"] == node for member in state["members"].values()):
        raise RefusedError(
            410, "etcd cluster join failed: duplicate node name found, please use a unique name for this node"
        )
    if any(member["isLearner"] for member in state["members"].values()):
        raise RefusedError(423, "etcdserver: too many learner members in cluster")
    name = f"{node}-{secrets.token_hex(4)}"
    state["members"][name] = {"node": node, "address": address, "isLearner": True}
    return name


def promote(state: State, *, name: str) -> None:
    """Give a learner its vote."""
    state["members"][name]["isLearner"] = False


def register_node(state: State, *, name: str, password: str, node: dict[str, Any]) -> None:
    """Make a Node, or take one back; labels and taints count when it is made alone."""
    secret = f"{name}.node-password.k3s"
    if state["secrets"].setdefault(secret, password) != password:
        raise RefusedError(403, f"unable to verify password for node {name}: hash does not match")
    known = state["nodes"].setdefault(name, {**node, "annotations": {}, "cordoned": False})
    known["version"], known["address"] = node["version"], node["address"]


def delete_node(state: State, *, name: str) -> None:
    """Delete a Node; etcd loses the member that it was."""
    state["nodes"].pop(name, None)
    state["members"] = {key: member for key, member in state["members"].items() if member["node"] != name}


def delete_secret(state: State, *, name: str) -> None:
    """Delete a Secret."""
    state["secrets"].pop(name, None)


def label(state: State, *, name: str, labels: list[str]) -> None:
    """Label a Node: `key=value` sets one, `key-` removes one."""
    _write(state["nodes"][name]["labels"], labels)


def annotate(state: State, *, name: str, annotations: list[str]) -> None:
    """Annotate a Node, in the same form."""
    _write(state["nodes"][name]["annotations"], annotations)


def _write(target: dict[str, str], texts: list[str]) -> None:
    for text in texts:
        key, given, value = text.partition("=")
        if given:
            target[key] = value
        else:
            target.pop(key.removesuffix("-"), None)


def cordon(state: State, *, name: str, cordoned: bool) -> None:
    """Take a Node out of scheduling, or back in."""
    state["nodes"][name]["cordoned"] = cordoned


def scale(state: State, *, name: str, replicas: int) -> None:
    """Set how many pods a Deployment has."""
    state["deployments"][name] = replicas


def rotate_token(state: State, *, token: str, passwords: dict[str, Any]) -> None:
    """Replace the hash of the servers' token, and the file of passwords that is saved with it."""
    state["token"], state["passwords"] = token, passwords


CHANGES: dict[str, Callable[..., Any]] = {
    change.__name__: change
    for change in (
        add_member,
        promote,
        register_node,
        delete_node,
        delete_secret,
        label,
        annotate,
        cordon,
        scale,
        rotate_token,
    )
}
