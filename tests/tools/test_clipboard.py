"""The clipboard: a value gets there through a pipe, and is taken back unless something else is there by then."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from generator.errors import ToolError
from generator.tools.clipboard import copy
from tests.remedies.walk import advice

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VALUE = b"sentinel-of-the-clipboard"
# Programs that keep the clipboard in a file beside them, and note how they were called.
COPY = """#!{python}
import pathlib, sys
here = pathlib.Path(__file__).parent
(here / "arguments").open("a").write(" ".join(sys.argv) + "\\n")
(here / "clipboard").write_bytes(sys.stdin.buffer.read())
"""
PASTE = """#!{python}
import pathlib, sys
sys.stdout.buffer.write((pathlib.Path(__file__).parent / "clipboard").read_bytes())
"""


@pytest.fixture
def desktop(tmp_path: Path) -> Mapping[str, str]:
    for name, text in (("wl-copy", COPY), ("wl-paste", PASTE)):
        program = tmp_path / name
        program.write_text(text.format(python=sys.executable))
        program.chmod(0o755)
    return {"PATH": str(tmp_path), "WAYLAND_DISPLAY": "wayland-0"}


def becomes(file: Path, content: bytes) -> bool:
    """Wait until a file has that content, for a while."""
    end = time.monotonic() + 20
    while file.read_bytes() != content and time.monotonic() < end:
        time.sleep(0.05)
    return file.read_bytes() == content


def test_it_is_copied_through_a_pipe_and_taken_back(desktop: Mapping[str, str], tmp_path: Path) -> None:
    assert copy(VALUE, 1, desktop) == "wl-copy"
    assert (tmp_path / "clipboard").read_bytes() == VALUE
    assert becomes(tmp_path / "clipboard", b"")
    assert VALUE.decode() not in (tmp_path / "arguments").read_text()


def test_what_somebody_copied_since_stays(desktop: Mapping[str, str], tmp_path: Path) -> None:
    copy(VALUE, 1, desktop)
    (tmp_path / "clipboard").write_bytes(b"another")
    time.sleep(2)
    assert (tmp_path / "clipboard").read_bytes() == b"another"


def test_it_may_stay(desktop: Mapping[str, str], tmp_path: Path) -> None:
    copy(VALUE, 0, desktop)
    assert (tmp_path / "clipboard").read_bytes() == VALUE


def test_without_a_desktop_it_is_said_what_is_missing(desktop: Mapping[str, str], tmp_path: Path) -> None:
    advice(lambda: copy(VALUE, 0, {"PATH": str(tmp_path)}), "Install wl-clipboard (Wayland) or xclip (X11).")
    copy(VALUE, 0, desktop)


def test_a_program_that_fails_is_named_and_nothing_of_the_value(desktop: Mapping[str, str], tmp_path: Path) -> None:
    (tmp_path / "wl-copy").write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(ToolError, match="wl-copy could not copy to the clipboard") as caught:
        copy(VALUE, 0, desktop)
    assert "Leave --clipboard out" in (caught.value.fix or "")
    assert VALUE.decode() not in str(caught.value)
