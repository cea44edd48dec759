"""`python -m tests.lab [SESSION ... | PYTEST ARGUMENTS]`: what is rendered, on real hosts (as root)."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

from generator.errors import FmcError
from tests.e2e.bed.machine import run_inside
from tests.lab.hosts.guest_image import make_guest_image
from tests.lab.hosts.image import make_image
from tests.lab.preflight import require_all
from tests.lab.sessions import SESSIONS, run
from tests.toolchain.build import tools_folder


def main(arguments: list[str]) -> int:
    """Run what is named, all sessions where nothing is, in namespaces of their own.

    Returns:
        pytest's exit code, of sessions that of the first one that failed; 4 if the lab can't run here.
    """
    try:
        require_all()
        # Made where the mirror of the distribution can be reached; the namespaces have no way out.
        with ThreadPoolExecutor() as pool:
            for made in [pool.submit(make, tools_folder().parent) for make in (make_image, make_guest_image)]:
                made.result()
    except FmcError as error:
        print(f"lab: {error.message}" + (f"\n  {error.fix}" if error.fix else ""), file=sys.stderr)
        return 4
    os.environ["FMC_LAB"] = "1"
    if set(arguments) <= set(SESSIONS):
        return run(arguments)
    return run_inside([sys.executable, "-m", "pytest", *arguments])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
