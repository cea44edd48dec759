"""What a sealed value is bound to."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """What a sealed value is bound to: strict ones, if nothing else is said."""

    STRICT = "strict"
    NAMESPACE_WIDE = "namespace-wide"
    CLUSTER_WIDE = "cluster-wide"

    def label(self, namespace: str, name: str) -> bytes:
        """Return the OAEP label: `namespace/name`, `namespace`, or nothing."""
        match self:
            case Scope.STRICT:
                return f"{namespace}/{name}".encode()
            case Scope.NAMESPACE_WIDE:
                return namespace.encode()
            case Scope.CLUSTER_WIDE:
                return b""

    @property
    def annotation(self) -> str:
        """Return the annotation, with the value "true", that says it to the controller; "" for strict."""
        return "" if self is Scope.STRICT else f"sealedsecrets.bitnami.com/{self.value}"
