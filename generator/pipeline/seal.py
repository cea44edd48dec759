"""`fmc seal`, `fmc secret` and `fmc keys`: work on the secrets of repositories that exist."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from generator.pipeline.steps.supplied import take_supplied_values
from generator.secrets.vault.identities import Identities, identity_path
from generator.template.source import template_root
from generator.workspace import find_repositories

if TYPE_CHECKING:
    from pathlib import Path

    from generator.console import Console
    from generator.secrets.listing import SecretRow
    from generator.secrets.seal import SealReport
    from generator.secrets.set_value import SetReport
    from generator.secrets.vault.plaintext import Plaintext
    from generator.workspace import Repositories


def seal(start: Path, identity: Path | None, console: Console) -> tuple[Repositories, SealReport]:
    """Make the secrets that are missing, and bring the sealed manifests up to date; nothing is committed.

    Args:
        start: The workspace, or a folder in it.
        identity: The operator's age identity; None for the usual place.
        console: Is told about progress.

    Raises:
        FmcError: The workspace has no catalogue, or its vault can't be opened or written.
    """
    from generator.secrets.seal import seal_repository

    supplied = take_supplied_values()
    with console.step("read the recorded answers"):
        repositories = find_repositories(start, template_root())
    with console.step("make and seal the secrets"), repositories.workspace.locked():
        report = seal_repository(
            repositories.catalogue_root,
            repositories.workspace.vault,
            _identities(repositories, identity),
            supplied,
            datetime.now(UTC),
        )
    return repositories, report


def list_values(start: Path, identity: Path | None) -> tuple[SecretRow, ...]:
    """List every value of the catalogue, without plaintexts.

    Args:
        start: The workspace, or a folder in it.
        identity: The operator's age identity; without it the list tells what the repository alone shows.

    Raises:
        FmcError: The workspace has no catalogue, or its vault can't be opened with the identity that is there.
    """
    from generator.secrets.listing import list_secrets

    repositories = find_repositories(start, template_root())
    return list_secrets(
        repositories.catalogue_root,
        repositories.workspace.vault,
        _identities(repositories, identity),
        datetime.now(UTC),
    )


def set_one(start: Path, identity: Path | None, secret: str, value: str | None, content: bytes) -> SetReport:
    """Put one value into the vault.

    Args:
        start: The workspace, or a folder in it.
        identity: The operator's age identity; None for the usual place.
        secret: `namespace/name` of the secret.
        value: Name of the value within it; None where there is only one.
        content: What was typed or piped.

    Raises:
        FmcError: There is no such value, the content can't be one, or the vault can't be opened or written.
    """
    from generator.secrets.set_value import from_input, set_value

    supplied = take_supplied_values()
    repositories = find_repositories(start, template_root())
    with repositories.workspace.locked():
        return set_value(
            repositories.catalogue_root,
            repositories.workspace.vault,
            _identities(repositories, identity),
            secret,
            value,
            from_input(content),
            datetime.now(UTC),
            supplied,
        )


def export_keys(start: Path, identity: Path | None) -> Plaintext:
    """Return the sealing keys as the Secrets that the cluster's controller loads; nothing is written.

    Args:
        start: The workspace, or a folder in it.
        identity: The operator's age identity; None for the usual place.

    Raises:
        FmcError: The workspace has no catalogue, its vault can't be opened, or its keys are not the repository's.
    """
    from generator.secrets import export

    repositories = find_repositories(start, template_root())
    return export.export_keys(
        repositories.catalogue_root, repositories.workspace.vault, _identities(repositories, identity)
    )


def _identities(repositories: Repositories, identity: Path | None) -> Identities:
    return Identities(identity_path(identity, os.environ), tuple(repositories.loaded.answers.vault_recipients))
