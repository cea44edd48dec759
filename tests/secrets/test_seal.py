"""Sealing a repository: what is written where, in which order, and that nothing leaks on the way."""

from __future__ import annotations

import base64
import logging
import shutil
import stat
from typing import TYPE_CHECKING, Any

import pytest

from generator.errors import BadInputError, FmcError, VaultError, WriteError
from generator.files import write_atomic
from generator.secrets.seal import seal_repository
from generator.secrets.sealing.crypto import split
from generator.secrets.vault.keys import certificate_fingerprint
from tests.secrets.conftest import FULL, NOW

if TYPE_CHECKING:
    from pathlib import Path

    from generator.secrets.vault.keys import SealingKey
    from tests.secrets.conftest import Workspace

CERTIFICATE = "secrets/sealing-cert.pem"


def test_a_new_repository_gets_vault_certificate_and_manifests(workspace: Workspace) -> None:
    report = workspace.seal()
    assert set(report.made) == set(report.vault.sealed)
    assert len(report.made) == 5
    assert set(report.written) == set(workspace.files()) - {"secrets/catalogue.yaml"}
    assert report.vault == workspace.open()
    assert report.key_fingerprint == certificate_fingerprint(workspace.key.certificate.encode())
    assert workspace.files()[CERTIFICATE].decode() == workspace.key.certificate


def test_times_are_whole_seconds(workspace: Workspace) -> None:
    workspace.now = NOW.replace(microsecond=7)
    values = workspace.seal().vault.values["argocd/argocd-secret"]
    assert values["admin"].created == NOW


def test_a_second_run_writes_nothing(workspace: Workspace) -> None:
    workspace.seal()
    before = {path: (path.stat().st_ino, path.read_bytes()) for path in workspace.folder.rglob("*") if path.is_file()}
    report = workspace.seal()
    assert (report.written, report.deleted, len(report.kept)) == ((), (), 5)
    assert report.recovery_identity is None
    after = {path: (path.stat().st_ino, path.read_bytes()) for path in workspace.folder.rglob("*") if path.is_file()}
    assert after == before


def test_deleting_the_repository_gives_the_same_bytes_again(workspace: Workspace) -> None:
    workspace.seal()
    before, vault = workspace.files(), workspace.vault.read_bytes()
    shutil.rmtree(workspace.root)
    workspace.write_catalogue(FULL)
    report = workspace.seal()
    assert workspace.files() == before
    assert workspace.vault.read_bytes() == vault
    assert (report.made, report.changed) == ((), ())


def test_the_new_identities_are_reported(workspace: Workspace) -> None:
    report = workspace.seal()
    assert report.identity_created == workspace.identities.path
    assert report.recovery_identity == workspace.identities.path.with_name("recovery-identity.txt")
    assert len(report.vault.recipients) == 2


def test_the_ssh_public_keys_are_reported(workspace: Workspace) -> None:
    (key,) = workspace.seal().ssh_public_keys
    assert (key.secret, key.value) == ("argocd/repo-infra", "deploy-key")
    assert key.line.startswith("ssh-ed25519 AAAA")
    assert key.line.endswith(" argocd@home")


def test_a_pending_value_is_a_warning_with_its_variable(workspace: Workspace) -> None:
    workspace.external = {}
    report = workspace.seal()
    (warning,) = report.warnings()
    assert (warning.rule, warning.severity, warning.file) == ("secrets/pending", "warning", "secrets/catalogue.yaml")
    assert warning.fix == (
        "Set FMC_TEST_TOKEN, or type it into `fmc secret set registry/push-token token`; then run `fmc seal`."
    )
    assert "not sealed" in warning.message
    assert FULL.splitlines()[warning.line - 1].strip().startswith("token: {generator: external")
    assert not (workspace.root / "secrets/registry").exists()


def test_what_left_the_catalogue_is_deleted_with_its_empty_folder(workspace: Workspace) -> None:
    workspace.seal()
    workspace.write_catalogue(FULL[: FULL.index("  - namespace: registry")])
    note = workspace.root / "secrets/argocd/README.md"
    note.write_text("mine")
    report = workspace.seal()
    assert report.deleted == ("secrets/registry/push-token.sealed.yaml",)
    assert not (workspace.root / "secrets/registry").exists()
    assert note.read_text() == "mine"


def test_a_manifest_whose_text_was_edited_is_put_right(workspace: Workspace) -> None:
    workspace.seal()
    before = workspace.files()
    edited = workspace.root / "secrets/traefik/dashboard-users.sealed.yaml"
    edited.write_bytes(edited.read_bytes().replace(b"Opaque", b"kubernetes.io/basic-auth"))
    report = workspace.seal()
    assert report.written == ("secrets/traefik/dashboard-users.sealed.yaml",)
    assert workspace.files() == before


def test_modes_are_private_for_secrets_and_ordinary_for_the_rest(workspace: Workspace) -> None:
    workspace.seal()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in workspace.folder.rglob("*") if path.is_file()}
    private = {name for name, mode in modes.items() if mode == 0o600}
    assert private == {"vault.age", "identity.txt", "recovery-identity.txt"}
    assert modes["sealing-cert.pem"] == modes["push-token.sealed.yaml"] == 0o644


