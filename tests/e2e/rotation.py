"""`fmc rotate` as a person runs it, and what became of it in the cluster, with the times."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from generator.secrets.catalogue.read import read_catalogue
from generator.secrets.restart_marks import ANNOTATION
from generator.secrets.vault.file import open_vault
from generator.secrets.vault.lineage import whole_revision
from tests.e2e.applications import wait_until_done
from tests.e2e.bed.waiting import wait_for
from tests.secrets.test_rendered import expected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.secrets.catalogue.model import Catalogue, Secret
    from generator.secrets.vault.model import Vault
    from tests.e2e.bed.api import Object
    from tests.e2e.rollout import Rollout

DELIVERED_IN = 120
"""Seconds; a bound for a hang, not a goal."""
APPLICATION = "secrets"
"""The Application that holds all SealedSecrets."""


@dataclass(frozen=True)
class Moment:
    """What a Secret, and what restarts with it, is at a moment.

    Attributes:
        data: Content by key, as the API server serves it.
        pods: The pods that name the Secret in `restart-with`: what they name, by their uid.
    """

    data: Mapping[str, bytes]
    pods: Mapping[str, str]


@dataclass(frozen=True)
class Rotation:
    """A rotation, from the start of the command until the cluster had what it pushed.

    Attributes:
        document: What `fmc rotate --output json` printed.
        begun: When the command was started; seconds on the monotonic clock, as all moments here.
        delivered: When the cluster had the new Secrets.
        vaults: The vault before and after.
        before: What each Secret that was replaced was, by `namespace/name`.
        after: What it was then.
        commits: The commit of each repository before and after, by part.
    """

    document: Mapping[str, Any]
    begun: float
    delivered: float
    vaults: tuple[Vault, Vault]
    before: Mapping[str, Moment]
    after: Mapping[str, Moment]
    commits: Mapping[str, tuple[str, str]]

    @property
    def secrets(self) -> set[str]:
        """Return what was replaced: `namespace/name`."""
        return set(self.after)

    def password(self, secret: str, value: str) -> tuple[str, str]:
        """Return a password before and after."""
        old, new = (vault.values[secret][value].secret.reveal().decode() for vault in self.vaults)
        return old, new

    def revision(self, secret: Secret) -> str:
        """Return the revision that pods restart with since then."""
        return revision_of(self.vaults[1], secret)


def revision_of(vault: Vault, secret: Secret) -> str:
    """Return the revision of a Secret as a whole."""
    return whole_revision(vault.values[secret.id][name].lineage.text() for name in sorted(secret.values))


def catalogue_of(rollout: Rollout) -> Catalogue:
    """Return what secrets there are."""
    return read_catalogue(rollout.user.workspace / "argocd")


def vault_of(rollout: Rollout) -> Vault:
    """Open the vault as its owner does."""
    identity = rollout.bed.home / ".config/fmc/identity.txt"
    return open_vault(rollout.user.workspace / "vault.age", identity, cluster="home")


def data_of(rollout: Rollout, secret: str) -> dict[str, bytes]:
    """Return what a Secret holds now; nothing where there is none."""
    found = rollout.bed.api.get("Secret", *secret.split("/")) or {"data": {}}
    return {key: base64.b64decode(text) for key, text in found["data"].items()}


def moment_of(rollout: Rollout, secret: str) -> Moment:
    """Return what a Secret, and what restarts with it, is now."""
    pods = {pod["metadata"]["uid"]: _named(pod) for pod in _pods(rollout, secret)}
    return Moment(data_of(rollout, secret), pods)


def rotate(
    rollout: Rollout, *arguments: str, stdin: str = "", environment: Mapping[str, str] | None = None
) -> Rotation:
    """Run `fmc rotate`, and wait until the cluster has what it pushed, and the pods that restart with it run.

    Args:
        rollout: Where.
        arguments: Of the command.
        stdin: What is piped into it.
        environment: Variables of this one command.

    Raises:
        BedError: The command failed, or the cluster does not get there.
    """
    user, parts = rollout.user, ("argocd", "apps")
    catalogue, vault = catalogue_of(rollout), vault_of(rollout)
    before = {secret.id: moment_of(rollout, secret.id) for secret in catalogue.secrets}
    heads = {part: user.head(part) for part in parts}
    begun = time.monotonic()
    printed = user.do("fmc", "rotate", *arguments, "--output", "json", stdin=stdin, environment=environment)
    document = json.loads(printed)
    names = {line.partition(": ")[0] for line in document["rotated"]}
    replaced = [secret for secret in catalogue.secrets if secret.id in names]
    vaults = (vault, vault_of(rollout))
    wanted = {secret.id: expected(vaults[1], secret) for secret in replaced}
    wait_for(
        f"the new bytes of {', '.join(sorted(wanted))}",
        lambda: all(wanted[name].items() <= data_of(rollout, name).items() for name in wanted),
        timeout=DELIVERED_IN,
        pause=0.1,
        report=rollout.report,
    )
    delivered = time.monotonic()
    if replaced:
        wait_until_done(rollout.bed, [APPLICATION], rollout.revisions())
    restarting = [secret for secret in replaced if before[secret.id].pods]
    wait_for(
        f"pods with the revision of {', '.join(secret.id for secret in restarting)}",
        lambda: all(_have_restarted(rollout, secret, revision_of(vaults[1], secret)) for secret in restarting),
        timeout=DELIVERED_IN,
        report=rollout.report,
    )
    return Rotation(
        document,
        begun,
        delivered,
        vaults,
        {secret.id: before[secret.id] for secret in replaced},
        {secret.id: moment_of(rollout, secret.id) for secret in replaced},
        {part: (heads[part], user.head(part)) for part in parts},
    )


def _pods(rollout: Rollout, secret: str) -> list[Object]:
    """Return the pods that restart with a Secret, those that end left out."""
    namespace, _ = secret.split("/")
    pods = rollout.bed.api.objects("Pod", namespace)
    return [pod for pod in pods if f"{secret}=" in _named(pod) and "deletionTimestamp" not in pod["metadata"]]


def _named(pod: Object) -> str:
    """Return the Secrets that a pod restarts with, and their revisions; "" where there are none."""
    text: str = pod["metadata"].get("annotations", {}).get(ANNOTATION, "")
    return text


def _have_restarted(rollout: Rollout, secret: Secret, revision: str) -> bool:
    pods = _pods(rollout, secret.id)
    return bool(pods) and all(
        f"{secret.id}={revision}" in _named(pod).split() and pod["status"].get("phase") == "Running" for pod in pods
    )
