"""A rendered repository, a vault beside it, and one small sealing key for the whole session."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from generator.secrets.catalogue.model import CATALOGUE
from generator.secrets.catalogue.read import read_catalogue
from generator.secrets.seal import GitState, SealReport, seal_repository
from generator.secrets.sealing.disputes import NO_PREFERENCE, Preference
from generator.secrets.set_value import set_value
from generator.secrets.store import Store
from generator.secrets.vault.file import open_vault
from generator.secrets.vault.identities import Identities
from generator.secrets.vault.keys import SealingKey, generate_sealing_key
from generator.secrets.vault.model import Vault
from tests.conftest import require_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from generator.secrets.catalogue.model import Catalogue

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FULL = (HERE / "catalogues" / "full.yaml").read_text()
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
TOKEN = {"FMC_TEST_TOKEN": "glpat-4711-external-value"}


@dataclass
class Workspace:
    """A folder with a repository to seal, its vault and its identities."""

    folder: Path
    key: SealingKey
    external: Mapping[str, str] = field(default_factory=lambda: dict(TOKEN))
    now: datetime = NOW

    @property
    def root(self) -> Path:
        return self.folder / "argocd"

    @property
    def vault(self) -> Path:
        return self.folder / "vault.age"

    @property
    def identities(self) -> Identities:
        return Identities(self.folder / "config" / "identity.txt")

    @property
    def store(self) -> Store:
        return Store(self.root, self.vault, self.identities)

    def write_catalogue(self, text: str) -> None:
        path = self.root / CATALOGUE
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def seal(self, preference: Preference = NO_PREFERENCE, *delivered: Mapping[str, bytes]) -> SealReport:
        git = GitState(delivered=delivered, preference=preference)
        return seal_repository(self.store, self.external, self.now, self.key, git)

    def catalogue(self) -> Catalogue:
        return read_catalogue(self.root)

    def open(self) -> Vault:
        return open_vault(self.vault, self.identities.path, cluster="home")

    def files(self) -> dict[str, bytes]:
        """Everything that lies in the repository, by path."""
        files = (path for path in sorted(self.root.rglob("*")) if path.is_file())
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in files}


def put(workspace: Workspace, secret: str, value: str, content: bytes) -> None:
    workspace.now += timedelta(minutes=1)
    set_value(workspace.store, secret, value, content, workspace.now)


def fall_behind(workspace: Workspace) -> bytes:
    """Seal a newer token, and bring the vault back that does not know it; return the one that does."""
    old = workspace.vault.read_bytes()
    put(workspace, "registry/push-token", "token", b"the-newer-token")
    workspace.seal()
    newest = workspace.vault.read_bytes()
    workspace.vault.write_bytes(old)
    return newest


@pytest.fixture(scope="session")
def sealing_key() -> SealingKey:
    return generate_sealing_key(2048)


@pytest.fixture(scope="session")
def other_key() -> SealingKey:
    return generate_sealing_key(2048)


@pytest.fixture
def workspace(tmp_path: Path, sealing_key: SealingKey) -> Workspace:
    workspace = Workspace(tmp_path, sealing_key)
    workspace.write_catalogue(FULL)
    return workspace


@pytest.fixture
def vault(sealing_key: SealingKey) -> Vault:
    return Vault.new("home", "sealed-secrets-key-1", sealing_key, ("age1operator", "age1recovery"))


@pytest.fixture
def catalogue(tmp_path: Path) -> Callable[[str], Catalogue]:
    """Read a catalogue from text."""

    def read(text: str = FULL) -> Catalogue:
        path = tmp_path / "repository" / CATALOGUE
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return read_catalogue(tmp_path / "repository")

    return read


@pytest.fixture(scope="session")
def kubeseal() -> Path:
    """The real kubeseal."""
    return require_tool("kubeseal")
