"""The package `writeback` of the template, which pipelines run to write images: what an image is, it alone decides."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from generator.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from writeback.image import Image

PROGRAM = "templates/apps/ci/bump-image"
"""The program beside the package, below the template's root."""


def read_image(template_root: Path, text: str, *, mutable: bool) -> Image:
    """Return the image that a text names, refusing what pipelines refuse.

    Args:
        template_root: The template.
        text: NAME:TAG@DIGEST.
        mutable: Take one that may be another tomorrow, too.

    Raises:
        BadInputError: It is none, or may be another tomorrow.
    """
    with _importable(template_root):
        from writeback import Failure
        from writeback.image import read_image
    try:
        return read_image(text, mutable=mutable)
    except Failure as failure:
        raise BadInputError(failure.message, fix=failure.fix) from None


def image_in(template_root: Path, text: str, app: str, where: str) -> Image:
    """Return the image that an overlay says for an app.

    Args:
        template_root: The template.
        text: The overlay's kustomization.yaml.
        app: Name of the app.
        where: How messages call the file.

    Raises:
        BadInputError: It says none, or several.
    """
    with _importable(template_root):
        from writeback import Failure
        from writeback.kustomization import image_in
    try:
        return image_in(text, app, where)
    except Failure as failure:
        raise BadInputError(failure.message, where=where, fix=failure.fix) from None


@contextmanager
def _importable(template_root: Path) -> Iterator[None]:
    """Let the package be imported, without a trace in the template."""
    folder, bytecode = str((template_root / PROGRAM).parent), sys.dont_write_bytecode
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.path.remove(folder)
        sys.dont_write_bytecode = bytecode
