"""Every secret that was pushed opens with the cluster's key, and none stands anywhere in the clear."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from generator.secrets.catalogue.read import read_catalogue
from generator.secrets.vault.needles import needles
from tests.conftest import require_tool
from tests.real_tools.conftest import TOKEN
from tests.secrets.interop import recovered, write_key_secret
from tests.secrets.test_rendered import expected

if TYPE_CHECKING:
    from pathlib import Path

    from tests.pipeline.world import World
    from tests.real_tools.conftest import Delivered


@pytest.mark.tools
def test_kubeseal_opens_everything_to_what_the_vault_holds(delivered: Delivered, tmp_path: Path) -> None:
    kubeseal = require_tool("kubeseal")
    argocd, vault = delivered.clones["argocd"], delivered.vault
    catalogue = read_catalogue(argocd)
    (key,) = vault.sealing_keys
    assert (argocd / "secrets/sealing-cert.pem").read_text() == key.certificate
    key_file = write_key_secret(tmp_path / "key.json", key.certificate, key.private_key)
    for secret in catalogue.secrets:
        theirs = recovered(kubeseal, key_file, (argocd / secret.manifest_path).read_bytes())
        assert theirs["data"] == expected(vault, secret)
    sealed = {path.relative_to(argocd).as_posix() for path in argocd.rglob("*.sealed.yaml")}
    assert sealed == {secret.manifest_path for secret in catalogue.secrets}
    token = recovered(kubeseal, key_file, (argocd / "secrets/argocd/git-credentials.sealed.yaml").read_bytes())
    assert token["data"]["password"] == TOKEN.encode()


def repositories(delivered: Delivered) -> list[Path]:
    world = delivered.world
    return [
        *delivered.clones.values(),
        *(world.remote(part) for part in delivered.clones),
        *(world.workspace / part for part in delivered.clones),
    ]


def stored(world: World, repository: Path) -> bytes:
    """Return every object of a repository, those that nothing refers to included."""
    everything = ["git", "cat-file", "--batch-all-objects", "--batch"]
    return subprocess.run(everything, cwd=repository, env=world.environment, capture_output=True, check=True).stdout


def test_no_plaintext_is_in_any_object_of_any_repository(delivered: Delivered) -> None:
    wanted = {*needles(delivered.vault), TOKEN.encode()}
    assert len(wanted) > 20
    for repository in repositories(delivered):
        content = stored(delivered.world, repository)
        assert b"Render the cluster home" in content
        assert b"AGE ENCRYPTED" not in content
        assert not any(needle in content for needle in wanted), repository


def test_an_object_that_nothing_refers_to_would_be_seen(delivered: Delivered, tmp_path: Path) -> None:
    world, clone = delivered.world, tmp_path / "clone"
    world.git("clone", "--quiet", str(world.remote("apps")), str(clone))
    world.run("git", "hash-object", "-w", "--stdin", cwd=clone, stdin=f"token: {TOKEN}\n")
    assert TOKEN.encode() in stored(world, clone)


def test_only_the_workspace_holds_the_vault(delivered: Delivered) -> None:
    files = (path for path in delivered.world.folder.rglob("*") if path.is_file())
    vaults = [path for path in files if b"AGE ENCRYPTED" in path.read_bytes()]
    assert vaults == [delivered.world.vault]
    assert delivered.world.vault.stat().st_mode & 0o777 == 0o600
