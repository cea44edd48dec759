"""Comparing the answers that the parts of a cluster record: they are rendered apart, and must be of one cluster."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from generator.answers.document import read
from generator.findings import Flaw, declare
from generator.wording import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.answers.load import LoadedAnswers
    from generator.findings import Finding

PARTS_DIFFER = declare("answers/parts-differ", "All parts of a cluster are rendered from the same answers.")
# Each part records its own layout.
_OWN = frozenset({"layout"})
_LONGEST_SHOWN = 60


def compare(recorded: Mapping[str, LoadedAnswers]) -> list[Finding]:
    """Find the answers in which parts differ from the last of them, which the cluster acts on.

    Args:
        recorded: The answers of each part, by its layout.

    Returns:
        A finding for each part and answer, at the place where the part records it.
    """
    *others, (layout, last) = recorded.items()
    findings = []
    for _, other in others:
        differing = [name for name, value in last.data.items() if name not in _OWN and other.data.get(name) != value]
        document = read(other.path) if differing else None
        for name in differing:
            _, line = document.place(name) if document else ("", 0)
            message = f"{name} is {_shown(other.data.get(name))} here, and {_shown(last.data[name])} in {layout}"
            fix = "Decide on one value, write it into answers.yaml, and run `fmc new --answers answers.yaml`."
            file = f"{other.path.parent.name}/{other.path.name}"
            findings.append(PARTS_DIFFER.finding(Flaw(file, line, message, path=name, fix=fix)))
    return findings


def _shown(value: object) -> str:
    return printable(json.dumps(value, default=str), _LONGEST_SHOWN)
