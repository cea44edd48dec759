"""Out of a backup comes a workspace: decrypted, compared with its manifest, and put together out of sight."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from generator.backup.archive import Unpacker
from generator.backup.due import note_date
from generator.backup.manifest import ANSWERS, STATE, VAULT, bundle_name, note_name
from generator.files import write_error
from generator.workspace import MONOREPO, Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from generator.backup.manifest import Manifest
    from generator.console import Console
    from generator.secrets.vault.model import Vault

TERRAFORM_STATE = "terraform/terraform.tfstate"
"""Below the part infra: what Terraform knows of the machines, and nothing else can tell."""


def recover(path: Path, identity: Path, folder: Path, console: Console) -> tuple[Manifest, Vault, Workspace]:
    """Make a workspace out of a backup.

    Args:
        path: The backup.
        identity: A file with an identity that opens it.
        folder: An empty folder of one's own; the workspace is made in it.
        console: Is told about progress.

    Returns:
        What the backup says of itself, the vault, and the workspace.

    Raises:
        FmcError: The backup can't be opened, is damaged or of a newer format, or the disk refused.
    """
    from generator.secrets.vault.envelope import decrypt
    from generator.secrets.vault.file import open_vault

    archive, workspace = folder / "archive", Workspace(folder / "workspace")
    try:
        for one in (archive, workspace.root, workspace.state.parent):
            one.mkdir(mode=0o700)
    except OSError as error:
        raise write_error(folder, error) from error
    with console.step("decrypt"):
        unpacker = Unpacker(archive, str(path))
        decrypt(path, unpacker.feed, identity)
        manifest = unpacker.finish()
    vault = open_vault(archive / VAULT, identity, cluster=manifest.cluster)
    with console.step("restore the repositories"):
        _unbundle(manifest, archive, workspace)
    _move(manifest, archive, workspace)
    note_date(workspace.note("backup"), datetime.fromisoformat(manifest.made))
    return manifest, vault, workspace


def places(workspace: Workspace, infra: Path | None) -> dict[str, Path]:
    """Return where the files of a backup lie in a workspace, by the names in the archive.

    Args:
        workspace: The workspace.
        infra: The folder of the part infra; None where it has none.
    """
    notes = (workspace.note("answers"), workspace.note("rotation"), workspace.state)
    found = {ANSWERS: workspace.answers, VAULT: workspace.vault, **{note_name(note.name): note for note in notes}}
    return found | ({STATE: infra / TERRAFORM_STATE} if infra else {})


def part_folder(manifest: Manifest, workspace: Workspace, part: str) -> Path:
    """Return where a part lies in a restored workspace, or would lie if the backup had it."""
    folders = {one.part: workspace.root / one.folder for one in manifest.repositories}
    return folders[MONOREPO] / part if MONOREPO in folders else folders.get(part, workspace.root / part)


def _unbundle(manifest: Manifest, archive: Path, workspace: Workspace) -> None:
    from generator.delivery.local.bundle import Bundled, unbundle
    from generator.delivery.model import Target

    for one in manifest.repositories:
        target = Target(one.part, workspace.root / one.folder, one.url, one.branch)
        try:
            target.path.mkdir()
        except OSError as error:
            raise write_error(target.path, error) from error
        unbundle(target, archive / bundle_name(one.part), Bundled(one.commit, one.object_format, one.uncommitted))


def _move(manifest: Manifest, archive: Path, workspace: Workspace) -> None:
    """Move what lies beside the repositories to its place."""
    for name, place in places(workspace, part_folder(manifest, workspace, "infra")).items():
        if (archive / name).exists():
            try:
                (archive / name).rename(place)
            except OSError as error:
                raise write_error(place, error) from error
