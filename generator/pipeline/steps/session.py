"""A session: what every verb on an existing workspace begins with."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from generator.pipeline.steps.supplied import take_supplied_values
from generator.secrets.vault.identities import Identities, identity_path
from generator.template.source import template_root
from generator.workspace import find_repositories

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from generator.secrets.store import Store
    from generator.workspace import Repositories, Workspace


@dataclass(frozen=True)
class Session:
    """One verb at work on the repositories of a workspace.

    Attributes:
        repositories: The repositories, and the answers that are recorded in them.
        supplied: The environment as the user gave it; what may be a secret of the cluster is in no child's.
        identity: The operator's age identity, there or not.
    """

    repositories: Repositories
    supplied: Mapping[str, str]
    identity: Path

    @classmethod
    def open(cls, start: Path, identity: Path | None) -> Self:
        """Find the workspace.

        Args:
            start: The workspace, or a folder in it.
            identity: The operator's age identity; None for the usual place.

        Raises:
            BadInputError: There is no workspace, or its repositories are of different clusters.
        """
        supplied = take_supplied_values()
        return cls(find_repositories(start, template_root()), supplied, identity_path(identity, os.environ))

    @property
    def workspace(self) -> Workspace:
        """The folder that holds everything."""
        return self.repositories.workspace

    @property
    def store(self) -> Store:
        """Where the secrets lie.

        Raises:
            BadInputError: The part argocd is not there.
        """
        from generator.secrets.store import Store

        recipients = tuple(self.repositories.loaded.answers.vault_recipients)
        return Store(self.repositories.catalogue_root, self.workspace.vault, Identities(self.identity, recipients))
