"""Rotating: what an order comes to, what is replaced, and what is left to people."""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

import bcrypt
import pytest
from cryptography import x509
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.errors import BadInputError, VaultError
from generator.secrets.rotate import Plan, plan_rotation, prepare_keys
from generator.secrets.seal import SealReport, seal_repository
from generator.secrets.sealing.reconcile import reconcile
from generator.secrets.selection import Order
from generator.secrets.vault.history import KEPT
from generator.secrets.verify import verify_secrets
from tests.secrets.conftest import FULL, NOW, TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from generator.secrets.catalogue.model import Catalogue
    from generator.secrets.vault.model import Vault
    from tests.secrets.conftest import Workspace

ADMIN, DASHBOARD, WEB = (
    ("argocd/argocd-secret", "admin"),
    ("traefik/dashboard-users", "dashboard"),
    ("traefik/default-certificate", "web"),
)
REGISTRY, PUSH, DEPLOY = (
    ("registry/push-token", "admin"),
    ("registry/push-token", "token"),
    ("argocd/repo-infra", "deploy-key"),
)
MACHINES = """
machines:
  - name: k3s
    consumers: [Role/k3s_server]
    values:
      token: {generator: token, playbook: rotate-token.yml}
      agent-token: {generator: token}
"""
NOTHING: Mapping[str, str] = MappingProxyType({})


def plan(workspace: Workspace, order: Order, external: Mapping[str, str] = NOTHING) -> Plan:
    return plan_rotation(workspace.store, order, external, workspace.now)


def rotate(workspace: Workspace, order: Order) -> SealReport:
    """Rotate a minute later, as the pipeline does."""
    workspace.now += timedelta(minutes=1)
    renewed = plan(workspace, order).renewed
    return seal_repository(workspace.store, {}, workspace.now, renewed=renewed)


def test_a_secret_gets_a_new_value_with_all_that_is_derived_from_it(workspace: Workspace) -> None:
    workspace.seal()
    old, before = workspace.open(), workspace.files()
    report = rotate(workspace, Order(names=(ADMIN[0],)))
    assert (report.changed, report.made) == ((ADMIN[0],), ())
    vault = workspace.open()
    record, replaced = vault.values[ADMIN[0]][ADMIN[1]], old.values[ADMIN[0]][ADMIN[1]]
    assert record.secret != replaced.secret
    assert record.lineage.descends_from(replaced.lineage)
    assert record.created == workspace.now
    hashed = vault.derived[ADMIN[0]]["admin.password"].content.reveal()
    assert bcrypt.checkpw(record.secret.reveal(), hashed)
    assert not bcrypt.checkpw(replaced.secret.reveal(), hashed)
    # Of all files, this one alone is another one.
    assert {name for name, content in workspace.files().items() if before[name] != content} == {
        "secrets/argocd/argocd-secret.sealed.yaml"
    }
    assert verify_secrets(workspace.root, vault, workspace.now) == []


def test_all_is_what_fmc_makes_and_the_rest_is_left_to_people(workspace: Workspace) -> None:
    workspace.write_catalogue(FULL + MACHINES)
    workspace.seal()
    found = plan(workspace, Order(everything=True))
    assert set(found.renewed) == {ADMIN, DASHBOARD, WEB, REGISTRY}
    assert {(left.secret, left.value) for left in found.left} == {
        PUSH,
        DEPLOY,
        ("machines/k3s", "token"),
        ("machines/k3s", "agent-token"),
    }
    assert (found.external, found.prepared) == ((), ())
    what = {f"{left.secret}:{left.value}": left.what for left in found.left}
    assert "`fmc rotate registry/push-token:token`" in what["registry/push-token:token"]
    assert "--registered" in what["argocd/repo-infra:deploy-key"]
    assert "playbooks/rotate-token.yml" in what["machines/k3s:token"]
    assert what["machines/k3s:agent-token"] == "no playbook brings another one to the machines"


def test_older_than_counts_from_the_making_of_each_value(workspace: Workspace) -> None:
    workspace.seal()
    workspace.now += timedelta(days=40)
    rotate(workspace, Order(names=(ADMIN[0],)))
    workspace.now = NOW + timedelta(days=50)
    found = plan(workspace, Order(older_than=timedelta(days=50)))
    assert set(found.renewed) == {DASHBOARD, WEB, REGISTRY}
    assert plan(workspace, Order(older_than=timedelta(days=51))).renewed == {}


