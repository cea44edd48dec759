"""Rules about the order of a rollout: which Application has to be there before which, and how root brings them in.

Each was seen failing when it was broken (docs/proof.md, points 1, 3, 4 and 5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.checks.reading.applications import ARGO
from generator.checks.reading.kubernetes_objects import mapping, sequence, text, texts
from generator.checks.reading.source_files import ARGOCD
from generator.checks.reading.values import chart_values
from generator.checks.rule import rule
from generator.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from generator.checks.reading.applications import Application, Place
    from generator.checks.reading.inventory import Deployed, Inventory
    from generator.checks.reading.kubernetes_objects import KubernetesObject
    from generator.findings import Flaw

_WAVE = "argocd.argoproj.io/sync-wave"
_ARGO_CD = "argo-cd"
_CATALOGUE = "secrets/catalogue*.yaml"
# The chart that brings the kinds of a group, for the charts whose objects stand in these repositories.
_SEALED = "bitnami.com"
_PROVIDERS = {
    _SEALED: "sealed-secrets",
    "traefik.io": "traefik",
    "cert-manager.io": "cert-manager",
    "trust.cert-manager.io": "trust-manager",
    "monitoring.coreos.com": "prometheus-operator-crds",
}

# Namespace and name.
_Secret = tuple[str, str]


@dataclass(frozen=True)
class _Need:
    """What has to be there before an Application.

    Attributes:
        manifest: The object.
        why: What it brings, as a clause.
        ties: Whether the same wave does: within one, Argo CD applies namespaces and projects first.
    """

    manifest: KubernetesObject
    why: str
    ties: bool = False


@rule("argocd/wave-order", "An Application comes in a later wave than what it needs: kinds, secrets, a project.")
def wave_order(inventory: Inventory) -> Iterator[Flaw]:
    """Compare the waves of Applications with what they need of one another."""
    apps = [app for app in inventory.applications if not _is_root(app)]
    yield from _after_argocd(apps)
    secrets = [(app, _secrets_of(app, inventory)) for app in apps]
    for app, brought in secrets:
        for need in _needs(app, bool(brought), secrets, inventory):
            theirs, ours = _wave(need.manifest), _wave(app.manifest)
            # Where neither is in a wave, nobody has asked for an order.
            ordered = _WAVE in need.manifest.annotations or _WAVE in app.manifest.annotations
            if theirs > ours or (theirs == ours and ordered and not need.ties):
                other = f"the {need.manifest.kind} {need.manifest.name}, {need.why}, is in wave {theirs}"
                message = f"{app.manifest.name} is in wave {ours}, and {other}"
                fix = f"Give {app.manifest.name} a higher wave than {theirs}."
                yield app.manifest.flaw(message, "metadata", "annotations", _WAVE, fix=fix)


def _after_argocd(apps: list[Application]) -> Iterator[Flaw]:
    own = next((app.manifest for app in apps if _ARGO_CD in _charts(app)), None)
    for app in apps:
        if own is not None and app.manifest is not own and _wave(app.manifest) <= _wave(own):
            message = f"{app.manifest.name} is in wave {_wave(app.manifest)}, not after Argo CD's own Application"
            why = f"in wave {_wave(own)}, whose settings decide how all others are judged"
            fix = f"Give it a higher wave than {_wave(own)}."
            yield app.manifest.flaw(f"{message}, {why}", "metadata", "annotations", _WAVE, fix=fix)


def _needs(
    app: Application, is_sealed: bool, secrets: Sequence[tuple[Application, set[_Secret]]], inventory: Inventory
) -> Iterator[_Need]:
    groups = {item.manifest.group for item in inventory.deployed if _deploys(app, item)}
    groups |= {_SEALED} if is_sealed else set()
    for other, brought in secrets:
        if other.manifest is app.manifest:
            continue
        for group in sorted(groups):
            if _PROVIDERS.get(group) in _charts(other):
                yield _Need(other.manifest, f"which brings the kinds of {group}")
        here = {name for namespace, name in brought if namespace == app.namespace}
        if here and _ARGO_CD not in _charts(app) and (named := sorted(here & _texts_of(app, inventory))):
            yield _Need(other.manifest, f"which brings the secret {named[0]} of {app.namespace}")
    for item in inventory.contents.manifests:
        if item.is_a(ARGO, "AppProject") and item.name == app.project:
            yield _Need(item, "its project", ties=True)
        if item.is_a("", "Namespace") and item.name == app.namespace:
            yield _Need(item, "its namespace", ties=True)


def _secrets_of(app: Application, inventory: Inventory) -> set[_Secret]:
    """Return the secrets that an Application brings: the sealed ones, and those still to be sealed."""
    deployed = (item for item in inventory.deployed if _deploys(app, item))
    found = {(item.namespace, item.name) for item in deployed if item.manifest.is_a(_SEALED, "SealedSecret")}
    for file, documents in inventory.contents.others.items():
        if (
            file.part == ARGOCD
            and file.path.match(_CATALOGUE)
            and _reads(app, (file.part, file.path.parent), inventory)
        ):
            secrets = (mapping(secret) for one in documents for secret in sequence(mapping(one.value).get("secrets")))
            found |= {(text(secret.get("namespace")), text(secret.get("name"))) for secret in secrets}
    return found


def _texts_of(app: Application, inventory: Inventory) -> set[str]:
    """Return every text of an Application, its values and its objects: a secret that it reads is named among them."""
    values = (given.merged for given in chart_values(inventory) if given.app is app)
    objects = (item.manifest.value for item in inventory.deployed if _deploys(app, item))
    return {leaf for value in (app.spec, *values, *objects) for leaf in texts(value)}


def _reads(app: Application, folder: Place, inventory: Inventory) -> bool:
    return any(inventory.locator.locate(source.url, source.path) == folder for source in app.sources if source.path)


def _deploys(app: Application, item: Deployed) -> bool:
    return (item.application is not None and item.application.manifest is app.manifest) or (
        app.folder is not None and item.root == app.folder
    )


@rule("argocd/root", "Root syncs all that it holds, in order, by itself, and takes a newer commit while it waits.")
def root(inventory: Inventory) -> Iterator[Flaw]:
    """Look at how the root Application syncs."""
    for app in inventory.applications:
        if not _is_root(app):
            continue
        policy = (*app.place, "syncPolicy")
        for index, option in enumerate(app.sync_options):
            if option.replace(" ", "").lower() == "applyoutofsynconly=true":
                message = (
                    "with this option a retry leaves out what has not changed, and a broken wave does not hold the next"
                )
                yield app.flaw(message, *policy, "syncOptions", index, fix="Remove it.")
        retry = mapping(mapping(app.spec.get("syncPolicy")).get("retry"))
        limit = retry.get("limit")
        if not isinstance(limit, int) or limit >= 0:
            message = "root gives up after some attempts, and then waits for a person"
            yield app.flaw(message, *policy, "retry", "limit", fix="Set it to -1.")


@rule("argocd/automated", "An Application syncs by itself, undoes drift, and reads the branch again with each attempt.")
def automated(inventory: Inventory) -> Iterator[Flaw]:
    """Look at how all Applications sync; a later wave waits for each of them."""
    for app in inventory.applications:
        policy = mapping(app.spec.get("syncPolicy"))
        place = (*app.place, "syncPolicy")
        wave = _WAVE in app.manifest.annotations or _is_root(app)
        if not wave:
            continue
        own = mapping(policy.get("automated"))
        if "automated" not in policy or own.get("enabled") is False:
            message = "this Application does not sync by itself: the waves after it wait for ever"
            yield app.flaw(message, *place, fix="Add automated, with selfHeal and prune.")
        elif own.get("selfHeal") is not True:
            message = "what is changed by hand in the cluster stays so"
            yield app.flaw(message, *place, "automated", fix="Set selfHeal: true.", severity=Severity.WARNING)
        if mapping(policy.get("retry")).get("refresh") is not True:
            message = "a failed sync is tried again with the old commit: the one that mends it is not read"
            severity = Severity.ERROR if _is_root(app) else Severity.WARNING
            yield app.flaw(message, *place, "retry", fix="Set refresh: true.", severity=severity)


def _is_root(app: Application) -> bool:
    return app.manifest.file.path.parts[0] == "bootstrap"


def _charts(app: Application) -> set[str]:
    return {text(source.value.get("chart")) for source in app.sources if source.is_chart}


def _wave(manifest: KubernetesObject) -> int:
    """Return the wave that Argo CD puts an object into: 0 where it names none, or no number."""
    try:
        return int(text(manifest.annotations.get(_WAVE)) or 0)
    except ValueError:
        return 0
