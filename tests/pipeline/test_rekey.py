"""`fmc keys rekey`: another sealing key in two commits; at each moment the cluster opens everything that is in Git."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from generator.secrets.sealing.crypto import Sealer, load_private_keys, unseal
from generator.secrets.sealing.documents import documents_of
from generator.secrets.vault.file import open_vault
from generator.secrets.vault.plaintext import Plaintext
from generator.workspace import PARTS
from tests.pipeline import kill_driver
from tests.pipeline.world import FMC, Finished, World, tree

if TYPE_CHECKING:
    from pathlib import Path

    from generator.secrets.vault.model import Vault

FIRST, SECOND = "sealed-secrets-key-1", "sealed-secrets-key-2"
VALUES = "platform/sealed-secrets/values.yaml"
OWN = "platform/traefik/manifests/mine.yaml"
BEGIN = ["rename values.yaml 1", "git push 1"]
MINE = """apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: mine
  namespace: traefik
  annotations: {sealedsecrets.bitnami.com/namespace-wide: "true"}
spec:
  encryptedData:
    token: TEXT # of the shop
"""
SWITCH = [
    "rename catalogue.yaml 1",
    "rename sealing-cert.pem 1",
    "git push 1",
    "rename vault.age 2",
]


@pytest.fixture(scope="module")
def begun(first_run: tuple[World, Finished], tmp_path_factory: pytest.TempPathFactory) -> World:
    """A machine whose next key is made, and waits for the cluster. Look at it, and leave it as it is."""
    world = first_run[0].copy(tmp_path_factory.mktemp("rekey") / "world")
    done = rekey(world)
    assert done.code == 0, done.err
    return world


@pytest.fixture(scope="module")
def switched(begun: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A machine on which everything is sealed to the next key. Look at it, and leave it as it is."""
    world = begun.copy(tmp_path_factory.mktemp("switched") / "world")
    done = rekey(world, "--loaded")
    assert done.code == 0, done.err
    return world


def rekey(world: World, *arguments: str) -> Finished:
    return world.fmc("keys", "rekey", *arguments, cwd=world.workspace)


def drive(world: World, moment: str, *arguments: str) -> Finished:
    record = world.folder / "acts"
    return world.run(
        sys.executable,
        kill_driver.__file__,
        str(record),
        moment,
        "keys",
        "rekey",
        *arguments,
        cwd=world.workspace,
    )


def vault(world: World) -> Vault:
    return open_vault(world.vault, world.identity, cluster=world.cluster)


def require_open(world: World, *names: str) -> None:
    """Assert that a cluster with these sealing keys opens everything that is delivered."""
    keys = load_private_keys(key.private_key for key in vault(world).sealing_keys if key.name in names)
    count = 0
    for files in world.published().values():
        for name, content in files.items():
            for document in documents_of(content) if name.endswith(".yaml") else ():
                for ciphertext in document.ciphertexts.values():
                    unseal(keys, ciphertext, document.label)
                    count += 1
    assert count > 5


def mounted(world: World) -> str:
    (line,) = (
        line
        for line in world.git("show", f"main:{VALUES}", cwd=world.remote("argocd")).splitlines()
        if "secretName" in line
    )
    return line.split()[-1]


def test_first_the_controller_is_told_and_nothing_is_sealed_to_the_next_key(begun: World) -> None:
    assert [key.name for key in vault(begun).sealing_keys] == [FIRST, SECOND]
    assert mounted(begun) == SECOND
    argocd = begun.remote("argocd")
    assert begun.git("log", "-1", "--format=%s", "main", cwd=argocd) == f"Let the controller load {SECOND}"
    assert begun.git("diff", "--numstat", "main~1", "main", cwd=argocd).split()[:2] == ["1", "1"]
    require_open(begun, FIRST)
    exported = json.loads(begun.run(str(FMC), "keys", "export", cwd=begun.workspace).out)
    assert [item["metadata"]["name"] for item in exported["items"]] == [FIRST, SECOND]


