"""How the answers of a cluster of K3s are read, of its API and of etcd, as filters of Ansible. What follows from them is decided elsewhere."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# `<node>-<8 hex digits>`, new whenever a server begins with an empty disk.
_MEMBER = re.compile(r"(.+)-[0-9a-f]{8}")


def nodes(listed: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what is asked of Nodes by their names: {ready, release, cordoned, labels, annotations}.

    Args:
        listed: All Nodes, as the API server lists them.
    """
    return {
        node["metadata"]["name"]: {
            "ready": is_ready(node),
            "release": _release(node),
            "cordoned": bool(node.get("spec", {}).get("unschedulable")),
            "labels": node["metadata"].get("labels") or {},
            "annotations": node["metadata"].get("annotations") or {},
        }
        for node in listed.get("items") or []
    }


def is_ready(node: Mapping[str, Any]) -> bool:
    """Return whether a Node is Ready, as the API server says it."""
    conditions = node.get("status", {}).get("conditions") or []
    return any((condition["type"], condition["status"]) == ("Ready", "True") for condition in conditions)


def is_ready_at(node: Mapping[str, Any], version: str) -> bool:
    """Return whether a Node is Ready, and its kubelet is of that release."""
    return is_ready(node) and _release(node) == version


def unlabelled(listed: Mapping[str, Any], labels: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Return the Nodes that lack labels, as {name, labels}.

    Args:
        listed: All Nodes, as the API server lists them.
        labels: What is wanted, a list of key=value by name.
    """
    found = nodes(listed)
    missing = {
        name: [label for label in wanted if found[name]["labels"].get(label.partition("=")[0]) != label.partition("=")[2]]
        for name, wanted in labels.items()
        if name in found
    }
    return [{"name": name, "labels": lacking} for name, lacking in missing.items() if lacking]


def members(info: str) -> dict[str, bool]:
    """Return whether each member of etcd has a vote, by the name of its server.

    Args:
        info: The answer of `/db/info`; where it is something else, as while a server starts, there are no members. A learner has no name at
            first, and no vote.
    """
    try:
        listed = list(json.loads(info)["members"] or [])
    except (ValueError, LookupError, TypeError):
        return {}
    found: dict[str, bool] = {}
    for member in listed:
        if match := _MEMBER.fullmatch(member.get("name", "")):
            found[match[1]] = found.get(match[1], False) or not member.get("isLearner")
    return found


def is_voter(info: str, node: str) -> bool:
    """Return whether a server is a member of etcd that has a vote; see `members`."""
    return members(info).get(node, False)


def is_member(info: str, node: str) -> bool:
    """Return whether etcd knows a member of that name, with a vote or without; see `members`."""
    return node in members(info)


def voters(info: str, servers: Sequence[str]) -> list[str]:
    """Return which of these servers are members of etcd that have a vote; see `members`."""
    return [name for name in servers if is_voter(info, name)]


def _release(node: Mapping[str, Any]) -> str:
    return str(node.get("status", {}).get("nodeInfo", {}).get("kubeletVersion", ""))


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {
            "k3s_is_member": is_member,
            "k3s_is_ready": is_ready,
            "k3s_is_ready_at": is_ready_at,
            "k3s_is_voter": is_voter,
            "k3s_members": members,
            "k3s_nodes": nodes,
            "k3s_unlabelled": unlabelled,
            "k3s_voters": voters,
        }
