"""Files for git and ssh with whom a server is taken for."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from generator.tools.trust import authorities

_THREADS = 8


def test_remotes_that_are_asked_side_by_side_share_a_file_that_stays() -> None:
    """Each thread made one, and all but one were removed while git was about to read them."""
    started = Barrier(_THREADS)

    def asked(number: int) -> str:
        started.wait()
        return authorities(f"round {number} of {os.getpid()}")

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(_THREADS) as pool:
            for number in range(20):
                files = set(pool.map(asked, [number] * _THREADS))
                assert len(files) == 1
                assert Path(files.pop()).read_text().strip().endswith(f"round {number} of {os.getpid()}")
    finally:
        sys.setswitchinterval(before)
