"""Where the bed keeps what has to outlive it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.e2e.bed.machine import ENTER

ROOT = Path(__file__).parents[3]


def test_the_logs_of_a_failed_run_are_not_in_memory_that_ends_with_it() -> None:
    """Tests write to memory where there is room; that of the bed is its own."""
    inherited = {name: value for name, value in os.environ.items() if name != "TMPDIR"}
    program = "import tempfile, tests.conftest; print(tempfile.gettempdir())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=inherited | {"FMC_E2E": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert any("/dev/shm" in word for word in ENTER)
    assert not done.stdout.startswith("/dev/shm")