def test_the_old_controller_is_not_taken_for_one_that_has_loaded_the_next_key(begun: World, tmp_path: Path) -> None:
    """Until Argo CD has the commit, it counts as rolled out: that has to be waited for first."""
    again = rekey(begun.copy(tmp_path / "world"))
    assert again.code == 0, again.err
    commands = [line.partition(": ")[2] for line in again.out.splitlines() if line.startswith(("Next", "Then"))]
    deployment = "kubectl --namespace kube-system {} deployment sealed-secrets-controller"
    assert [command.partition(" --timeout")[0] for command in commands] == [
        "fmc keys export | kubectl apply --server-side -f -",
        deployment.format("wait"),
        deployment.format("rollout status"),
        "fmc keys rekey --loaded",
    ]
    mounted = """'{.spec.template.spec.volumes[?(@.name=="sealing-cert")].secret.secretName}'"""
    assert commands[1].endswith(f"--for=jsonpath={mounted}={SECOND}")


def test_then_everything_is_sealed_to_it_and_the_old_key_can_go(switched: World, tmp_path: Path) -> None:
    world = switched.copy(tmp_path / "world")
    require_open(world, SECOND)
    assert world.published() == world.local()
    assert world.git("log", "-1", "--format=%s", "main", cwd=world.remote("argocd")) == f"Seal to {SECOND}"
    assert (vault(world).next_key, vault(world).current_key) == ("", SECOND)
    assert vault(world).values == vault(switched).values
    checked = world.fmc("check", cwd=world.workspace)
    assert (checked.code, "error:" in checked.all) == (0, False), checked.all
    before = tree(world.folder)
    again = rekey(world, "--loaded")
    assert (again.code, f"fmc keys retire {FIRST}" in again.out) == (0, True)
    assert tree(world.folder) == before
    # A later rendering leaves the next key where the template has the first one.
    assert world.new("--push", "--set", "timezone=Europe/Paris").code == 0
    require_open(world, SECOND)
    assert mounted(world) == SECOND
    retired = world.fmc("keys", "retire", FIRST, cwd=world.workspace)
    assert (retired.code, f"delete secret --ignore-not-found {FIRST}" in retired.out) == (0, True), retired.err
    assert [key.name for key in vault(world).sealing_keys] == [SECOND]
    require_open(world, SECOND)
    assert world.fmc("check", cwd=world.workspace).code == 0


def test_repositories_that_are_made_again_from_the_vault_are_sealed_to_the_key_that_counts(
    switched: World, tmp_path: Path
) -> None:
    """The template has the first key's name, and somebody else may know that key."""
    world = switched.copy(tmp_path / "world")
    for part in PARTS:
        shutil.rmtree(world.workspace / part)
        shutil.rmtree(world.remote(part))
        world.git("init", "--quiet", "--bare", "--initial-branch=main", str(world.remote(part)), cwd=world.folder)
    shutil.rmtree(world.workspace / ".fmc")
    made = world.new("--push")
    assert made.code == 0, made.all
    require_open(world, SECOND)
    assert mounted(world) == SECOND


def test_nothing_is_sealed_to_a_key_that_no_controller_was_told_of(
    first_run: tuple[World, Finished], tmp_path: Path
) -> None:
    world = first_run[0].copy(tmp_path / "world")
    assert drive(world, "git push 1").code == -signal.SIGKILL
    references, files = world.references(), tree(world.workspace / "argocd")
    refused = rekey(world, "--loaded")
    assert (refused.code, "what is delivered does not name it" in refused.err) == (2, True), refused.all
    assert (world.references(), tree(world.workspace / "argocd")) == (references, files)
    assert rekey(world).code == 0
    assert rekey(world, "--loaded").code == 0
    require_open(world, SECOND)


