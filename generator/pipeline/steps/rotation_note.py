"""What a rotation set out to do, noted before it does: so the same command goes on after a kill, and rotates once.

The note names values and the revisions that they had, and holds no secret. It goes when what was made is delivered,
whoever delivers it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from generator.errors import BadInputError
from generator.files import write_atomic, write_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.workspace import Workspace


def note_rotation(workspace: Workspace, order: str, before: Mapping[tuple[str, str], str]) -> None:
    """Note what is going to be replaced.

    Args:
        workspace: Whose secrets.
        order: The order, by which the same one is known again.
        before: The values, each with the revision that it has.

    Raises:
        WriteError: The disk refused.
    """
    document = {"order": order, "before": [[*place, revision] for place, revision in before.items()]}
    write_atomic(workspace.note("rotation"), json.dumps(document, indent=2).encode() + b"\n", mode=0o600)


def interrupted_rotation(workspace: Workspace, order: str) -> dict[tuple[str, str], str] | None:
    """Return what the same order set out to replace, if it was interrupted; None otherwise.

    Args:
        workspace: Whose secrets.
        order: The order.

    Raises:
        BadInputError: The note can't be read.
    """
    try:
        document = json.loads(workspace.note("rotation").read_bytes())
        before = {(str(secret), str(name)): str(revision) for secret, name, revision in document["before"]}
        return before if document["order"] == order else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadInputError(
            f"the note of an interrupted rotation, {workspace.note('rotation')}, can't be read",
            where=str(workspace.note("rotation")),
            fix="Remove it, and see with `fmc secret list` what was replaced; then `fmc push` delivers it.",
        ) from error


def forget_rotation(workspace: Workspace) -> None:
    """Drop the note: what was made is delivered.

    Raises:
        WriteError: The disk refused.
    """
    try:
        workspace.note("rotation").unlink(missing_ok=True)
    except OSError as error:
        raise write_error(workspace.note("rotation"), error) from error