def test_what_is_due_is_due_by_its_age_or_by_its_end(workspace: Workspace) -> None:
    workspace.write_catalogue(FULL.replace("generator: password, length: 48", "generator: password, max_age: 30"))
    workspace.seal()
    assert plan(workspace, Order(due=True)).renewed == {}
    workspace.now = NOW + timedelta(days=30)
    assert set(plan(workspace, Order(due=True)).renewed) == {REGISTRY}
    # The certificate lasts for 90 days, and its last 30 are for its successor.
    workspace.now = NOW + timedelta(days=60)
    assert set(plan(workspace, Order(due=True)).renewed) == {REGISTRY, WEB}
    assert set(plan(workspace, Order(due=True, certificates=True)).renewed) == {WEB}


def test_a_certificate_is_replaced_before_it_is_due(workspace: Workspace) -> None:
    workspace.seal()
    before = workspace.open()
    rotate(workspace, Order(names=(WEB[0],)))
    after = workspace.open()
    old, new = (
        x509.load_pem_x509_certificate(vault.values[WEB[0]][WEB[1]].public["cert"].encode())
        for vault in (before, after)
    )
    assert new.not_valid_after_utc == old.not_valid_after_utc + timedelta(minutes=1)
    assert new.serial_number != old.serial_number
    assert before.ca == after.ca


def test_a_value_of_somebody_else_has_to_be_given(workspace: Workspace) -> None:
    workspace.seal()
    named = Order(names=("registry/push-token:token",))
    assert plan(workspace, named).external == (PUSH,)
    # What the vault has already is no new one.
    assert plan(workspace, named, TOKEN).external == (PUSH,)
    assert plan(workspace, named, {"FMC_TEST_TOKEN": "the-next-token"}).renewed == {PUSH: b"the-next-token"}
    piped = Order(names=named.names, given={PUSH: b"piped-in-token\n"})
    assert plan(workspace, piped).renewed == {PUSH: b"piped-in-token"}
    rotate(workspace, piped)
    assert workspace.open().values[PUSH[0]][PUSH[1]].secret.reveal() == b"piped-in-token"
    assert "piped" not in repr(piped)


def test_a_value_that_cannot_be_taken_is_refused_before_anything_is_written(workspace: Workspace) -> None:
    workspace.seal()
    vault = workspace.vault.read_bytes()
    with pytest.raises(BadInputError, match="has 1048577 bytes"):
        plan(workspace, Order(names=("registry/push-token:token",), given={PUSH: b"x" * ((1 << 20) + 1)}))
    assert workspace.vault.read_bytes() == vault


def test_given_and_in_the_environment_it_is_one_version(workspace: Workspace) -> None:
    workspace.seal()
    supplied = {"FMC_TEST_TOKEN": "the-next-token"}
    before = workspace.open().values[PUSH[0]][PUSH[1]]
    renewed = plan(workspace, Order(names=("registry/push-token:token",)), supplied).renewed
    seal_repository(workspace.store, supplied, workspace.now, renewed=renewed)
    assert workspace.open().values[PUSH[0]][PUSH[1]].ancestors == (before.revision,)


def test_a_deploy_key_is_known_outside_before_it_counts(workspace: Workspace) -> None:
    workspace.seal()
    named = Order(names=(DEPLOY[0],))
    found = plan(workspace, named)
    assert (found.before, found.prepared) == ({}, (DEPLOY,))
    sealed = workspace.files()
    old = workspace.open().values[DEPLOY[0]][DEPLOY[1]]
    (key,) = prepare_keys(workspace.store, found.prepared, workspace.now)
    assert key.line not in (old.public["public"], "")
    # The same command prints the same key, and nothing counts yet.
    assert prepare_keys(workspace.store, found.prepared, workspace.now) == (key,)
    assert workspace.open().values[DEPLOY[0]][DEPLOY[1]] == old
    workspace.external = {}
    assert workspace.seal().written == ()
    assert workspace.files() == sealed
    rotate(workspace, Order(names=named.names, registered=True))
    vault = workspace.open()
    new = vault.values[DEPLOY[0]][DEPLOY[1]]
    assert new.public["public"] == key.line
    assert new.lineage.descends_from(old.lineage)
    assert vault.prepared == {}
    assert vault.history[DEPLOY[0]][DEPLOY[1]] == (old,)


def test_what_nobody_can_have_registered_does_not_count(workspace: Workspace) -> None:
    workspace.seal()
    with pytest.raises(BadInputError, match="no key is prepared") as caught:
        plan(workspace, Order(names=(DEPLOY[0],), registered=True))
    assert f"`fmc rotate {DEPLOY[0]}`" in (caught.value.fix or "")


