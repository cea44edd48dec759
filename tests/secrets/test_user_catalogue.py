"""The user's own catalogue beside the template's: read as one, each finding at its file and line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator.errors import BadInputError, CatalogueError
from generator.secrets.catalogue.model import RESERVED_VARIABLES, USER_CATALOGUE
from generator.secrets.verifying.without_vault import verify_manifests
from tests.secrets.conftest import ROOT

if TYPE_CHECKING:
    from tests.secrets.conftest import Workspace

OWN = """\
# Mine.
version: 1
secrets:
  - namespace: shop
    name: database
    values:
      password: {generator: external, env: FMC_SHOP_TOKEN}
    data:
      password: {from: password}
"""


def write(workspace: Workspace, text: str) -> None:
    (workspace.root / USER_CATALOGUE).write_text(text)


def findings(workspace: Workspace) -> list[str]:
    with pytest.raises(CatalogueError) as caught:
        workspace.catalogue()
    return [f"{found.where} {found.rule}: {found.message}" for found in caught.value.findings]


def test_its_entries_come_after_the_templates(workspace: Workspace) -> None:
    rendered = [secret.id for secret in workspace.catalogue().secrets]
    write(workspace, OWN)
    secrets = workspace.catalogue().secrets
    assert [secret.id for secret in secrets] == [*rendered, "shop/database"]
    assert (secrets[-1].file, secrets[-1].line) == (USER_CATALOGUE, 4)


def test_its_secrets_are_sealed_and_what_is_pending_names_its_file(workspace: Workspace) -> None:
    write(workspace, OWN)
    (warning,) = workspace.seal().warnings()
    assert warning.where == f"{USER_CATALOGUE}:7"
    assert [found.where for found in verify_manifests(workspace.root)] == [f"{USER_CATALOGUE}:4"]
    workspace.external = {**workspace.external, "FMC_SHOP_TOKEN": "a-token-of-the-shop"}
    assert workspace.seal().made == ("shop/database",)
    assert verify_manifests(workspace.root) == []


def test_what_is_wrong_in_either_is_found_at_once(workspace: Workspace) -> None:
    write(workspace, OWN.replace("generator: external", "generator: extrenal"))
    rendered = workspace.root / "secrets/catalogue.yaml"
    rendered.write_text(rendered.read_text().replace("as: mtime", "as: mtimes"))
    assert [line.split(":")[0] for line in findings(workspace)] == ["secrets/catalogue.yaml", USER_CATALOGUE]


def test_a_secret_of_both_is_named_with_both_places(workspace: Workspace) -> None:
    write(workspace, OWN.replace("shop", "argocd").replace("database", "argocd-secret"))
    (finding,) = findings(workspace)
    assert finding == (
        f"{USER_CATALOGUE}:5 catalogue/duplicate: argocd/argocd-secret is already in secrets/catalogue.yaml:6"
    )


def test_a_variable_of_the_templates_supplies_no_secret_of_its_own(workspace: Workspace) -> None:
    """Faults E3, a sibling: an entry of one's own would send the token of another secret into another namespace."""
    write(workspace, OWN.replace("FMC_SHOP_TOKEN", "FMC_TEST_TOKEN"))
    (finding,) = findings(workspace)
    assert finding.startswith(f"{USER_CATALOGUE}:6 catalogue/environment: FMC_TEST_TOKEN supplies registry/push-token")


@pytest.mark.parametrize("key", ["cluster: home", "sealing_key: {namespace: a, name: b}"])
def test_it_names_neither_cluster_nor_key(workspace: Workspace, key: str) -> None:
    write(workspace, f"{OWN}{key}\n")
    assert "catalogue/unknown-key" in findings(workspace)[0]


def test_one_that_can_not_be_read_is_bad_input_and_an_absent_one_is_fine(workspace: Workspace) -> None:
    assert workspace.catalogue().secrets
    (workspace.root / USER_CATALOGUE).mkdir()
    with pytest.raises(BadInputError) as caught:
        workspace.catalogue()
    assert str(workspace.root / USER_CATALOGUE) in str(caught.value.where)


def test_every_variable_that_fmc_reads_is_its_own() -> None:
    """Faults E3: a variable that is added to fmc has to be added to the reserved ones."""
    from generator.delivery.git import access
    from generator.secrets.vault import identities
    from generator.template import source
    from generator.tools import install

    read = {access.TOKEN, access.USER, identities.ENVIRONMENT_VARIABLE}
    read |= {source.ENVIRONMENT_VARIABLE, install.ENVIRONMENT_VARIABLE}
    assert read == RESERVED_VARIABLES
    named = [
        (path.name, word)
        for path in (ROOT / "generator").rglob("*.py")
        for word in path.read_text().replace('"', " ").replace("'", " ").split()
        if word.startswith("FMC_") and word.isidentifier() and word.isupper()
    ]
    assert {word for _, word in named} - RESERVED_VARIABLES <= {"FMC_", "FMC_GIT_READ_TOKEN"}


@pytest.mark.parametrize("text", ["", "\n", "# Mine, one day.\n\n  # Nothing yet.\n"])
def test_one_that_was_emptied_holds_no_secret(workspace: Workspace, text: str) -> None:
    rendered = workspace.catalogue().secrets
    write(workspace, text)
    assert workspace.catalogue().secrets == rendered
