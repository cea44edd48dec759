"""Where a cluster's secrets lie: the repository that is sealed, the vault, and who opens it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.secrets.catalogue.read import read_catalogue
from generator.secrets.vault.file import open_vault

if TYPE_CHECKING:
    from pathlib import Path

    from generator.secrets.catalogue.model import Catalogue
    from generator.secrets.vault.identities import Identities
    from generator.secrets.vault.model import Vault


@dataclass(frozen=True)
class Store:
    """What every verb on secrets works on.

    Attributes:
        root: Folder that holds `secrets/`: the repository argocd, or the folder argocd of a monorepo.
        vault: The vault's file, there or not.
        identities: Who opens the vault, and who a new one is encrypted to.
    """

    root: Path
    vault: Path
    identities: Identities

    def catalogue(self) -> Catalogue:
        """Read the catalogue.

        Raises:
            BadInputError: There is none, or it can't be read.
            CatalogueError: It has findings.
        """
        return read_catalogue(self.root)

    def open(self, cluster: str) -> Vault:
        """Open the vault of a cluster.

        Raises:
            VaultError: There is none, the identity doesn't open it, or it is another cluster's.
        """
        return open_vault(self.vault, self.identities.path, cluster=cluster)
