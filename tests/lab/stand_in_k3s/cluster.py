"""The cluster as one member sees it: who else is there, whether most have a vote here, and how the state changes."""

from __future__ import annotations

import hashlib
import threading
import time
from typing import Any

from tests.lab.stand_in_k3s import paths
from tests.lab.stand_in_k3s import state as states
from tests.lab.stand_in_k3s.changes import CHANGES, RefusedError
from tests.lab.stand_in_k3s.client import Answer, ask
from tests.lab.stand_in_k3s.events import log

# Members share a few processors in a lab; a dead one of the same machine refuses at once.
_QUICK = 4.0


def peer_password() -> str:
    """Return what members know each other by: the authority's key, which all have, and which outlives tokens."""
    return hashlib.sha256(paths.AUTHORITY.with_suffix(".key").read_bytes()).hexdigest()


class Cluster:
    """One member's view. The first voter that answers, by name, makes all changes; everybody keeps a copy."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.address = address
        self.seen: dict[str, float] = {}
        # The hashes of the tokens, as they were when this server started.
        self.token = ""
        self.agent_token = ""
        self._lock = threading.Lock()

    @property
    def state(self) -> dict[str, Any]:
        """Return this member's copy."""
        return states.load() or {}

    def peer(self, member: dict[str, Any], page: str, body: object = None) -> Answer:
        """Ask another member."""
        return ask(f"https://{member['address']}:6443/stand-in/{page}", "peer", peer_password(), body, timeout=_QUICK)

    def others(self) -> dict[str, dict[str, Any]]:
        """Return the other members."""
        return {name: member for name, member in self.state["members"].items() if member["address"] != self.address}

    def refresh(self) -> None:
        """Take the newest copy of all members that answer."""
        for member in self.others().values():
            answer = self.peer(member, "state")
            if answer.status == 200 and answer.json()["version"] > self.state["version"]:
                states.save(answer.json())

    def voters_alive(self) -> list[str]:
        """Return the names of the voters that answer, this one among them, in order."""
        members = self.state["members"]
        alive = [
            name for name, member in members.items() if not member["isLearner"] and member["address"] == self.address
        ]
        alive += [
            name
            for name, member in self.others().items()
            if not member["isLearner"] and self.peer(member, "alive").status == 200
        ]
        return sorted(alive)

    def has_quorum(self) -> bool:
        """Return whether most voters answer."""
        voters = [member for member in self.state["members"].values() if not member["isLearner"]]
        return len(self.voters_alive()) * 2 > len(voters)

    def change(self, name: str, /, **arguments: Any) -> Any:
        """Change the state, through the leader.

        Raises:
            RefusedError: The change is refused, or most voters don't answer.
        """
        alive, members = self.voters_alive(), self.state["members"]
        if len(alive) * 2 <= len([member for member in members.values() if not member["isLearner"]]):
            raise RefusedError(500, "etcdserver: no leader")
        leader = members[alive[0]]
        if leader["address"] == self.address:
            return self.lead(name, arguments)
        answer = self.peer(leader, "change", {"name": name, "arguments": arguments})
        if answer.status != 200:
            raise RefusedError(answer.status or 500, answer.text)
        self.refresh()
        return answer.json()["result"]

    def lead(self, name: str, arguments: dict[str, Any]) -> Any:
        """Change the state as the leader, and give everybody a copy."""
        with self._lock:
            self.refresh()
            state = self.state
            members = dict(state["members"])
            result = CHANGES[name](state, **arguments)
            state["version"] += 1
            states.save(state)
            for member in {**members, **state["members"]}.values():
                if member["address"] != self.address and self.peer(member, "copy", state).status != 200:
                    log("warning", f"{member['node']} did not take a copy")
        return result

    def heard(self, node: str) -> None:
        """Note that a kubelet was heard."""
        self.seen[node] = time.time()

    def nodes(self) -> list[dict[str, Any]]:
        """Return all Nodes, as the API server shows them."""
        seen = dict(self.seen)
        for member in self.others().values():
            answer = self.peer(member, "seen")
            for name, moment in (answer.json() if answer.status == 200 else {}).items():
                seen[name] = max(moment, seen.get(name, 0.0))
        state = self.state
        return [states.node(state, name, seen.get(name, 0.0)) for name in sorted(state["nodes"])]
