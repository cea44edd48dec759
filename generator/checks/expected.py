"""What the recorded answers say that the trees hold, as plain data: checks know nothing of answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Expected:
    """What the recorded answers say of the trees.

    Attributes:
        plan: The address plan, as the template renders it; empty where it is not known, and nothing is compared then.
        domain: Domain of the cluster.
    """

    plan: Mapping[str, Any] = field(default_factory=dict)
    domain: str = ""

    @property
    def urls(self) -> dict[str, str]:
        """The URL of each part's repository, as far as it is known."""
        return {part: str(repository["url"]) for part, repository in self.plan.get("repositories", {}).items()}


NOTHING = Expected()
"""Nothing is known, and so nothing is compared."""