@pytest.mark.parametrize(
    ("name", "message", "fix"),
    [
        ("argocd/argo-secret", "no secret argocd/argo-secret", "Did you mean argocd/argocd-secret?"),
        ("argocd/argocd-secret:admn", "has no value admn", "Did you mean admin?"),
        ("machines/k3s:agent-token", "can't be rotated", "Leave it as it is"),
        ("shop/constants", "has no value: all that it holds stands in the catalogue", "Change it in secrets/"),
    ],
)
def test_a_name_that_cannot_be_rotated(workspace: Workspace, name: str, message: str, fix: str) -> None:
    constants = "\n  - {namespace: shop, name: constants, data: {url: {text: x}}}\n"
    workspace.write_catalogue(FULL + constants + MACHINES)
    workspace.seal()
    with pytest.raises(BadInputError, match=message) as caught:
        plan(workspace, Order(names=(name,)))
    assert fix in (caught.value.fix or "")


def test_machines_get_theirs_by_a_playbook(workspace: Workspace) -> None:
    workspace.write_catalogue(FULL + MACHINES)
    workspace.seal()
    found = plan(workspace, Order(names=("machines/k3s",)))
    assert set(found.renewed) == {("machines/k3s", "token")}
    assert found.playbooks == ("rotate-token.yml",)
    before = workspace.open()
    assert rotate(workspace, Order(names=("machines/k3s",))).written == ()
    after = workspace.open()
    assert after.values["machines/k3s"]["token"].secret != before.values["machines/k3s"]["token"].secret
    assert after.values["machines/k3s"]["agent-token"] == before.values["machines/k3s"]["agent-token"]


def test_without_a_vault_there_is_nothing_to_rotate(workspace: Workspace) -> None:
    with pytest.raises(VaultError, match="there is no vault"):
        plan(workspace, Order(everything=True))


def test_what_was_done_when_it_was_interrupted_is_not_done_again(workspace: Workspace) -> None:
    workspace.seal()
    order = Order(names=(ADMIN[0], DASHBOARD[0]))
    noted = plan(workspace, order).before
    assert set(noted) == {ADMIN, DASHBOARD}
    rotate(workspace, Order(names=(ADMIN[0],)))
    found = plan_rotation(workspace.store, order, {}, workspace.now, noted)
    assert found.renewed == {DASHBOARD: None}
    assert found.before == noted
    # An entry that left the catalogue meanwhile is nobody's any more.
    gone = plan_rotation(workspace.store, order, {}, workspace.now, {**noted, ("shop/gone", "x"): "rev"})
    assert gone.before == noted


def test_orders_are_known_again_and_say_nothing_of_values(workspace: Workspace) -> None:
    first, second = Order(names=("b/b", "a/a")), Order(names=("a/a", "b/b"), given={("a/a", "x"): b"s3cret"})
    assert first.text() == second.text()
    texts = {
        order.text()
        for order in (
            first,
            Order(everything=True),
            Order(due=True),
            Order(older_than=timedelta(days=90)),
            Order(names=first.names, registered=True),
            Order(due=True, certificates=True),
        )
    }
    assert len(texts) == 6
    assert "s3cret" not in second.text()


def test_replaced_versions_are_kept_for_a_while(workspace: Workspace) -> None:
    workspace.seal()
    seen = [workspace.open().values[ADMIN[0]][ADMIN[1]]]
    for _ in range(KEPT + 2):
        rotate(workspace, Order(names=(ADMIN[0],)))
        seen.insert(0, workspace.open().values[ADMIN[0]][ADMIN[1]])
    vault = workspace.open()
    assert vault.history == {ADMIN[0]: {ADMIN[1]: tuple(seen[1 : KEPT + 1])}}
    # They are secrets still, wherever they may stand.
    assert seen[1].secret in list(vault.secrets())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=20)
@given(st.lists(st.sampled_from([ADMIN, DASHBOARD, WEB, REGISTRY]), max_size=4, unique=True))
def test_only_what_is_named_is_replaced_in_any_order(
    vault: Vault, catalogue: Callable[..., Catalogue], places: list[tuple[str, str]]
) -> None:
    first = reconcile(catalogue(), vault, None, NOW, TOKEN)
    done = reconcile(catalogue(), first.vault, None, NOW, {}, renewed=dict.fromkeys(places))
    changed = {
        (secret, name)
        for secret, values in done.vault.values.items()
        for name, record in values.items()
        if record != first.vault.values[secret][name]
    }
    assert changed == set(places)
    assert set(done.changed) == {secret for secret, _ in places}
    # And then there is nothing to do.
    again = reconcile(catalogue(), done.vault, None, NOW, {})
    assert (again.vault, again.manifests) == (done.vault, done.manifests)
