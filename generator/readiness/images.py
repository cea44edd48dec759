"""Disk images that were fetched, against the digests that are pinned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.findings import Flaw
from generator.readiness import ruleset
from generator.wording import command

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from generator.findings import Finding


@dataclass(frozen=True)
class Image:
    """A disk image that lies here.

    Attributes:
        name: As versions.yaml calls it.
        path: The file.
        wanted: The SHA-512 that is pinned, in hexadecimal.
        found: The file's own.
    """

    name: str
    path: Path
    wanted: str
    found: str


def judge_images(images: Iterable[Image]) -> list[Finding]:
    """Compare the digests of images with the pinned ones."""
    return [
        ruleset.IMAGE.finding(
            Flaw(
                str(image.path),
                0,
                f"the image {image.name} has the SHA-512 {image.found[:12]}..., pinned is {image.wanted[:12]}...",
                path=image.name,
                fix=f"Remove it: {command('rm', str(image.path))}; then `make images` in the repository infra.",
            )
        )
        for image in images
        if image.found != image.wanted
    ]
