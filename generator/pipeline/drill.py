"""`fmc drill`: whether a backup brings a cluster's secrets back, tried with nothing but what it holds."""

from __future__ import annotations

import base64
import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from generator import __version__
from generator.errors import ToolError
from generator.pipeline.steps.scratch import private_folder
from generator.secrets.vault.identities import identity_path
from generator.signals import termination_as_interrupt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from generator.console import Console
    from generator.drill.report import Report, Verdict
    from generator.secrets.recovered import WantedSecret
    from generator.secrets.vault.model import Vault

CLUSTER, RESTORE = "cluster", "restore"
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of one's own is made in it
_ROOM = 1 << 30  # bytes


def drill(path: Path, identity: Path | None, level: str, seconds: float, console: Console) -> Report:
    """Hold a drill; nothing of it is left.

    Args:
        path: The backup.
        identity: A file with an identity that opens it; None for the usual place.
        level: cluster, for a control plane; restore, for fmc's own unsealing.
        seconds: How long the control plane may take.
        console: Is told about progress.

    Raises:
        ToolError: A program of the control plane is missing, ended, or took too long.
        FmcError: The backup can't be restored.
    """
    from generator.drill.programs import versions
    from generator.drill.report import Report
    from generator.pipeline.steps.recovery import part_folder, recover
    from generator.secrets.recovered import wanted_secrets

    if level == CLUSTER:
        _require_programs()
    held, begun = datetime.now(UTC), time.monotonic()
    with termination_as_interrupt(), private_folder(_place(), "fmc-drill-") as folder:
        manifest, vault, workspace = recover(path, identity_path(identity, os.environ), folder, console)
        scratch = folder / "control-plane"
        scratch.mkdir(mode=0o700)
        root = part_folder(manifest, workspace, "argocd")
        wanted = wanted_secrets(root, vault)
        if level == CLUSTER:
            verdicts, programs = _on_a_cluster(scratch, root, vault, wanted, seconds, console), versions()
        else:
            verdicts, programs = _by_fmc(vault, wanted), ()
    return Report(
        cluster=manifest.cluster,
        backup=path.name,
        made=datetime.fromisoformat(manifest.made),
        held=held,
        level=level,
        seconds=time.monotonic() - begun,
        versions=(f"fmc {__version__}", *programs),
        repositories=[(one.folder, one.commit) for one in manifest.repositories],
        verdicts=verdicts,
    )


def note_drill(report: Report, start: Path) -> bool:
    """Note a drill that went well, in the workspace of its cluster.

    Args:
        report: What it found.
        start: The workspace, or a folder in it, or any other one.

    Returns:
        Whether there is such a workspace, and it is noted.

    Raises:
        WriteError: The disk refused.
    """
    from generator.backup.due import note_date
    from generator.workspace import workspace_around

    workspace = workspace_around(start)
    clusters = {found.cluster for found in workspace.rendered().values()} if workspace else set()
    if workspace is None or clusters != {report.cluster} or not report.is_good:
        return False
    note_date(workspace.note("drill"), report.held)
    return True


def _require_programs() -> None:
    from generator.drill.programs import missing_programs

    if missing := missing_programs():
        raise ToolError(
            f"a drill on a control plane needs {', '.join(missing)}, which are neither on PATH nor in FMC_TOOLS_DIR",
            fix="Install them, or hold the drill without servers: `fmc drill --level restore FILE`.",
        )


def _place() -> Path:
    """Return where a drill's folder is made: in memory where there is room, since etcd writes to it."""
    import tempfile

    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK):
        system = os.statvfs(_MEMORY)
        if system.f_bavail * system.f_frsize >= _ROOM:
            return _MEMORY
    return Path(tempfile.gettempdir())


def _on_a_cluster(
    folder: Path, root: Path, vault: Vault, wanted: Sequence[WantedSecret], seconds: float, console: Console
) -> list[Verdict]:
    from generator.drill.cluster import Manifest, cluster
    from generator.secrets.recovered import sealing_keys

    namespace, keys = sealing_keys(root, vault)
    with cluster(folder, seconds) as running:
        with console.step("start a control plane"):
            running.start()
        with console.step("bring the sealing keys, and start the controller"):
            running.give_keys(namespace, json.loads(keys.reveal())["items"])
        with console.step("unseal"):
            unsealed = running.unseal([Manifest(one.namespace, one.name, one.manifest) for one in wanted])
    return [
        _verdict(one, found.problem, {key: base64.b64decode(text) for key, text in found.data.items()}, found.type)
        for one, found in zip(wanted, unsealed, strict=True)
    ]


def _by_fmc(vault: Vault, wanted: Sequence[WantedSecret]) -> list[Verdict]:
    from generator.secrets.recovered import opened_here

    return [_verdict(one, *opened_here(one, vault), one.type) for one in wanted]


def _verdict(wanted: WantedSecret, problem: str, found: Mapping[str, bytes], kind: str) -> Verdict:
    from generator.drill.report import Verdict

    problems = [problem] if problem else wanted.differences(found)
    if not problem and wanted.type and kind != wanted.type:
        problems.append(f"its type is {kind}, not {wanted.type}")
    unknown = sum(content is None for content in wanted.sealed.values())
    keys = len(wanted.sealed) + len(wanted.plain)
    return Verdict(f"{wanted.namespace}/{wanted.name}", keys, unknown, tuple(problems))
