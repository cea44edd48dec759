"""Rules about kustomizations: what they name is there, and what lies beside them is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.checks.reading.kustomize import KUSTOMIZATION_FILES
from generator.checks.rule import rule
from generator.findings import Flaw, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.checks.reading.inventory import Inventory
    from generator.checks.reading.kustomize import Kustomization, Reference


@rule("kustomize/missing-file", "What a kustomization names exists.")
def missing_file(inventory: Inventory) -> Iterator[Flaw]:
    """Find files and folders that are named and missing."""
    for item in inventory.contents.kustomizations:
        for reference in _references(item):
            if reference.path is None or not inventory.locator.has((item.file.part, reference.path)):
                problem = "is not there" if reference.path else "leads out of the repository"
                yield item.manifest.flaw(f"{reference.given} {problem}", *reference.step)


@rule("kustomize/unused-file", "A manifest beside a kustomization belongs to one.", Severity.WARNING)
def unused_file(inventory: Inventory) -> Iterator[Flaw]:
    """Find YAML files in the folder of a kustomization that none includes."""
    kustomizations = inventory.contents.kustomizations
    used = {(item.file.part, reference.path) for item in kustomizations for reference in _references(item)}
    folders = {(item.file.part, item.folder) for item in kustomizations}
    for file in inventory.files:
        beside = (file.part, file.path.parent) in folders and file.is_yaml and not file.path.name.startswith(".")
        if beside and file.path.name not in KUSTOMIZATION_FILES and (file.part, file.path) not in used:
            fix = "Name it under `resources` or `patches`, or remove it."
            yield Flaw(file.name, 0, "no kustomization includes this file", fix=fix)


def _references(item: Kustomization) -> tuple[Reference, ...]:
    return (*item.objects, *item.settings, *item.data)
