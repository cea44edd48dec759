"""Files that belong to the user: rendered once, empty, and never again (`_skip_if_exists` in copier.yml)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def owned_files(template_root: Path, repository: Path) -> list[str]:
    """Return the user's files of a rendered repository.

    Args:
        template_root: The folder that holds copier.yml.
        repository: The repository.

    Returns:
        Their paths, relative to the repository, sorted.
    """
    import yaml
    from pathspec import PathSpec

    settings = yaml.safe_load((template_root / "copier.yml").read_bytes())
    # Copier matches its patterns as Git does.
    patterns = PathSpec.from_lines("gitignore", settings["_skip_if_exists"])
    return sorted(name for name in patterns.match_tree_files(repository) if not name.startswith(".git/"))
