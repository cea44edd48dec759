"""`make release VERSION=x.y.z`: make a release on this machine, and say how it is published."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from generator.console import Console
from generator.errors import FmcError
from release.checkout import BRANCH, Checkout
from release.steps import Released, pass_gate, refusals, release, template_address


def main() -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m release", description=__doc__)
    parser.add_argument("version", help="three numbers with dots, without v")
    parser.add_argument("--gate", action="store_true", help="run `make test` first; what fails is not released")
    arguments = parser.parse_args()
    console = Console()
    try:
        checkout = Checkout(Path(__file__).parents[1])
        if refused := refusals(checkout, arguments.version):
            for error in refused:
                console.error(error)
            return refused[0].exit_code
        if arguments.gate:
            pass_gate(checkout)
        _tell(checkout, release(checkout, arguments.version, datetime.now(UTC).date()))
    except FmcError as error:
        console.error(error)
        return error.exit_code
    return 0


def _tell(checkout: Checkout, released: Released) -> None:
    print(f"Tagged {released.tag}, and built:")
    for file in released.files:
        print(f"  {file.relative_to(checkout.root)}")
    if not template_address(checkout.root):
        print(
            "pyproject.toml names no address of the template (Template in [project.urls]): who installs this wheel\n"
            "gives it by --template-url or FMC_TEMPLATE_URL, or `copier update` finds nothing to follow."
        )
    remote = checkout.remote()
    if not remote:
        print("Nothing was pushed, and there is no remote: git remote add origin URL")
    print(f"To publish it:\n  git push --atomic {remote or 'origin'} {BRANCH} {released.tag}")


if __name__ == "__main__":
    sys.exit(main())
