"""The answers that fmc itself reads; all others go to the template as they are."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Answers:
    """Answers to questions of copier.yml; what each one means stands there."""

    name: str
    domain: str
    layout: str
    git_branch: str
    vault_recipients: list[str]
    git_authority: str
    git_known_hosts: list[str]
    forge: dict[str, Any]

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Answers:
        """Return those of the answers to all questions that fmc reads."""
        return cls(**{name: data[name] for name in READ})


READ = frozenset(field.name for field in fields(Answers))
