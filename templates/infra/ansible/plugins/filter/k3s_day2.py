"""What backup, restore and upgrade ask about releases of K3s and about snapshots, as filters of Ansible."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# Such as v1.36.4+k3s1, or v1.36.0-rc2+k3s1 before it is one.
_RELEASE = re.compile(r"v(\d+)\.(\d+)\.(\d+)(?:-[a-z]+(\d+))?\+k3s(\d+)")
_FINAL = 1_000_000


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


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"k3s_release": release, "k3s_restore_findings": restore_findings}
