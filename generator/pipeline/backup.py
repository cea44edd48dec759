"""`fmc backup`: everything that a cluster needs to come back on an empty machine, in one encrypted file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING

from generator import __version__
from generator.backup.archive import packed, recorded
from generator.backup.due import note_date
from generator.backup.manifest import README, Manifest, RepositoryRecord, bundle_name
from generator.errors import BadInputError
from generator.files import write_streamed
from generator.pipeline.steps.recovery import places

if TYPE_CHECKING:
    from pathlib import Path

    from generator.console import Console
    from generator.delivery.model import Target
    from generator.pipeline.steps.session import Session

_README = """\
Backup of the cluster {cluster}, made on {made}.

`fmc restore FILE --workspace FOLDER` brings all of it back. Without fmc:

  answers.yaml        what the cluster was rendered from
  vault.age           every secret and all sealing keys; the identities that opened the file around this open it, too:
                      age --decrypt --identity identity.txt vault.age
  terraform.tfstate   belongs into infra/terraform/, if it is here
  notes/              what fmc remembers of the workspace; belongs into .fmc/
  manifest.json       the checksum of each file, and the commit of each repository
  repositories/       Git bundles, with all branches, tags and commits that were not pushed:

"""


@dataclass(frozen=True)
class Backup:
    """A backup that was made.

    Attributes:
        path: The file.
        size: Its bytes.
        manifest: What is in it.
        recipients: Who opens it.
    """

    path: Path
    size: int
    manifest: Manifest
    recipients: tuple[str, ...]


def backup(session: Session, path: Path, over: bool, console: Console) -> Backup:
    """Write a workspace into one file, encrypted to whoever opens its vault.

    The vault is opened first: a backup of one that is damaged would be none.

    Args:
        session: The workspace.
        path: The file to make.
        over: Replace a file that is there.
        console: Is told about progress.

    Raises:
        BadInputError: The file is there, or lies in a repository; or a repository can't be backed up as it is.
        FmcError: The vault can't be opened, git failed, or the disk refused.
    """
    from generator.pipeline.steps.staging import staging_folder
    from generator.secrets.vault.envelope import encrypt

    workspace, targets = session.workspace, session.repositories.targets
    _require_place(path, over, targets)
    with workspace.locked():
        vault = session.store.open(session.repositories.loaded.answers.name)
        with staging_folder(workspace) as staging:
            with console.step("bundle the repositories"):
                repositories, sources = _bundled(targets, staging)
            made = datetime.now(UTC).replace(microsecond=0)
            sources |= _files(session)
            sources[README] = _readme(session, made, repositories).encode()
            files = tuple(recorded(name, sources[name]) for name in sorted(sources))
            manifest = Manifest(
                fmc=__version__, cluster=vault.cluster, made=made.isoformat(), repositories=repositories, files=files
            )

            def produce(stream: IO[bytes]) -> None:
                encrypt(packed(manifest, sources), stream, vault.recipients, str(workspace.vault))

            with console.step("encrypt"):
                written = write_streamed(path, produce, over=over)
            if not written:
                raise _is_there(path)
        note_date(workspace.note("backup"), made)
    return Backup(path, path.stat().st_size, manifest, vault.recipients)


def _require_place(path: Path, over: bool, targets: tuple[Target, ...]) -> None:
    if path.is_dir() or (path.exists() and not over):
        raise _is_there(path)
    inside = next((one.path for one in targets if path.absolute().resolve().is_relative_to(one.path.resolve())), None)
    if inside:
        raise BadInputError(
            f"{path} would lie in the repository {inside.name}, which it is to outlive",
            where=str(path),
            fix="Name a file on another disk, or one that is copied to another machine.",
        )


def _is_there(path: Path) -> BadInputError:
    if path.is_dir():
        return BadInputError(f"{path} is a folder", where=str(path), fix="Name the file to make in it.")
    return BadInputError(
        f"{path} is there already", where=str(path), fix="Name another file, or replace this one with --force."
    )


def _bundled(
    targets: tuple[Target, ...], staging: Path
) -> tuple[tuple[RepositoryRecord, ...], dict[str, bytes | Path]]:
    """Write a bundle of each repository, and return the manifest's records with where the bundles lie."""
    from generator.delivery.local.bundle import bundle

    records: list[RepositoryRecord] = []
    sources: dict[str, bytes | Path] = {}
    for target in targets:
        file = staging / f"{target.part}.bundle"
        made = bundle(target, file)
        sources[bundle_name(target.part)] = file
        records.append(
            RepositoryRecord(
                part=target.part,
                folder=target.path.name,
                url=target.url,
                branch=target.branch,
                commit=made.commit,
                object_format=made.object_format,
                uncommitted=made.uncommitted,
            )
        )
    return tuple(records), sources


def _files(session: Session) -> dict[str, bytes]:
    """Return what lies beside the repositories, and the one file in them that Git must not have."""
    found = {}
    for name, place in places(session.workspace, session.repositories.folders.parts.get("infra")).items():
        try:
            found[name] = place.read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise BadInputError(
                f"can't read {place}: {error.strerror}", where=str(place), fix="Put a file there that you may read."
            ) from error
    return found


def _readme(session: Session, made: datetime, repositories: tuple[RepositoryRecord, ...]) -> str:
    name = session.repositories.loaded.answers.name
    clones = "".join(f"  git clone {bundle_name(one.part)} {one.folder}\n" for one in repositories)
    return _README.format(cluster=name, made=f"{made:%Y-%m-%d %H:%M} UTC") + clones
