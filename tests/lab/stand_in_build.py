"""Makes the stand-in for K3s one file, as the real one is."""

from __future__ import annotations

import hashlib
import shutil
import zipapp
from pathlib import Path

_PACKAGE = "tests/lab/stand_in_k3s"
_HERE = Path(__file__).parent


def build(target: Path, version: str) -> str:
    """Write the stand-in as one program.

    Args:
        target: The file.
        version: The release of K3s that it passes for.

    Returns:
        Its digest, in the form of Ansible's get_url.
    """
    staging = target.with_suffix(".staging")
    package = staging / _PACKAGE
    shutil.copytree(_HERE / "stand_in_k3s", package, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in (staging / "tests", staging / "tests" / "lab"):
        (folder / "__init__.py").touch()
    (package / "version.txt").write_text(version)
    (staging / "__main__.py").write_text(
        "import sys\n\nfrom tests.lab.stand_in_k3s.__main__ import main\n\nsys.exit(main(sys.argv[1:]))\n"
    )
    zipapp.create_archive(staging, target, interpreter="/usr/bin/env python3")
    shutil.rmtree(staging)
    target.chmod(0o755)
    return f"sha256:{hashlib.sha256(target.read_bytes()).hexdigest()}"
