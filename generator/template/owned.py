"""Files that belong to the user: rendered once, empty, and never again (`_skip_if_exists` in copier.yml)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def owned_by_people(template_root: Path) -> Callable[[str], bool]:
    """Return what tells of a path in a rendered repository whether the file belongs to the user.

    Args:
        template_root: The folder that holds copier.yml.
    """
    from pathspec import PathSpec

    from generator.strictyaml import load_plain

    settings = load_plain((template_root / "copier.yml").read_bytes())
    # Copier matches its patterns as Git does.
    return PathSpec.from_lines("gitignore", settings["_skip_if_exists"]).match_file
