"""The sealing key is replaced while a real controller runs: by habit, then because somebody else may have it.

The commands are those that fmc prints, one after the other, without a pause of a person in between.
"""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from generator.errors import VaultError
from generator.secrets.sealing.crypto import load_private_keys, unseal
from generator.secrets.vault.keys import certificate_fingerprint
from tests.e2e.bed.waiting import wait_for
from tests.e2e.rotation import catalogue_of, rotate, vault_of
from tests.e2e.watcher import Watcher
from tests.secrets.test_rendered import expected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.rollout import Rollout

TRAEFIK, HELLO = "traefik/traefik-dashboard-auth", "hello-staging/hello-users"
CERTIFICATE = "secrets/sealing-cert.pem"
_STEP = re.compile(r"^(?:Next|Then)[^:]*: (.*)$")
_QUOTED = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Rekeyed:
    """What became of a replacement.

    Attributes:
        names: Names of the key of before and of the next one.
        watcher: Who looked at everything that is sealed, from before the first command until the old key was gone.
        opened: The Secrets whose sealed values in the cluster the next key alone opened, before the old one was gone.
        certificates: The fingerprint of the certificate in Git, before and after.
        commits: How many commits it took.
    """

    names: tuple[str, str]
    watcher: Watcher
    opened: set[str]
    certificates: tuple[str, str]
    commits: int


@pytest.fixture(scope="module")
def rekeyed(rollout: Rollout, evidence: Callable[[str], None]) -> Rekeyed:
    """By habit."""
    begin = time.monotonic()
    found = replace_the_key(rollout)
    evidence(f"{found.names[0]} replaced by {found.names[1]}, and retired, in {time.monotonic() - begin:.0f} s")
    return found


@pytest.fixture(scope="module")
def compromised(rollout: Rollout, rekeyed: Rekeyed, evidence: Callable[[str], None]) -> Rekeyed:
    """Somebody else may have the key that was the next one a moment ago."""
    begin = time.monotonic()
    found = replace_the_key(rollout, "--compromised")
    evidence(f"{found.names[0]}, compromised, replaced by {found.names[1]} in {time.monotonic() - begin:.0f} s")
    assert rekeyed.names[1] == found.names[0]
    return found


def replace_the_key(rollout: Rollout, *options: str) -> Rekeyed:
    """Run `fmc keys rekey`, and all that it prints to be run after it, to the end."""
    user = rollout.user
    catalogue, vault = catalogue_of(rollout), vault_of(rollout)
    old, head = catalogue.key_name, user.head("argocd")
    before = fingerprint(rollout)
    wanted = {secret.id: expected(vault, secret) for secret in catalogue.secrets}
    with Watcher(rollout.bed.api, wanted) as watcher:
        printed = user.do("fmc", "keys", "rekey", *options)
        for command in steps(printed):
            user.do("bash", "-o", "pipefail", "-c", command)
        rollout.wait_until_done()
        wait_for("all to be opened with the next key", lambda: len(opened(rollout)) == len(wanted))
        alone = opened(rollout)
        printed = user.do("fmc", "keys", "retire", old)
        for command in _QUOTED.findall(printed):
            user.do("bash", "-c", command)
        user.kubectl("--namespace", "kube-system", "rollout", "status", "deployment", "sealed-secrets-controller")
        rollout.wait_until_done()
    new = catalogue_of(rollout).key_name
    count = len(user.do("git", "rev-list", f"{head}..HEAD", cwd=user.workspace / "argocd").split())
    return Rekeyed((old, new), watcher, alone, (before, fingerprint(rollout)), count)


def steps(printed: str) -> Iterator[str]:
    """Yield the commands that are to be run next, in their order."""
    for line in printed.splitlines():
        if found := _STEP.fullmatch(line):
            yield found[1]


def fingerprint(rollout: Rollout) -> str:
    """Return the fingerprint of the certificate that everything in Git is sealed to."""
    return certificate_fingerprint((rollout.user.workspace / "argocd" / CERTIFICATE).read_bytes())


def opened(rollout: Rollout) -> set[str]:
    """Return the SealedSecrets of the cluster, all of whose values the key in use opens by itself."""
    catalogue, vault = catalogue_of(rollout), vault_of(rollout)
    key = vault.sealing_key(catalogue.key_name)
    assert key is not None
    keys, found = load_private_keys([key.private_key]), set()
    for secret in catalogue.secrets:
        sealed = rollout.bed.api.get("SealedSecret", secret.namespace, secret.name)
        assert sealed is not None
        with suppress(VaultError):
            for ciphertext in sealed["spec"]["encryptedData"].values():
                unseal(keys, ciphertext, secret.label)
            found.add(secret.id)
    return found


@pytest.mark.parametrize("which", ["rekeyed", "compromised"])
def test_everything_unseals_at_each_moment(
    request: pytest.FixtureRequest, which: str, evidence: Callable[[str], None]
) -> None:
    watcher = request.getfixturevalue(which).watcher
    assert watcher.faults == {}
    assert watcher.looks > 50
    evidence(f"{which}: looked {watcher.looks} times at {len(watcher.wanted)} Secrets, and nothing was wrong")


def test_it_takes_two_commits_and_switches_the_certificate(rollout: Rollout, rekeyed: Rekeyed) -> None:
    assert rekeyed.commits == 2
    assert rekeyed.certificates[0] != rekeyed.certificates[1]
    assert rekeyed.opened == {secret.id for secret in catalogue_of(rollout).secrets}


def test_the_old_key_is_gone_and_the_next_one_alone_is_there(
    rollout: Rollout, compromised: Rekeyed, evidence: Callable[[str], None]
) -> None:
    label = "sealedsecrets.bitnami.com/sealed-secrets-key=active"
    held = rollout.bed.api.objects("Secret", "kube-system", labelSelector=label)
    assert [item["metadata"]["name"] for item in held] == [compromised.names[1]]
    listed = json.loads(rollout.user.do("fmc", "keys", "list", "--output", "json"))["keys"]
    assert [(row["name"], row["state"]) for row in listed] == [(compromised.names[1], "in use")]
    evidence(f"vault and cluster have {compromised.names[1]} alone")


def test_a_later_rotation_works_with_the_next_key(rollout: Rollout, compromised: Rekeyed) -> None:
    assert vault_of(rollout).current_key == compromised.names[1]
    rotation = rotate(rollout, HELLO)
    assert rotation.before[HELLO].data != rotation.after[HELLO].data
    rollout.wait_until_done()


def test_what_a_compromised_key_gives_away_is_listed_until_it_is_replaced(
    rollout: Rollout, compromised: Rekeyed, evidence: Callable[[str], None]
) -> None:
    """All that was sealed to it, since it sealed everything; each with the command that replaces it."""
    user = rollout.user
    before = exposed(rollout)
    with_values = {secret.id for secret in catalogue_of(rollout).secrets if secret.values}
    assert before.keys() | {HELLO} == with_values
    (command,) = _QUOTED.findall(before[TRAEFIK])
    assert command == f"fmc rotate {TRAEFIK}:admin"
    user.do("bash", "-c", command)
    after = exposed(rollout)
    assert before.keys() - after.keys() == {TRAEFIK}
    rollout.wait_until_done()
    evidence(f"{compromised.names[0]} gives {len(before)} secrets away; {len(after)} after `{command}`")


def exposed(rollout: Rollout) -> dict[str, str]:
    """Return how each secret is replaced that a compromised key gives away, by `namespace/name`."""
    rows = json.loads(rollout.user.do("fmc", "keys", "exposed", "--output", "json"))["exposed"]
    return {row["secret"]: row["how"] for row in rows}
