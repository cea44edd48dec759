"""What kwok leaves out of a kubelet.

A pod waits until the Secrets and ConfigMaps that it refers to are there. The containers of programs.py run for real: as
processes with the arguments, the variables and the service account that the pod's spec gives them. A test can hold
pods back.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.bed.api import Api, Object
from tests.e2e.bed.container import Container
from tests.e2e.bed.control_plane import STORAGE_CLASS
from tests.e2e.bed.errors import BedError
from tests.e2e.bed.references import references
from tests.e2e.bed.services import Services

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAY_RUN = "fmc.test/may-run"
"""The annotation that lets kwok go on with a pod (stages.yaml)."""
_PAUSE = 0.15
_SHARE = 4
"""How many times as long as a round computes the kubelet rests: with many pods it must leave the machine to others.

What a round waits for, such as a program that takes its time to end, costs the machine nothing.
"""


@dataclass(frozen=True)
class Pod:
    """A pod, and why it waits."""

    namespace: str
    name: str
    reason: str

    def __str__(self) -> str:
        return f"pod {self.namespace}/{self.name} waits for {self.reason}"


class Kubelet:
    """The bed's kubelet, for all nodes; a thread of its own."""

    def __init__(self, folder: Path, api: Api, environment: Mapping[str, str], tools: Path) -> None:
        """Make a kubelet that does nothing yet.

        Args:
            folder: For the files of pods, and logs.
            api: The cluster, as its administrator.
            environment: Of every container.
            tools: Folder of the programs.
        """
        self._folder = folder
        self._api = api
        self._environment = environment
        self._tools = tools
        self._held: set[tuple[str, str]] = set()
        self._containers: dict[str, Container] = {}
        self._done: set[str] = set()
        self._services = Services()
        self._end = threading.Event()
        self._thread: threading.Thread | None = None
        self.waiting: list[Pod] = []

    def start(self) -> None:
        """Begin."""
        self._end.clear()
        self._thread = threading.Thread(target=self._loop, name="kubelet", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, with all containers."""
        self._end.set()
        if self._thread:
            self._thread.join()
        for container in self._containers.values():
            container.kill()
        self._containers.clear()
        self._services.stop()
        self._done.clear()

    def hold(self, namespace: str, prefix: str) -> None:
        """Keep pods from running whose names begin so; those that run already go on."""
        self._held.add((namespace, prefix))

    def release(self, namespace: str, prefix: str) -> None:
        """Let them run."""
        self._held.discard((namespace, prefix))

    def container(self, called: str) -> Container:
        """Return the running container of a program.

        Args:
            called: The command's name, such as `argocd-repo-server`.
        """
        return next(container for container in self._containers.values() if container.called == called)

    def containers(self) -> Iterator[Container]:
        """Yield the containers that run for real."""
        yield from list(self._containers.values())

    def _loop(self) -> None:
        while not self._end.is_set():
            begin = time.thread_time()
            try:
                self._bind_claims()
                pods = self._api.objects("Pod")
                self._end_those_that_went({pod["metadata"]["uid"] for pod in pods if _is_wanted(pod)})
                self.waiting = [Pod(*_key(pod), reason) for pod in pods if (reason := self._attend(pod))]
            except (BedError, OSError, LookupError) as error:
                # The server may be away, what one request saw may have ended, a program may be missing or just end:
                # whoever waits is told, and it is tried again. A thread that ended would leave them to wait for ever.
                self.waiting = [Pod("-", "-", f"{type(error).__name__}: {error}")]
            self._end.wait(max(_PAUSE, _SHARE * (time.thread_time() - begin)))

    def _attend(self, pod: Object) -> str | None:
        """Do for a pod what can be done now, and say what it waits for."""
        uid = pod["metadata"]["uid"]
        if not _is_wanted(pod):
            return None
        if not pod["spec"].get("nodeName"):
            conditions = pod.get("status", {}).get("conditions", [])
            return next((entry["message"] for entry in conditions if entry.get("message")), "the scheduler")
        if pod["status"].get("phase") != "Pending":
            self._keep_running(uid, pod)
            return None
        if MAY_RUN in pod["metadata"].get("annotations", {}):
            return None
        reason = self._why_not(pod)
        if reason is None:
            namespace, name = _key(pod)
            self._api.patch("Pod", namespace, name, {"metadata": {"annotations": {MAY_RUN: "true"}}})
        return reason

    def _why_not(self, pod: Object) -> str | None:
        namespace, name = _key(pod)
        if any(namespace == held and name.startswith(prefix) for held, prefix in self._held):
            return "a test, which holds it"
        for reference in set(references(pod["spec"])):
            missing = reference.missing_in(self._api.get(reference.kind, namespace, reference.name))
            if missing:
                return missing
        uid = pod["metadata"]["uid"]
        if uid in self._done:
            return None
        container = self._containers.get(uid) or self._of_sibling(pod) or self._start(pod)
        if container is None:
            return None
        if container.program.ends:
            return self._result(uid, container)
        if not container.alive:
            container.start()
        return None if container.program.ready() else f"{container.called} to be ready"

    def _of_sibling(self, pod: Object) -> Container | None:
        """Return the container of another pod of the same owner, which stands for all: there is one loopback."""
        owner = _owner(pod)
        serving = (each for each in self._containers.values() if not each.program.ends)
        siblings = (each for each in serving if owner and _owner(each.pod) == owner)
        return next(siblings, None)

    def _start(self, pod: Object) -> Container | None:
        namespace, _ = _key(pod)
        account = pod["spec"].get("serviceAccountName", "default")
        container = Container.of(pod, self._folder, self._environment, self._tools)
        if container is None:
            return None
        # On the one loopback that there is, a new pod can listen only where the old one no longer does.
        for uid, other in list(self._containers.items()):
            if other.called == container.called:
                other.stop()
                del self._containers[uid]
        container.prepare(self._api, self._api.token(namespace, account))
        container.start()
        self._services.lead_to(pod, self._api.objects("Service", namespace))
        self._containers[pod["metadata"]["uid"]] = container
        return container

    def _result(self, uid: str, container: Container) -> str | None:
        if container.alive:
            return f"{container.called} to end"
        if container.exit_code != 0:
            container.start()
            return f"{container.called}, which failed:\n{container.log_tail()}"
        del self._containers[uid]
        self._done.add(uid)
        return None

    def _keep_running(self, uid: str, pod: Object) -> None:
        """Start again what has ended, and what had to give way to a newer pod that went."""
        container = self._containers.get(uid)
        if container is not None:
            if not container.alive:
                container.start()
        elif uid not in self._done:
            wanted = Container.of(pod, self._folder, self._environment, self._tools)
            if wanted and all(other.called != wanted.called for other in self._containers.values()):
                self._start(pod)

    def _end_those_that_went(self, present: set[str]) -> None:
        for uid in set(self._containers) - present:
            self._containers.pop(uid).stop()
        self._done &= present

    def _bind_claims(self) -> None:
        """Make a volume for each claim that waits for one, as the provisioner of K3s does."""
        for claim in self._api.objects("PersistentVolumeClaim"):
            spec, status = claim["spec"], claim.get("status", {})
            if status.get("phase") != "Pending" or spec.get("storageClassName") != STORAGE_CLASS:
                continue
            name = f"pvc-{claim['metadata']['uid']}"
            reference = {"kind": "PersistentVolumeClaim", "apiVersion": "v1"}
            reference |= dict(zip(("namespace", "name"), _key(claim), strict=True))
            volume = {
                "accessModes": spec["accessModes"],
                "capacity": spec["resources"]["requests"],
                "claimRef": reference,
                "hostPath": {"path": str(self._folder / "volumes" / name)},
                "storageClassName": STORAGE_CLASS,
            }
            self._api.create("PersistentVolume", None, {"metadata": {"name": name}, "spec": volume})


def _key(item: Object) -> tuple[str, str]:
    return item["metadata"]["namespace"], item["metadata"]["name"]


def _owner(pod: Object) -> str | None:
    """Return the ReplicaSet or the like that made a pod, by its uid."""
    return next((owner["uid"] for owner in pod["metadata"].get("ownerReferences", [])), None)


def _is_wanted(pod: Object) -> bool:
    ended = pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}
    return not ended and "deletionTimestamp" not in pod["metadata"]
