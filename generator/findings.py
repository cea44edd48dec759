"""Rules and findings: one type for what is demanded, one for what was found; all rooms share them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Severity(StrEnum):
    """How bad a finding is: an error stops delivery, a warning is shown."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, order=True)
class Finding:
    """One result of a check.

    Attributes:
        file: The file, as the user knows it (relative where possible); "" if the finding belongs to none.
        line: Line in that file, from 1; 0 if unknown.
        rule: Stable identifier of the rule, `family/name`, e.g. `answers/cidr-overlap`.
        message: What was found and why it is wrong, in one sentence without a full stop.
        path: The place inside the file: answer path (`networks.edge.cidr`), JSON pointer or key; "" if none.
        owner: Who owns the value, e.g. `answer networks.edge.cidr` or `derived from profile ha`; "" if nobody does.
        fix: What to do, as an imperative sentence or a command; "" if the message says it.
        severity: Error or warning.
    """

    file: str
    line: int
    rule: str
    message: str
    path: str = ""
    owner: str = ""
    fix: str = ""
    severity: Severity = Severity.ERROR

    @property
    def where(self) -> str:
        """Return `file:line`, the file alone, or the path, whichever is known."""
        if self.file and self.line:
            return f"{self.file}:{self.line}"
        return self.file or self.path

    def as_dict(self) -> dict[str, object]:
        """Return the finding for `--output json`."""
        return asdict(self)


@dataclass(frozen=True)
class Flaw:
    """What is wrong at one place, said by whoever looked; the rule that it breaks makes a finding of it.

    Attributes:
        file, line, message, path, fix: As of a finding.
        severity: None where it is as bad as the rule says.
    """

    file: str
    line: int
    message: str
    path: str = ""
    fix: str = ""
    severity: Severity | None = None


@dataclass(frozen=True)
class Rule:
    """What is demanded of answers, files, manifests, secrets or commits.

    Attributes:
        id: Stable identifier, `family/name`.
        says: What it demands, as a sentence for people.
        severity: How bad it is to break it; a finding may be milder where the place excuses it.
    """

    id: str
    says: str
    severity: Severity = Severity.ERROR

    def finding(self, flaw: Flaw) -> Finding:
        """Return the finding that a flaw is under this rule."""
        severity = flaw.severity or self.severity
        return Finding(flaw.file, flaw.line, self.id, flaw.message, path=flaw.path, fix=flaw.fix, severity=severity)

    def as_dict(self) -> dict[str, object]:
        """Return the rule for `--output json`."""
        return asdict(self)


_DECLARED: dict[str, Rule] = {}


def declare(identifier: str, says: str, severity: Severity = Severity.ERROR) -> Rule:
    """Declare a rule, where it is judged.

    Args:
        identifier: Stable identifier, `family/name`.
        says: What it demands, as a sentence for people.
        severity: How bad it is to break it.

    Raises:
        ValueError: Another rule has this identifier.
    """
    rule = Rule(identifier, says, severity)
    if _DECLARED.setdefault(identifier, rule) != rule:
        raise ValueError(f"{identifier} is declared twice")
    return rule


def declared_rules() -> Mapping[str, Rule]:
    """Return the rules that the modules loaded so far have declared, by identifier, sorted."""
    return dict(sorted(_DECLARED.items()))
