"""The sessions of `python -m tests.lab`: each is a lab of its own, and some run at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.e2e.bed.machine import ENTER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SESSIONS: Mapping[str, Sequence[str]] = {
    "k3s": ("tests/lab/test_k3s.py", "tests/lab/test_restarts.py", "tests/lab/test_day2.py"),
    "site": (
        "tests/lab/test_site.py",
        "tests/lab/test_names_and_time.py",
        "tests/lab/test_loadbalancers.py",
        "tests/lab/test_loadbalancer_faults.py",
        "tests/lab/test_firewall.py",
        "tests/lab/test_metrics.py",
        "tests/lab/test_scrape_configs.py",
    ),
    "machines": (
        "tests/lab/test_stand_in_k3s.py",
        "tests/lab/test_connection.py",
        "tests/lab/test_storage.py",
        "tests/lab/test_ddns.py",
        "tests/lab/test_vpn.py",
    ),
    "bridges": ("tests/lab/test_hypervisor.py",),
    "terraform": ("tests/lab/terraform",),
    "existing": ("tests/lab/existing",),
}
"""What each runs, the longest first. Their networks have the same addresses, so that each has namespaces of its own."""
AT_ONCE = 3
"""How many run at the same time: one waits for hosts while another one computes."""
_print = threading.Lock()


def run(names: Sequence[str]) -> int:
    """Run sessions, and print their lines with the session's name in front.

    Args:
        names: Which; all where none is named.

    Returns:
        The exit code of the first one that failed, 0 if none did; that of one that was killed is negative.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        codes = list(pool.map(_run, names or SESSIONS))
    return next((code for code in codes if code), 0)


def _run(name: str) -> int:
    begin = time.monotonic()
    code = run_session(name, [*ENTER, sys.executable, "-m", "pytest", "-q", *SESSIONS[name]])
    _say(name, f"ended with exit code {code} after {time.monotonic() - begin:.0f} s")
    return code


def run_session(name: str, command: Sequence[str]) -> int:
    """Run the command of a session to its end, with the session's name before each of its lines."""
    with subprocess.Popen(
        command,
        # Lines come when they are printed, also to whoever is no terminal.
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            _say(name, line.rstrip("\n"))
    return process.returncode


def _say(name: str, line: str) -> None:
    with _print:
        print(f"{name:9} | {line}", flush=True)
