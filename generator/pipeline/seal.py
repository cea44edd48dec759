"""`fmc seal` and `fmc secret`: work on the secrets of repositories that exist."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from generator.secrets.identities import Identities, identity_path
from generator.secrets.repository import seal_repository
from generator.template.source import find_template
from generator.workspace import find_repositories

if TYPE_CHECKING:
    from pathlib import Path

    from generator.console import Console
    from generator.secrets.repository import SealReport
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
    with console.step("read the recorded answers"):
        repositories = find_repositories(start, find_template().root)
    with console.step("make and seal the secrets"), repositories.workspace.locked():
        report = seal_repository(
            repositories.catalogue_root,
            repositories.workspace.vault,
            Identities(identity_path(identity, os.environ), tuple(repositories.loaded.answers.vault_recipients)),
            os.environ,
            datetime.now(UTC),
        )
    return repositories, report
