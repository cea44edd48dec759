"""The rollout: repositories made, pushed and bootstrapped, with one wave held back for a while."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from tests.e2e.applications import Timeline, applications, unfinished, wait_until_done
from tests.e2e.bed.errors import BedError
from tests.e2e.bed.waiting import holds_for, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.bed.api import Object
    from tests.e2e.bed.bed import Bed
    from tests.e2e.user import User
    from tests.pipeline.world import Finished

GATE = ("traefik", "traefik-")
"""The pods that are held: those of wave -10, below wave 20 with the apps."""
GATE_SECONDS = 10


@dataclass(frozen=True)
class Rollout:
    """What a rollout left.

    Attributes:
        bed: The cluster.
        user: Who did it.
        pushed: What `fmc new --push` printed.
        bootstrap: The playbook's run.
        timeline: What the Applications did meanwhile.
        seconds: From the end of the gate until all of them were done.
    """

    bed: Bed
    user: User
    pushed: str
    bootstrap: Finished
    timeline: Timeline
    seconds: float

    def revisions(self) -> dict[str, str]:
        """Return the pushed commit by repository, as it is now."""
        return {self.user.url(part): self.user.head(part) for part in ("argocd", "apps")}

    def waves(self) -> dict[str, int]:
        """Return the wave of each Application that the repository argocd holds, root's included, by name."""
        return {name: wave for name, (kind, wave) in self._declared().items() if kind == "Application"}

    def sets(self) -> dict[str, int]:
        """Return the wave of each ApplicationSet, by name."""
        return {name: wave for name, (kind, wave) in self._declared().items() if kind == "ApplicationSet"}

    def names(self) -> set[str]:
        """Return the names of all Applications that there must be."""
        overlays = (self.user.workspace / "apps").glob("apps/*/overlays/*")
        return {"root", *self.waves(), *(f"{path.parts[-3]}-{path.name}" for path in overlays)}

    def order(self) -> list[tuple[str, int]]:
        """Return all Applications but root with their waves, the lowest first; apps have that of their set."""
        waves = self.waves()
        apps = dict.fromkeys(self.names() - set(waves) - {"root"}, max(self.sets().values()))
        return sorted((waves | apps).items(), key=lambda item: item[1])

    def out_of_order(self) -> list[tuple[str, str]]:
        """Return the Applications that appeared before one of a lower wave was done: which one, and the lower one."""
        times = self.timeline
        pairs = ((low, high) for (low, first), (high, then) in combinations(self.order(), 2) if first < then)
        return [(high, low) for low, high in pairs if times.healthy[low] > times.created[high]]

    def wait_until_done(self, timeout: float = 240) -> float:
        """Wait until all Applications are done at the pushed revisions, and return the seconds that it took."""
        return wait_until_done(self.bed, self.names(), self.revisions(), timeout=timeout)

    def report(self) -> str:
        """Describe the bed, and what each Application lacks to be done, for a person who looks for a hang's cause."""
        return "\n".join([self.bed.report(), *unfinished(self.bed, self.names(), self.revisions())])

    def bump(self, *names: str) -> dict[str, str]:
        """Publish newer charts, and commit their versions together, as an update bot does.

        Args:
            names: The Applications of the charts.

        Returns:
            The new version by Application.
        """
        folder = self.user.workspace / "argocd"
        versions = (folder / "versions.yaml").read_text()
        files: dict[Path, str | None] = {}
        bumped, charts = {}, {}
        for name in names:
            path = Path("applications") / f"{name}.yaml"
            chart, old = _chart_of(self.user.yaml("argocd", str(path)))
            major, minor, patch = old.split(".")
            new = bumped[name] = charts[chart] = f"{major}.{minor}.{int(patch) + 1}"
            versions = versions.replace(old, new)
            files[path] = (folder / path).read_text().replace(old, new)
        self.bed.charts.publish(charts)
        self.user.commit("argocd", "Newer charts", {**files, Path("versions.yaml"): versions})
        return bumped

    def version_of(self, name: str) -> str:
        """Return the chart version that an Application in the cluster asks for."""
        _, version = _chart_of(applications(self.bed.api)[name])
        return version

    def last_sync_of_root(self) -> str:
        """Return when the last sync of root began."""
        began: str = applications(self.bed.api)["root"]["status"]["operationState"]["startedAt"]
        return began

    def wait_until_root_waits_for(self, name: str) -> None:
        """Wait until root is in the middle of a sync, and waits for an Application to get healthy.

        It goes through all waves before that one, and two busy cores need some seconds for each.
        """

        def waits() -> bool:
            operation = applications(self.bed.api)["root"]["status"].get("operationState", {})
            return operation.get("phase") == "Running" and f"Application/{name}" in operation.get("message", "")

        wait_for(f"root to wait for {name}", waits, timeout=240, report=self.report)

    def _declared(self) -> dict[str, tuple[str, int]]:
        found = {}
        for path in (self.user.workspace / "argocd" / "applications").glob("*.yaml"):
            manifest: Any = YAML(typ="safe").load(path)
            wave = manifest["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"]
            found[manifest["metadata"]["name"]] = (manifest["kind"], int(wave))
        return found


def _chart_of(application: Object) -> tuple[str, str]:
    """Return name and version of the chart that an Application is made of."""
    source = next(each for each in application["spec"]["sources"] if "chart" in each)
    return source["chart"], source["targetRevision"]


def roll_out(bed: Bed, user: User, evidence: Callable[[str], None]) -> Rollout:
    """Do what the READMEs say, from nothing to a cluster in which everything is done.

    Raises:
        BedError: Something failed, or a wave did not wait for the one before it.
    """
    pushed = user.make_repositories()
    evidence("fmc new --push: three repositories")
    bed.kubelet.hold(*GATE)
    with Timeline(bed.api) as timeline, ThreadPoolExecutor() as threads:
        running = threads.submit(user.bootstrap)

        def is_held() -> bool:
            if running.done():
                done = running.result()
                raise BedError(f"the bootstrap ended with exit code {done.code}:\n{done.all}")
            return any(pod.name.startswith(GATE[1]) for pod in bed.kubelet.waiting)

        try:
            wait_for("the pods of Traefik", is_held, timeout=600, report=bed.report)
            there = ", ".join(sorted(applications(bed.api)))
            evidence(f"gate closed: {there} are there, the pods of Traefik can't run")
            holds_for(
                "no ApplicationSet while Traefik is not healthy",
                lambda: not bed.api.objects("ApplicationSet"),
                seconds=GATE_SECONDS,
            )
            evidence(f"nothing of a later wave in {GATE_SECONDS} s; gate opened")
        finally:
            # Else the playbook would wait on after a failure, and this for the playbook.
            bed.kubelet.release(*GATE)
        bootstrap = running.result()
        rollout = Rollout(bed, user, pushed, bootstrap, timeline, 0.0)
        if bootstrap.code == 0:
            rollout = replace(rollout, seconds=rollout.wait_until_done())
    evidence(f"bootstrap ended with {bootstrap.code}")
    return rollout
