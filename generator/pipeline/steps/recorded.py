"""The answers that Copier recorded in a repository, as it wrote them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.delivery.local.repository import RECORDED_ANSWERS

if TYPE_CHECKING:
    from pathlib import Path


def answers_in(folder: Path) -> dict[str, Any]:
    """Return what is recorded in a rendered tree; nothing where there is none, or it can't be read."""
    file = folder / RECORDED_ANSWERS
    return answers_of(file.read_bytes()) if file.is_file() else {}


def answers_of(content: bytes | None) -> dict[str, Any]:
    """Return the answers, with Copier's own entries, in a file that Copier wrote; none where it can't be read."""
    import yaml

    from generator.strictyaml import load_plain

    try:
        answers = load_plain(content or b"")
    except (yaml.YAMLError, ValueError):
        return {}
    return answers if isinstance(answers, dict) else {}
