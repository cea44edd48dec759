"""The state of all machines in one report, as a filter of Ansible."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_RUNBOOK = "`ansible-playbook playbooks/k3s.yml` says what is wrong with it"


def verify_report(machines: Mapping[str, Mapping[str, Any]], groups: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return what was found, as `rows` for people, and what is wrong, as `findings`.

    Args:
        machines: Ansible's hostvars; of each machine that was reached, `verify_seen` says what it told; Nodes and members
            are as the filters k3s_nodes and k3s_members give them.
        groups: Ansible's groups.
    """
    names = sorted(groups["all"])
    seen = {name: machines[name]["verify_seen"] for name in names if "verify_seen" in machines[name]}
    shared = machines[names[0]]
    parts = [
        _machines(names, seen),
        _told("Time", "clocks", "clock", seen),
        _told("Names", "machines with the planned answers", "names", seen),
        _addresses(shared["plan"]["vips"], seen, groups["loadbalancers"]),
        _nodes([*groups["k3s_servers"], *groups["k3s_agents"]], shared["k3s_binary_version"], seen),
        _etcd(groups["k3s_servers"], seen),
        _certificates(groups["k3s_servers"], seen),
    ]
    return {"rows": [row for rows, _ in parts for row in rows], "findings": [finding for _, findings in parts for finding in findings]}


_Part = tuple[list[str], list[str]]


def _machines(names: Sequence[str], seen: Mapping[str, Any]) -> _Part:
    away = [name for name in names if name not in seen]
    findings = [f"{name} is not reached: `ansible-playbook playbooks/connection.yml` says why." for name in away]
    return [f"Machines: {len(seen)} of {len(names)} reached"], findings


def _told(title: str, what: str, key: str, seen: Mapping[str, Any]) -> _Part:
    wrong = [one[key] for one in seen.values() if one[key]]
    return [f"{title}: {len(seen) - len(wrong)} of {len(seen)} {what}"], wrong


def _addresses(vips: Sequence[Mapping[str, Any]], seen: Mapping[str, Any], balancers: Sequence[str]) -> _Part:
    rows, findings = [], []
    for vip in vips:
        holders = [name for name in balancers if f" {vip['address']}/" in seen.get(name, {}).get("addresses", "")]
        rows.append(f"Address {vip['address']}: {', '.join(holders) or 'nobody'}")
        if len(holders) != 1:
            findings.append(
                f"{vip['address']} is held by {' and '.join(holders) or 'none of the load balancers'}, and one has to: "
                "`ansible-playbook playbooks/loadbalancers.yml`."
            )
    return rows, findings


def _nodes(wanted: Sequence[str], version: str, seen: Mapping[str, Any]) -> _Part:
    found: Mapping[str, Any] = next((one["nodes"] for one in seen.values() if one["nodes"]), {})
    if not found:
        return ["Nodes: nobody tells"], [f"No API server tells its Nodes: {_RUNBOOK}."]
    findings = [finding for name in wanted for finding in _node(name, found.get(name), version)]
    findings += [
        f"{name} is a Node and none of the plan: is it gone for good, `kubectl delete node {name}`?" for name in found if name not in wanted
    ]
    ready = [name for name in wanted if name in found and found[name]["ready"]]
    releases = sorted({node["release"] for node in found.values()})
    cordoned = sorted(name for name, node in found.items() if node["cordoned"])
    rows = [f"Nodes: {len(ready)} of {len(wanted)} Ready, at {', '.join(releases)}"]
    return [*rows, *([f"Cordoned: {', '.join(cordoned)}"] if cordoned else [])], findings


def _node(name: str, node: Mapping[str, Any] | None, version: str) -> Iterator[str]:
    if node is None:
        yield f"{name} is no Node of the cluster: {_RUNBOOK}."
        return
    if not node["ready"]:
        yield f"{name} is not Ready: {_RUNBOOK}, `kubectl describe node {name}` why."
    if node["release"] != version:
        yield f"{name} runs {node['release']}, pinned is {version}: `ansible-playbook playbooks/upgrade.yml`."


def _etcd(servers: Sequence[str], seen: Mapping[str, Any]) -> _Part:
    sick = [name for name in servers if name in seen and int(seen[name]["health"]) != 200]
    findings = [f"etcd on {name} is not healthy: {_RUNBOOK}." for name in sick]
    members = next((seen[name]["members"] for name in servers if name in seen and seen[name]["members"]), {})
    voters = sorted(name for name, votes in members.items() if votes)
    findings += [f"{name} has no vote in etcd: {_RUNBOOK}." for name in servers if name not in voters]
    findings += [
        f"{name} has a vote in etcd and is no server of the plan: while it is away, others must not be. Take it out with "
        f"`kubectl delete node {name}`, or put it back into the answers."
        for name in voters
        if name not in servers
    ]
    healthy = len([name for name in servers if name in seen]) - len(sick)
    return [f"etcd: {len(voters)} members with a vote ({', '.join(voters)}), {healthy} of {len(servers)} servers healthy"], findings


def _certificates(servers: Sequence[str], seen: Mapping[str, Any]) -> _Part:
    rows, findings = [], []
    for name in servers:
        if name not in seen:
            continue
        ends = [end for end in map(_end, seen[name]["ends"]) if end]
        if not ends:
            findings.append(f"{name} shows no certificate: {_RUNBOOK}.")
            continue
        days = (min(ends) - datetime.now(UTC)).days
        rows.append(f"Certificates of {name}: the first one ends on {min(ends):%Y-%m-%d}")
        if days < int(seen[name]["certificate_days"]):
            findings.append(f"A certificate of {name} ends in {days} days: `ansible-playbook playbooks/renew-certs.yml`.")
    return rows, findings


def _end(line: str) -> datetime | None:
    """Return the moment of openssl's `notAfter=Nov 29 11:00:00 2027 GMT`, in whatever language this machine is."""
    name, _, text = line.partition("=")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC) if name == "notAfter" else None


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"verify_report": verify_report}