def test_after_a_compromise_what_it_gives_away_is_listed_until_it_is_replaced(begun: World, tmp_path: Path) -> None:
    world = begun.copy(tmp_path / "world")
    refused = world.fmc("keys", "retire", FIRST, cwd=world.workspace)
    assert (refused.code, "Replace it first: `fmc keys rekey`." in refused.err) == (2, True)
    done = rekey(world, "--loaded", "--compromised", "--output", "json")
    assert done.code == 0, done.err
    exposed = {f"{one['secret']}:{one['value']}": one["how"] for one in json.loads(done.out)["exposed"]}
    sealed = {
        f"{secret}:{name}"
        for secret, names in vault(world).values.items()
        for name in names
        if secret in vault(world).sealed
    }
    assert set(exposed) == sealed
    assert exposed["hello-production/hello-users:hello"] == "`fmc rotate hello-production/hello-users:hello`"
    unknown = world.fmc("keys", "retire", "key-1", cwd=world.workspace)
    assert (unknown.code, "`fmc keys list` shows them." in unknown.err) == (2, True)
    listed = json.loads(world.fmc("keys", "list", "--output", "json", cwd=world.workspace).out)["keys"]
    assert [(key["name"], key["state"], key["needed_by"] == []) for key in listed] == [
        (FIRST, "old", True),
        (SECOND, "in use", False),
    ]
    assert world.fmc("keys", "retire", FIRST, cwd=world.workspace).code == 0
    assert world.fmc("rotate", "hello-production/hello-users", cwd=world.workspace).code == 0
    left = json.loads(world.fmc("keys", "exposed", "--output", "json", cwd=world.workspace).out)["exposed"]
    assert {f"{one['secret']}:{one['value']}" for one in left} == sealed - {"hello-production/hello-users:hello"}


def test_a_sealed_secret_of_ones_own_holds_the_old_key_until_it_is_sealed_anew(begun: World, tmp_path: Path) -> None:
    world = begun.copy(tmp_path / "world")
    sealer = Sealer(vault(world).sealing_keys[0].certificate.encode())
    text = sealer.seal(Plaintext(b"of-my-own"), b"traefik")
    world.commit("argocd", {OWN: MINE.replace("TEXT", text)})
    done = rekey(world, "--loaded")
    assert (done.code, f"and not by fmc: argocd/{OWN}" in done.out) == (0, True), done.all
    refused = world.fmc("keys", "retire", FIRST, cwd=world.workspace)
    assert (refused.code, f"argocd/{OWN}" in refused.err) == (2, True)
    resealed = world.fmc("keys", "reseal", cwd=world.workspace)
    assert f"sealed anew: traefik/mine: token, in {world.workspace}/argocd/{OWN}" in resealed.out
    new = (world.workspace / "argocd" / OWN).read_text()
    assert MINE.replace("TEXT", new.partition("token: ")[2].partition(" #")[0]) == new
    # The last commit and the remote still have the old text.
    assert world.fmc("keys", "retire", FIRST, cwd=world.workspace).code == 2
    world.commit("argocd", {OWN: new})
    assert world.fmc("push", cwd=world.workspace).code == 0
    require_open(world, SECOND)
    assert world.fmc("keys", "retire", FIRST, cwd=world.workspace).code == 0


@pytest.mark.parametrize("moment", BEGIN)
def test_killed_and_run_again_it_makes_one_key(first_run: tuple[World, Finished], tmp_path: Path, moment: str) -> None:
    world = first_run[0].copy(tmp_path / "world")
    done = drive(world, moment)
    assert done.code == -signal.SIGKILL, f"{moment} never came: {done.err}"
    world.require_presentable(done)
    require_open(world, FIRST)
    assert rekey(world).code == 0
    assert [key.name for key in vault(world).sealing_keys] == [FIRST, SECOND]
    require_open(world, FIRST)
    assert (mounted(world), vault(world).next_key) == (SECOND, SECOND)


@pytest.mark.parametrize("moment", SWITCH)
def test_killed_and_run_again_it_seals_once(begun: World, switched: World, tmp_path: Path, moment: str) -> None:
    world = begun.copy(tmp_path / "world")
    done = drive(world, moment, "--loaded")
    assert done.code == -signal.SIGKILL, f"{moment} never came: {done.err}"
    world.require_presentable(done)
    require_open(world, FIRST, SECOND)
    assert rekey(world, "--loaded").code == 0
    require_open(world, SECOND)
    after = vault(world)
    assert ([key.name for key in after.sealing_keys], after.next_key) == ([FIRST, SECOND], "")
    assert after.values == vault(switched).values
    assert world.published() == world.local()
    count = world.git("rev-list", "--count", "main", cwd=world.remote("argocd"))
    assert count == world.git("rev-list", "--count", "main", cwd=switched.remote("argocd"))
