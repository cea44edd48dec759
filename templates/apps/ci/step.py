"""What the steps that are Python have in common: settings, what earlier steps left, and how a step ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Callable, NoReturn

from writeback import Failure

__all__ = ["Failure", "image_of", "images", "run", "settings"]

_HERE = Path(__file__).parent


def settings() -> dict[str, str]:
    """Return the variables: those of the environment, else those of settings.env."""
    lines = (_HERE / "settings.env").read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if not line.startswith("#"))
    return {**{name: value for name, sign, value in pairs if sign}, **os.environ}


def _out() -> Path:
    return _HERE.parent / os.environ.get("CI_OUT", "out")


def image_of(app: str) -> str:
    """Return the image that build-image pushed: NAME:TAG@DIGEST.

    Raises:
        Failure: There is none.
    """
    file = _out() / app / "image"
    if not file.is_file():
        raise Failure(f"nothing was pushed for {app} in this checkout", f"Run `ci/build-image {app} --push` first.", 2)
    return file.read_text(encoding="utf-8").strip()


def images() -> list[str]:
    """Return all images that were pushed here, without their digests."""
    return [file.read_text(encoding="utf-8").partition("@")[0] for file in sorted(_out().glob("*/image"))]


def run(main: Callable[[list[str]], None], help: str | None) -> NoReturn:
    """Do a step, and end the process as it ended."""
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(help, end="")
        sys.exit(0)
    try:
        main(sys.argv[1:])
    except Failure as failure:
        print(f"{Path(sys.argv[0]).name}: {failure.message}\n  {failure.fix}", file=sys.stderr)
        sys.exit(failure.code)
    sys.exit(0)
