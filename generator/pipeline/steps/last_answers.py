"""What fmc remembers of the answers between two runs in a workspace; without it, every difference is a person's."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from generator.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.workspace import Workspace


@dataclass(frozen=True)
class LastAnswers:
    """The answers of the last run.

    Attributes:
        written: The sha256 of answers.yaml as fmc wrote it; a file with another one was changed by a person.
        rendered: What all repositories were rendered from, by question.
    """

    written: str = ""
    rendered: Mapping[str, object] = field(default_factory=dict)


def last_answers(workspace: Workspace) -> LastAnswers:
    """Return what is known of the last run; nothing where there was none, or where somebody has spoilt the file."""
    try:
        found = json.loads(workspace.note("answers").read_bytes())
        return LastAnswers(str(found["written"]), dict(found["rendered"]))
    except (OSError, ValueError, TypeError, KeyError):
        return LastAnswers()


def is_fmcs_own(workspace: Workspace) -> bool:
    """Tell whether answers.yaml is as fmc wrote it, be it in a run that was killed before its first commit."""
    return workspace.answers.is_file() and last_answers(workspace).written == _digest(workspace.answers.read_bytes())


def write_answers(workspace: Workspace, content: bytes) -> None:
    """Write answers.yaml.

    Raises:
        WriteError: The disk refused.
    """
    # First: a kill in between leaves the answers that the repositories were rendered from.
    _write(workspace, replace(last_answers(workspace), written=_digest(content)))
    write_atomic(workspace.answers, content)


def remember_rendered(workspace: Workspace, data: Mapping[str, object]) -> None:
    """Remember what all repositories are rendered from now.

    Raises:
        WriteError: The disk refused.
    """
    _write(workspace, replace(last_answers(workspace), rendered=dict(data)))


def _write(workspace: Workspace, last: LastAnswers) -> None:
    if last != last_answers(workspace):
        write_atomic(workspace.note("answers"), f"{json.dumps(asdict(last), indent=2)}\n".encode())


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()
