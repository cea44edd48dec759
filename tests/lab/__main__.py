"""`python -m tests.lab [PYTEST ARGUMENTS]`: the rendered Ansible on hosts with a real systemd (as root)."""

from __future__ import annotations

import os
import sys

from generator.errors import FmcError
from tests.e2e.bed.machine import run_inside
from tests.lab.hosts.image import make_image
from tests.lab.preflight import require_all
from tests.toolchain.build import tools_folder

_APART = ("tests/lab/existing", "tests/lab/terraform")
_EACH = (
    ["-q", "tests/lab", *(f"--ignore={folder}" for folder in _APART)],
    *(["-q", folder] for folder in _APART),
)
"""What runs where nothing is named. Each has a lab of its own: their networks have the same addresses."""


def main(arguments: list[str]) -> int:
    """Run the tests in namespaces of their own, and return pytest's exit code."""
    try:
        require_all()
        # Made where the mirror of the distribution can be reached; the namespaces have no way out.
        make_image(tools_folder().parent)
    except FmcError as error:
        print(f"lab: {error.message}" + (f"\n  {error.fix}" if error.fix else ""), file=sys.stderr)
        return 4
    os.environ["FMC_LAB"] = "1"
    runs = [arguments] if arguments else _EACH
    codes = [run_inside([sys.executable, "-m", "pytest", *each]) for each in runs]
    # A run that was killed has a negative one.
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
