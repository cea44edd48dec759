"""A finding: one result of a check, the same type for answers, manifests and delivery."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum


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
