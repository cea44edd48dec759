"""What machines need before there is a cluster: made by fmc, kept in the vault, shown on request, sealed nowhere."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from generator.errors import BadInputError, CatalogueError
from generator.secrets.catalogue.model import CATALOGUE, USER_CATALOGUE
from generator.secrets.listing import State, list_secrets
from generator.secrets.making.wireguard import public_half
from generator.secrets.set_value import set_value
from generator.secrets.show import show_value
from generator.secrets.verify import verify_secrets
from tests.secrets.conftest import FULL, NOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.secrets.catalogue.model import Catalogue
    from tests.secrets.conftest import Workspace

MACHINES = """
machines:
  - name: k3s
    description: Tokens to join with
    consumers: [Role/k3s_server]
    values:
      token: {generator: token}
      agent-token: {generator: token}
  - name: vpn
    values:
      server: {generator: wireguard-key}
  - name: dns
    values:
      key: {generator: external, env: FMC_TEST_KEY, prompt: Key of the zone}
"""


@pytest.fixture
def cluster(workspace: Workspace) -> Workspace:
    """A workspace whose catalogue has machines, too, and whose external values are all supplied."""
    (workspace.root / CATALOGUE).write_text(FULL + MACHINES)
    workspace.external = {**workspace.external, "FMC_TEST_KEY": "zone-key-4711"}
    return workspace


def shown(cluster: Workspace, value: str, name: str = "machines/k3s") -> bytes:
    return show_value(cluster.store, name, value, NOW).content.reveal()


def states(cluster: Workspace) -> dict[str, State]:
    rows = list_secrets(cluster.store, NOW)
    return {f"{row.id} {row.value}": row.state for row in rows if row.id.startswith("machines/")}


def test_tokens_are_made_once_and_are_told_apart_from_any_other_format(cluster: Workspace) -> None:
    report = cluster.seal()
    tokens = [shown(cluster, "token"), shown(cluster, "agent-token")]
    assert all(re.fullmatch(rb"[0-9a-f]{64}", token) for token in tokens)
    assert len(set(tokens)) == 2
    assert report.made_for_machines == ("machines/k3s", "machines/vpn")
    again = cluster.seal()
    assert (again.made_for_machines, again.written) == ((), ())
    assert [shown(cluster, "token"), shown(cluster, "agent-token")] == tokens


def test_they_stand_in_no_file_of_the_repository_and_the_search_for_leaks_knows_them(cluster: Workspace) -> None:
    report = cluster.seal()
    token = shown(cluster, "token")
    assert token in report.plaintexts()
    files = [path for path in cluster.root.rglob("*") if path.is_file()]
    assert [path for path in files if any(needle in path.read_bytes() for needle in report.plaintexts())] == []
    assert [path.parent.name for path in cluster.root.glob("secrets/machines*/*")] == []
    assert verify_secrets(cluster.root, report.vault, NOW) == []


def test_the_list_says_that_the_vault_keeps_them(cluster: Workspace) -> None:
    cluster.external = {name: value for name, value in cluster.external.items() if name != "FMC_TEST_KEY"}
    report = cluster.seal()
    assert states(cluster) == {
        "machines/k3s token": State.KEPT,
        "machines/k3s agent-token": State.KEPT,
        "machines/vpn server": State.KEPT,
        "machines/dns key": State.PENDING,
    }
    (warning,) = [finding for finding in report.warnings() if "machines/dns" in finding.message]
    assert "not complete" in warning.message
    assert warning.fix == "Set FMC_TEST_KEY, or type it into `fmc secret set machines/dns key`."
    set_value(cluster.store, "machines/dns", "key", b"zone-key-4712", NOW)
    assert states(cluster)["machines/dns key"] is State.KEPT
    assert shown(cluster, "key", "machines/dns") == b"zone-key-4712"


def test_an_entry_that_came_later_is_unmade_until_the_next_seal(cluster: Workspace) -> None:
    (cluster.root / CATALOGUE).write_text(FULL)
    cluster.seal()
    (cluster.root / CATALOGUE).write_text(FULL + MACHINES)
    assert states(cluster)["machines/k3s token"] is State.UNMADE
    with pytest.raises(BadInputError, match="no value for token yet"):
        shown(cluster, "token")
    cluster.seal()
    assert states(cluster)["machines/k3s token"] is State.KEPT


def test_a_token_can_be_replaced_and_no_seal_is_due(cluster: Workspace) -> None:
    cluster.seal()
    report = set_value(cluster.store, "machines/k3s", "token", b"ab" * 32, NOW + timedelta(hours=1))
    assert (report.changed, report.is_sealable) == (True, False)
    assert cluster.seal().written == ()
    assert shown(cluster, "token") == b"ab" * 32
    with pytest.raises(BadInputError, match="fewer than 16"):
        set_value(cluster.store, "machines/k3s", "token", b"short", NOW)


def test_a_key_pair_is_made_once_shown_by_halves_and_set_by_nobody(cluster: Workspace) -> None:
    cluster.seal()
    private = shown(cluster, "server", "machines/vpn")
    public = show_value(cluster.store, "machines/vpn", "server", NOW, public=True)
    assert public.content.reveal().decode() == public_half(private)
    cluster.seal()
    assert shown(cluster, "server", "machines/vpn") == private
    with pytest.raises(BadInputError, match="made by wireguard-key; it can't be set by hand"):
        set_value(cluster.store, "machines/vpn", "server", private, NOW)
    with pytest.raises(BadInputError, match="token of machines/k3s is no key pair"):
        show_value(cluster.store, "machines/k3s", "token", NOW, public=True)


def test_users_have_some_of_their_own_and_none_twice(cluster: Workspace, catalogue: Callable[[str], Catalogue]) -> None:
    own = "version: 1\nsecrets: []\nmachines:\n  - name: NAME\n    values: {key: {generator: password}}\n"
    (cluster.root / USER_CATALOGUE).write_text(own.replace("NAME", "backup"))
    assert [entry.name for entry in cluster.catalogue().machines] == ["k3s", "vpn", "dns", "backup"]
    (cluster.root / USER_CATALOGUE).write_text(own.replace("NAME", "k3s"))
    with pytest.raises(CatalogueError) as caught:
        cluster.catalogue()
    assert "machines/k3s is already in" in caught.value.findings[0].message
    assert catalogue(FULL).machines == ()
