"""What the publishers of the pinned programs offer for download, made of the programs that the test tools built."""

from __future__ import annotations

import hashlib
import tarfile
from typing import TYPE_CHECKING

from tests.toolchain.build import tools_folder
from tests.toolchain.tool import read_tools

if TYPE_CHECKING:
    from pathlib import Path

# Where each program lies in the archive of its release.
_MEMBERS = {"coredns": "coredns", "node_exporter": "node_exporter-{version}.linux-amd64/node_exporter"}


def offer(shared: Path) -> dict[str, dict[str, str]]:
    """Write the archives into the folder that every host sees as /srv/lab.

    Returns:
        For each program the variables of the inventory that lead to its archive.
    """
    tools = {program: tool for tool in read_tools().values() for program in tool.programs}
    variables = {}
    for program, member in _MEMBERS.items():
        archive = shared / f"{program}.tar.gz"
        # Made once: somebody else may have been told its digest, and another one has another time in it.
        if not archive.exists():
            name = member.format(version=tools[program].version.removeprefix("v"))
            with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
                tar.add((tools_folder() / program).resolve(), name)
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        variables[program] = {
            f"{program}_url": f"file:///srv/lab/{archive.name}",
            f"{program}_checksum": f"sha256:{digest}",
        }
    return variables
