"""What backup, restore and upgrade ask about releases of K3s and about snapshots, as filters of Ansible."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# Such as v1.36.4+k3s1, or v1.36.0-rc2+k3s1 before it is one.
_RELEASE = re.compile(r"v(\d+)\.(\d+)\.(\d+)(?:-[a-z]+(\d+))?\+k3s(\d+)")
_FINAL = 1_000_000
# The annotation of a Node that the role k3s_upgrade has cordoned.
UPGRADE_MARK = "uncordoned-by-upgrade"


def release(text: str) -> str:
    """Return the release that `k3s --version` names; "" where it names none."""
    found = _RELEASE.search(text)
    return found[0] if found else ""


def order(text: str) -> tuple[int, ...]:
    """Return numbers by which releases compare; none for a text that is no release."""
    found = _RELEASE.fullmatch(text)
    if not found:
        return ()
    major, minor, patch, candidate, build = found.groups()
    return int(major), int(minor), int(patch), int(candidate or _FINAL), int(build)


def restore_findings(seen: Mapping[str, Any]) -> list[str]:
    """Return what is in the way of a restore, a sentence or two each.

    Args:
        seen: What the role k3s_restore has found out.
    """
    return [*_demand(seen), *_file(seen), *_tokens(seen)]


def _demand(seen: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the person has not said, and servers that are left out."""
    if seen["confirm"] != seen["cluster"]:
        yield (
            f"A restore stops all servers and takes the cluster {seen['cluster']} back to the time of the snapshot. "
            f"If that is what you want, say `-e confirm={seen['cluster']}`."
        )
    if seen["absent"]:
        yield (
            f"{', '.join(seen['absent'])} is left out of this run, and would bring the old cluster back beside the restored one: all servers "
            "have to be in it. One that is gone for good is taken out of the answers first."
        )


