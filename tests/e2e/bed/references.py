"""What a pod refers to: the Secrets and ConfigMaps without which a kubelet does not start it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.e2e.bed.api import Object


@dataclass(frozen=True)
class Reference:
    """A Secret or ConfigMap that must be there, and the keys that it must have."""

    kind: str
    name: str
    keys: tuple[str, ...] = ()

    def missing_in(self, found: Object | None) -> str | None:
        """Say what is missing; None when everything is there."""
        if found is None:
            return f"{self.kind} {self.name}"
        present = {**found.get("data", {}), **found.get("binaryData", {})}
        lacking = [key for key in self.keys if key not in present]
        return f"{self.kind} {self.name}: {', '.join(lacking)}" if lacking else None


def references(spec: Object) -> Iterator[Reference]:
    """Yield what a pod's spec refers to, but for what it calls optional.

    The fields are those of PodSpec in the Kubernetes API: volumes, projected volumes, envFrom and env.
    """
    for volume in spec.get("volumes", []):
        yield from _volume(volume)
        for source in volume.get("projected", {}).get("sources", []):
            yield from _volume(source)
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        for field, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
            for source in container.get("envFrom", []):
                if field in source and not source[field].get("optional"):
                    yield Reference(kind, source[field]["name"])
        for field, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
            for variable in container.get("env", []):
                wanted = variable.get("valueFrom", {}).get(field)
                if wanted and not wanted.get("optional"):
                    yield Reference(kind, wanted["name"], (wanted["key"],))


def _volume(source: Object) -> Iterator[Reference]:
    for field, kind, name in (("secret", "Secret", "secretName"), ("configMap", "ConfigMap", "name")):
        wanted = source.get(field)
        if wanted and not wanted.get("optional"):
            # A projected source calls the name of a Secret `name`.
            keys = tuple(item["key"] for item in wanted.get("items", []))
            yield Reference(kind, wanted.get(name) or wanted["name"], keys)
