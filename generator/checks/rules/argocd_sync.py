"""Rules about how Argo CD syncs: waves and options are ones that it understands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from generator.checks.reading.kubernetes_objects import text
from generator.checks.rule import rule
from generator.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from generator.checks.reading.inventory import Inventory
    from generator.checks.reading.kubernetes_objects import KubernetesObject
    from generator.checks.reading.yamlgo import Step
    from generator.findings import Flaw

_WAVE = "argocd.argoproj.io/sync-wave"
_OPTIONS = "argocd.argoproj.io/sync-options"
_NUMBER = re.compile(r"[+-]?[0-9]+")
_BOOLEAN = ("true", "false")
_SYNC_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "ApplyOutOfSyncOnly": _BOOLEAN,
    "ClientSideApplyMigration": _BOOLEAN,
    "CreateNamespace": _BOOLEAN,
    "Delete": (*_BOOLEAN, "confirm"),
    "FailOnSharedResource": _BOOLEAN,
    "Force": _BOOLEAN,
    "Prune": (*_BOOLEAN, "confirm"),
    "PruneLast": _BOOLEAN,
    "PrunePropagationPolicy": ("background", "foreground", "orphan"),
    "Replace": _BOOLEAN,
    "RespectIgnoreDifferences": _BOOLEAN,
    "ServerSideApply": _BOOLEAN,
    "SkipDryRunOnMissingResource": _BOOLEAN,
    "Validate": _BOOLEAN,
}
"""Of Argo CD 3.5: anything else is passed over without a word."""


@rule("argocd/sync-wave", "A sync wave is a whole number; anything else counts as 0.")
def sync_wave(inventory: Inventory) -> Iterator[Flaw]:
    """Find waves that Argo CD takes for 0."""
    for manifest in inventory.contents.manifests:
        wave = manifest.annotations.get(_WAVE)
        if isinstance(wave, str) and not _NUMBER.fullmatch(wave):
            message = "this sync wave is no whole number, so that Argo CD takes it for 0"
            yield manifest.flaw(message, "metadata", "annotations", _WAVE)


@rule("argocd/sync-option", "A sync option is one that Argo CD knows.", Severity.WARNING)
def sync_option(inventory: Inventory) -> Iterator[Flaw]:
    """Find options that Argo CD passes over."""
    for app in inventory.applications:
        for index, option in enumerate(app.sync_options):
            yield from _option(app.manifest, option, (*app.place, "syncPolicy", "syncOptions", index))
    for manifest in inventory.contents.manifests:
        for option in text(manifest.annotations.get(_OPTIONS)).split(","):
            yield from _option(manifest, option.strip(), ("metadata", "annotations", _OPTIONS))


def _option(manifest: KubernetesObject, option: str, place: tuple[Step, ...]) -> Iterator[Flaw]:
    name, _, value = option.partition("=")
    if not option or value in _SYNC_OPTIONS.get(name, ()):
        return
    known = f"{name} is one of {', '.join(_SYNC_OPTIONS[name])}" if name in _SYNC_OPTIONS else ""
    fix = f"{known}." if known else f"Known are {', '.join(sorted(_SYNC_OPTIONS))}."
    yield manifest.flaw(f"Argo CD knows no sync option {option}, and passes over it", *place, fix=fix)