def _file(seen: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the snapshot."""
    described = seen["described"]
    if not seen["digest"]:
        yield f"There is no file {seen['file'] or '(none is named)'} on this machine: name a snapshot, `-e snapshot=FILE`, as backup.yml has written it."
        return
    if described and described["sha256"] != seen["digest"]:
        yield f"{seen['file']} is not the file that backup.json beside it describes: its digest is another one. Take another copy, or another backup."
    if described and described["cluster"] != seen["cluster"]:
        yield f"{seen['file']} is of the cluster {described['cluster']}, and this one is {seen['cluster']}."
    newest = order(described.get("release", ""))
    older = sorted({one for one in seen["releases"] if one and order(one)[:2] < newest[:2]})
    if older:
        yield (
            f"{seen['file']} was written by {described['release']}, and a server has {', '.join(older)}, which may not read it: "
            "pin that release in versions.user.yaml, and run playbooks/upgrade.yml first."
        )


def _tokens(seen: Mapping[str, Any]) -> Iterator[str]:
    """Yield tokens of another time: a snapshot is encrypted with its own, and K3s notices after it has replaced the datastore."""
    for kind in seen["foreign_tokens"]:
        yield (
            f"The {kind} in the vault is not the one of the time of the snapshot, which lies beside it. Put that one back: "
            f"`fmc secret set machines/k3s {kind} < FOLDER_OF_THE_BACKUP/{kind}`."
        )


def upgrade_findings(seen: Mapping[str, Any]) -> list[str]:
    """Return what is in the way of an upgrade, a sentence or two each.

    Args:
        seen: What the role k3s_upgrade_judge has found out; its `nodes` are as the filter k3s_nodes gives them.
    """
    wanted = order(seen["version"])
    if not wanted:
        return [f"{seen['version']} is no release of K3s, such as v1.36.4+k3s1: correct versions.user.yaml."]
    return [*_absent(seen), *_backwards(seen, wanted), *_too_far(seen, wanted)]


def upgrade_due(seen: Mapping[str, Any]) -> list[str]:
    """Return the nodes that have another release, on the disk or running, or that an earlier run has left cordoned; see `upgrade_findings`."""
    nodes = seen["nodes"]
    return [
        name
        for name, disk in seen["disks"].items()
        if name in nodes and ({disk, nodes[name]["release"]} != {seen["version"]} or UPGRADE_MARK in nodes[name]["annotations"])
    ]


def _absent(seen: Mapping[str, Any]) -> Iterator[str]:
    """Yield servers that are left out."""
    if seen["absent"]:
        yield (
            f"{', '.join(seen['absent'])} is not reached, or left out of this run: all servers have to be there while one after the other restarts. "
            "Bring it back, or take it out of the answers."
        )


def _backwards(seen: Mapping[str, Any], wanted: tuple[int, ...]) -> Iterator[str]:
    """Yield nodes that are newer: what a newer K3s has written an older one need not read."""
    found = {name: [disk] for name, disk in seen["disks"].items()}
    for name, node in seen["nodes"].items():
        found.setdefault(name, []).append(node["release"])
    newer = sorted(name for name, releases in found.items() if any(order(one) > wanted for one in releases))
    if newer:
        yield (
            f"{', '.join(newer)} has a newer K3s than {seen['version']}, and K3s does not go back: pin at least that release. The state of an older "
            "one comes back with playbooks/restore.yml, from a backup of that time."
        )


def _too_far(seen: Mapping[str, Any], wanted: tuple[int, ...]) -> Iterator[str]:
    """Yield servers that would skip a minor release: Kubernetes migrates its objects from each one to the next."""
    for name, node in seen["nodes"].items():
        found = order(node["release"])
        if name in seen["servers"] and found and (wanted[0] != found[0] or wanted[1] > found[1] + 1):
            yield (
                f"{name} runs {node['release']}, and {seen['version']} would skip a minor release: pin the newest "
                f"v{found[0]}.{found[1] + 1} in versions.user.yaml and upgrade to that one first."
            )


def remove_findings(seen: Mapping[str, Any]) -> list[str]:
    """Return what is in the way of taking a machine out of the cluster, a sentence or two each.

    Args:
        seen: What the role k3s_remove has found out.
    """
    return [*_needed(seen), *_quorum(seen)]


def _needed(seen: Mapping[str, Any]) -> Iterator[str]:
    """Yield that the plan, or the machine itself, would not let it go."""
    machine = seen["machine"]
    if machine in seen["fixed"]:
        yield (
            f"{machine} has the address of the API server or of the ingress in the plan, and everybody comes there: change the answers so that "
            "it leads elsewhere, and run site.yml, before it goes."
        )
    if seen["ready"] and not seen["reached"]:
        yield (
            f"{machine} is Ready in the cluster, and Ansible does not reach it: it would join again by itself. Make it answer (see "
            "playbooks/connection.yml), or switch it off and run this again a minute later."
        )


def _quorum(seen: Mapping[str, Any]) -> Iterator[str]:
    """Yield that etcd would have no quorum: the machine stops before its vote is taken back."""
    left = [name for name in seen["voters"] if name != seen["machine"] and name in seen["answering"]]
    if seen["machine"] in seen["voters"] and len(left) * 2 <= len(seen["voters"]):
        # Of two none can go: the last step to one server is a restore, which makes a cluster of one.
        remedy = (
            f"add a server first. To go on with {left[0]} alone: run playbooks/backup.yml, end {seen['machine']} for good (`sudo systemctl disable "
            f"--now k3s` there), take it out of the answers, and run `ansible-playbook playbooks/restore.yml -e snapshot=FILE -e "
            f"confirm={seen['cluster']}` with the snapshot that the backup names."
            if len(seen["voters"]) == 2 and left
            else "bring the others back, or add a server, first."
        )
        yield (
            f"Without {seen['machine']}, {len(left)} of the {len(seen['voters'])} members of etcd would answer ({', '.join(left) or 'none'}), "
            f"which is no majority: {remedy}"
        )


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {
            "k3s_release": release,
            "k3s_remove_findings": remove_findings,
            "k3s_restore_findings": restore_findings,
            "k3s_upgrade_due": upgrade_due,
            "k3s_upgrade_findings": upgrade_findings,
        }
