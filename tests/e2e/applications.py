"""What Argo CD says of its Applications, and when that counts as done."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.e2e.bed.api import Api, ApiError, Object
from tests.e2e.bed.waiting import wait_for
from tests.e2e.beside import Beside

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tests.e2e.bed.bed import Bed

_CONVERGES_IN = 240
"""Seconds; a root that failed asks again after three minutes at most."""


def complaints(application: Object, revisions: Mapping[str, str]) -> list[str]:
    """Say what an Application lacks to be done: Synced, Healthy, its operation Succeeded, at the pushed revision.

    Args:
        application: The object.
        revisions: The pushed commit by repository; charts have none.
    """
    status = application.get("status") or {}
    wanted = {"sync": "Synced", "health": "Healthy"}
    found = [f"{key} is {value}" for key in wanted if (value := status.get(key, {}).get("status")) != wanted[key]]
    # One that was deleted and made again, with everything in place, has nothing to do.
    phase = status.get("operationState", {}).get("phase", "Succeeded")
    if application.get("operation") or phase != "Succeeded":
        found.append(f"its operation is {phase}")
    spec, sync = application["spec"], status.get("sync", {})
    sources = spec.get("sources") or [spec["source"]]
    seen = sync.get("revisions") or [sync.get("revision")]
    for source, revision in zip(sources, seen, strict=False):
        pushed = revisions.get(source["repoURL"])
        if pushed and revision != pushed:
            found.append(f"it is at {str(revision)[:8]} of {source['repoURL']}, not {pushed[:8]}")
    return found


def wait_until_done(
    bed: Bed,
    names: Collection[str],
    revisions: Mapping[str, str],
    *,
    timeout: float = _CONVERGES_IN,
) -> float:
    """Wait until these Applications are done, and return the seconds that it took.

    Args:
        bed: The cluster.
        names: The Applications that must be there.
        revisions: The pushed commit by repository.
        timeout: Seconds.

    Raises:
        BedError: They are not in time; with who waits for what.
    """
    begin = time.monotonic()

    def report() -> str:
        return "\n".join([bed.report(), *unfinished(bed, names, revisions)])

    everybody = ", ".join(sorted(names))
    wait_for(f"{everybody} to be done", lambda: not unfinished(bed, names, revisions), timeout=timeout, report=report)
    return time.monotonic() - begin


def unfinished(bed: Bed, names: Collection[str], revisions: Mapping[str, str]) -> list[str]:
    """Say what each of these Applications lacks to be done, a line for each that lacks something.

    Args:
        bed: The cluster.
        names: The Applications that must be there.
        revisions: The pushed commit by repository.
    """
    present = applications(bed.api)
    lacks = {name: complaints(present[name], revisions) if name in present else ["it is not there"] for name in names}
    return [f"not done: {name}: {'; '.join(what)}" for name, what in sorted(lacks.items()) if what]


def applications(api: Api) -> dict[str, Object]:
    """Return the Applications by name; none while the API server is away."""
    try:
        return {item["metadata"]["name"]: item for item in api.objects("Application", "argocd")}
    except ApiError:
        return {}


@dataclass
class Timeline(Beside):
    """Notes when each Application appeared and was done, in a thread of its own; use it as a context manager.

    Attributes:
        api: The cluster.
        created: Seconds from the start until each was there, by name.
        healthy: Seconds from the start until each was done for the first time, by name.
    """

    api: Api
    created: dict[str, float] = field(default_factory=dict)
    healthy: dict[str, float] = field(default_factory=dict)

    def _repeat(self) -> None:
        while not self._end.wait(0.1):
            for name, item in applications(self.api).items():
                now = time.monotonic() - self._begin
                self.created.setdefault(name, now)
                if not complaints(item, {}):
                    self.healthy.setdefault(name, now)
