"""An image as people and registries write it: NAME[:TAG][@DIGEST]."""

from __future__ import annotations

import re
from dataclasses import dataclass

from writeback import Failure

# github.com/distribution/reference, regexp.go
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]+)?/)?"
_IMAGE = re.compile(rf"({_HOST}{_PART}(?:/{_PART})*)(?::([\w][\w.-]{{0,127}}))?(?:@(sha256:[0-9a-f]{{64}}))?", re.ASCII)


@dataclass(frozen=True)
class Image:
    """An image; at least one of tag and digest is there.

    Attributes:
        name: With the registry, where it is not the usual one.
        tag: What people read; None where there is none.
        digest: What decides which image it is; None where the registry may decide it anew each day.
    """

    name: str
    tag: str | None
    digest: str | None

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def read_image(text: str, *, mutable: bool = False) -> Image:
    """Return the image that a text names.

    Args:
        text: As the build pushed it.
        mutable: Take one that may be another tomorrow, too.

    Raises:
        Failure: It is none, or may be another tomorrow.
    """
    found = _IMAGE.fullmatch(text)
    if not found or not (found[2] or found[3]):
        raise Failure(f"{text!r} is no image with a digest", "Write it as NAME:TAG@sha256:..., in small letters.", 2)
    image = Image(found[1], found[2], found[3])
    if mutable or (image.digest and image.tag != "latest"):
        return image
    why = "the tag latest says nothing" if image.tag == "latest" else "a tag without a digest can be moved"
    raise Failure(
        f"{text}: {why}, so that Git would not tell what runs",
        "Give the digest that the push printed, or allow it with --allow-mutable.",
        2,
    )