@pytest.mark.parametrize("writes", range(7))
def test_a_run_that_is_killed_between_writes_is_completed_by_the_next(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """The vault is the first write, so whatever the killed run wrote stays what it was."""
    done: list[Path] = []

    def killed(path: Path, content: bytes, **options: Any) -> None:
        if len(done) == writes:
            raise KeyboardInterrupt
        done.append(path)
        write_atomic(path, content, **options)

    monkeypatch.setattr("generator.secrets.vault.file.write_atomic", killed)
    monkeypatch.setattr("generator.secrets.seal.write_atomic", killed)
    with pytest.raises(KeyboardInterrupt):
        workspace.seal()
    survivors = {path: content for path, content in workspace.files().items() if path != "secrets/catalogue.yaml"}
    assert len(survivors) == max(writes - 1, 0)
    monkeypatch.undo()
    workspace.seal()
    whole = workspace.files()
    assert len(whole) == 7
    assert {path: whole[path] for path in survivors} == survivors
    assert workspace.seal().written == ()


def test_a_swapped_certificate_stops_the_run_before_anything_is_written(
    workspace: Workspace, other_key: SealingKey
) -> None:
    workspace.seal()
    (workspace.root / CERTIFICATE).write_text(other_key.certificate)
    workspace.external = {"FMC_TEST_TOKEN": "a-new-token"}
    before = workspace.files(), workspace.vault.read_bytes()
    with pytest.raises(BadInputError, match="none of the vault's"):
        workspace.seal()
    assert (workspace.files(), workspace.vault.read_bytes()) == before


def test_a_lost_vault_is_not_replaced_by_a_new_one(workspace: Workspace) -> None:
    workspace.seal()
    before = workspace.files()
    workspace.vault.unlink()
    with pytest.raises(VaultError, match="the repository is sealed already") as caught:
        workspace.seal()
    assert caught.value.fix is not None
    assert "backup" in caught.value.fix
    assert workspace.files() == before
    assert not workspace.vault.exists()


def test_another_clusters_catalogue_is_refused(workspace: Workspace) -> None:
    workspace.seal()
    workspace.write_catalogue(FULL.replace("cluster: home", "cluster: lab"))
    with pytest.raises(VaultError, match="belongs to the cluster home, the catalogue to lab"):
        workspace.seal()


def test_a_file_that_can_not_be_read_is_named(workspace: Workspace) -> None:
    (workspace.root / CERTIFICATE).mkdir()
    with pytest.raises(BadInputError, match=r"can't read .*sealing-cert\.pem: Is a directory"):
        workspace.seal()


def test_a_full_disk_is_told_and_the_next_run_goes_on(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(WriteError, match="No space left on device"):
        workspace.seal()
    assert list(workspace.files()) == ["secrets/catalogue.yaml"]
    assert not [path for path in workspace.folder.rglob("*") if path.is_file() and path.name != "catalogue.yaml"]
    monkeypatch.undo()
    assert len(workspace.seal().made) == 5


def test_no_file_report_log_or_error_shows_a_secret(
    workspace: Workspace, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], other_key: SealingKey
) -> None:
    caplog.set_level(logging.DEBUG)
    report = workspace.seal()
    shown = [repr(report), str(report.warnings())]
    (workspace.root / CERTIFICATE).write_text(other_key.certificate)
    with pytest.raises(FmcError) as caught:
        workspace.seal()
    shown += [str(caught.value), repr(caught.value), str(vars(caught.value)), caplog.text, *capfd.readouterr()]
    texts = [*workspace.files().values(), workspace.vault.read_bytes(), *(text.encode() for text in shown)]
    needles = report.plaintexts()
    assert len(needles) > 40
    assert not [needle for needle in needles for text in texts if needle in text]


def test_the_plaintexts_would_find_a_leak_of_any_kind(workspace: Workspace) -> None:
    workspace.external = {"FMC_TEST_TOKEN": 'glpat-4711/external"value'}
    report = workspace.seal()
    needles = report.plaintexts()
    token = workspace.external["FMC_TEST_TOKEN"].encode()
    ca = report.vault.ca
    assert ca is not None
    private_keys = [workspace.key.private_key.reveal(), ca.private_key.reveal()]
    private_keys.append(report.vault.values["argocd/repo-infra"]["deploy-key"].secret.reveal())
    leaks = [
        token,
        b"password: " + token,
        base64.b64encode(token),
        base64.b64encode(b"u:" + token),
        base64.b64encode(b"us:" + token),
        base64.b64encode(b"user:" + token + b"\n"),
        b"https://user:glpat-4711%2Fexternal%22value@git.example.com",
        b'{"token": "glpat-4711/external\\"value"}',
        *(key.replace(b"\n", b"\n    ") for key in private_keys),
        *(base64.b64encode(key) for key in private_keys),
        report.vault.derived["argocd/argocd-secret"]["admin.password"].content.reveal(),
        base64.b64encode(report.vault.fingerprint_key.reveal()),
    ]
    for leak in leaks:
        assert any(needle in leak for needle in needles), leak[:12]
    assert all(len(needle) >= 8 for needle in needles)


def test_a_vault_without_a_prepared_key_gets_one_of_4096_bits(workspace: Workspace) -> None:
    workspace.write_catalogue(FULL[: FULL.index("  - namespace: argocd\n    name: repo-infra")])
    report = seal_repository(workspace.store, {}, workspace.now)
    records = report.vault.sealed["argocd/argocd-secret"].values()
    assert [len(split(record.ciphertext)[0]) for record in records] == [512, 512]
