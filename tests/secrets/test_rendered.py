"""The catalogue that the template renders: sealed, unsealed by the real kubeseal, and nowhere in the clear."""

from __future__ import annotations

import shutil
import stat
from typing import TYPE_CHECKING

import bcrypt
import pytest

from generator.secrets.catalogue.model import Constant, Form
from generator.secrets.making.forms import plain_form
from generator.secrets.vault.lineage import whole_revision
from generator.secrets.verifying.without_vault import verify_manifests
from tests.secrets.conftest import Workspace
from tests.secrets.interop import recovered, write_key_secret
from tests.template.argocd_tree import HA, SINGLE
from tests.template.conftest import render  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from generator.secrets.catalogue.model import Secret
    from generator.secrets.vault.keys import SealingKey
    from generator.secrets.vault.model import Vault
    from tests.template.conftest import Render

GIT_TOKEN = {"FMC_GIT_READ_TOKEN": "glpat-of-a-reader-4711"}
SUPPLIED = GIT_TOKEN | {
    "FMC_JENKINS_GIT_USER": "jenkins",
    "FMC_JENKINS_GIT_TOKEN": "glpat-of-a-writer-4712",
    "FMC_REGISTRY_LOGIN": "robot:dckr_pat_4713",
}
LAYOUTS: dict[str, tuple[dict[str, Any], str]] = {
    "ha": (HA, "argocd"),
    "single": (SINGLE, "argocd"),
    "monorepo": (SINGLE, "monorepo"),
}


@pytest.fixture(params=LAYOUTS)
def rendered(request: pytest.FixtureRequest, render: Render, tmp_path: Path, sealing_key: SealingKey) -> Workspace:  # noqa: F811
    answers, layout = LAYOUTS[request.param]
    source = render(answers, layout)
    shutil.copytree(source / "argocd" if layout == "monorepo" else source, tmp_path / "argocd")
    return Workspace(tmp_path, sealing_key, external=SUPPLIED)


@pytest.fixture
def ha(render: Render, tmp_path: Path, sealing_key: SealingKey) -> Workspace:  # noqa: F811
    shutil.copytree(render(HA, "argocd"), tmp_path / "argocd")
    return Workspace(tmp_path, sealing_key, external={})


def expected(vault: Vault, secret: Secret) -> dict[str, bytes]:
    """What each key has to hold; of salted forms the hash that the vault keeps."""
    values, derived = vault.values.get(secret.id, {}), vault.derived.get(secret.id, {})
    revision = whole_revision(values[name].lineage.text() for name in sorted(secret.values))
    found = {f"{secret.name}.{revision}": revision.encode()} if secret.revision_key else {}
    for key, datum in secret.data.items():
        if isinstance(datum, Constant):
            found[key] = datum.text.encode()
        elif key in derived:
            found[key] = derived[key].content.reveal()
            hashed = found[key].removeprefix(datum.user.encode() + b":").replace(b"$2y$", b"$2a$")
            assert bcrypt.checkpw(values[datum.source].secret.reveal(), hashed)
            assert datum.form in (Form.BCRYPT, Form.HTPASSWD)
        else:
            found[key] = plain_form(datum.form, values[datum.source], datum.registry).reveal()
    return found


@pytest.mark.tools
def test_kubeseal_unseals_every_manifest_to_the_vaults_plaintexts(
    kubeseal: Path, rendered: Workspace, tmp_path: Path
) -> None:
    report = rendered.seal()
    assert report.pending == ()
    assert len(report.made) == len(rendered.catalogue().secrets) > 3
    key_file = write_key_secret(tmp_path / "key.json", rendered.key.certificate, rendered.key.private_key)
    for secret in rendered.catalogue().secrets:
        theirs = recovered(kubeseal, key_file, (rendered.root / secret.manifest_path).read_bytes())
        assert theirs["data"] == expected(report.vault, secret)
        assert theirs.get("type", "Opaque") == secret.type
        metadata = theirs["metadata"]
        assert (metadata["namespace"], metadata["name"]) == (secret.namespace, secret.name)
        assert metadata.get("labels", {}) == dict(secret.labels)
        assert metadata.get("annotations", {}) == dict(secret.annotations)


def test_the_admin_password_is_merged_into_the_secret_that_argo_cd_owns(rendered: Workspace) -> None:
    """Without both annotations the controller would refuse it, or wipe the server's own keys."""
    rendered.seal()
    text = (rendered.root / "secrets/argocd/argocd-secret.sealed.yaml").read_text()
    template = text[text.index("  template:") :]
    assert '"sealedsecrets.bitnami.com/managed": "true"' in template
    assert '"sealedsecrets.bitnami.com/patch": "true"' in template
    assert "sealedsecrets.bitnami.com" not in text[: text.index("spec:")]


def test_the_same_catalogue_and_vault_give_the_same_bytes(rendered: Workspace) -> None:
    untouched = rendered.files()
    rendered.seal()
    sealed, vault = rendered.files(), rendered.vault.read_bytes()
    assert verify_manifests(rendered.root) == []
    shutil.rmtree(rendered.root)
    for name, content in untouched.items():
        (rendered.root / name).parent.mkdir(parents=True, exist_ok=True)
        (rendered.root / name).write_bytes(content)
    again = rendered.seal()
    assert rendered.files() == sealed
    assert rendered.vault.read_bytes() == vault
    assert {name for name in sealed if sealed[name] != untouched.get(name)} == set(again.written)
    assert rendered.seal().written == ()


def test_no_plaintext_is_in_any_file_and_the_vault_is_encrypted(rendered: Workspace) -> None:
    report = rendered.seal()
    vault = rendered.vault.read_bytes()
    assert vault.startswith(b"-----BEGIN AGE ENCRYPTED FILE-----\n")
    assert stat.S_IMODE(rendered.vault.stat().st_mode) == 0o600
    texts = {**rendered.files(), "vault.age": vault}
    needles = report.plaintexts()
    assert GIT_TOKEN["FMC_GIT_READ_TOKEN"].encode() in needles or "git-credentials" not in str(rendered.catalogue())
    assert not [name for name, text in texts.items() if any(needle in text for needle in needles)]


def test_a_missing_git_token_holds_its_secret_back_and_nothing_else(ha: Workspace) -> None:
    ha.external = SUPPLIED | {"FMC_GIT_READ_TOKEN": ""}
    first = ha.seal()
    manifest = "secrets/argocd/git-credentials.sealed.yaml"
    (warning,) = first.warnings()
    assert (warning.rule, warning.severity, warning.path) == (
        "secrets/pending",
        "warning",
        "argocd/git-credentials: token",
    )
    assert set(first.made) == {secret.id for secret in ha.catalogue().secrets} - {"argocd/git-credentials"}
    before = ha.files()
    assert manifest not in before
    ha.external = SUPPLIED
    second = ha.seal()
    assert (second.made, second.written, second.warnings()) == (("argocd/git-credentials",), (manifest,), [])
    after = ha.files()
    assert after.pop(manifest)
    assert after == before
    ha.external = {}
    assert ha.seal().written == ()
