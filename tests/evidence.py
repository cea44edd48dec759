"""Lines of evidence that long tests print while they run, whatever pytest captures."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


def evidence_of(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Return a function that prints a line, with the seconds since now in front of it."""
    begin = time.monotonic()
    plugins = request.config.pluginmanager
    reporter, capture = plugins.getplugin("terminalreporter"), plugins.getplugin("capturemanager")
    assert reporter is not None
    assert capture is not None

    def say(text: str) -> None:
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(f"  {time.monotonic() - begin:6.1f} s  {text}")

    return say
