"""The sealed manifests of a repository, as they lie on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.errors import BadInputError
from generator.secrets.catalogue.model import CERTIFICATE, SEALED_SUFFIX

if TYPE_CHECKING:
    from pathlib import Path


def is_sealed_file(path: str) -> bool:
    """Tell whether a path in a repository is one that sealing alone writes: a sealed manifest, or the certificate."""
    return path.endswith(SEALED_SUFFIX) or f"/{path}".endswith(f"/{CERTIFICATE}")


def sealed_files(root: Path) -> list[str]:
    """Return the paths of all sealed manifests below `secrets/`, relative to the root, sorted."""
    found = (path for path in (root / "secrets").rglob(f"*{SEALED_SUFFIX}") if path.is_file())
    return sorted(path.relative_to(root).as_posix() for path in found)


def sealed_snapshot(root: Path) -> dict[str, bytes]:
    """Return the sealed manifests of a repository, by path below its root.

    Raises:
        BadInputError: One of them can't be read.
    """
    return {name: content for name in sealed_files(root) if (content := content_of(root / name)) is not None}


def content_of(path: Path) -> bytes | None:
    """Return what a file holds; None if there is none.

    Raises:
        BadInputError: It can't be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadInputError(f"can't read {path}: {error.strerror}", where=str(path)) from error
