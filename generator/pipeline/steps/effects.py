"""What `fmc new` would do to what exists: told before anything is written, and refused where data would be lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from generator.answers.effects import Class, Effect, effects
from generator.answers.parts import load_parts
from generator.answers.plan import Plan
from generator.delivery.local.repository import RECORDED_ANSWERS
from generator.errors import BadInputError, CatalogueError, ConflictError, FmcError
from generator.pipeline.steps.preview import planned_catalogue
from generator.secrets.catalogue.model import CATALOGUE, Secret
from generator.secrets.catalogue.read import parse_catalogue
from generator.wording import command
from generator.workspace import PARTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from generator.answers.load import LoadedAnswers
    from generator.secrets.catalogue.model import Entry
    from generator.workspace import Folders, Workspace

PLAN = "plan.json"
"""Where the address plan stands, below the folder of the part infra."""


def foreseen(folders: Folders, loaded: LoadedAnswers, template_root: Path) -> tuple[Effect, ...]:
    """Return what new answers do to machines, networks, repositories and secrets that are there.

    Args:
        folders: Where the repositories lie, or will lie.
        loaded: The new answers.
        template_root: The template.

    Returns:
        All effects, the worst first; none where nothing was rendered before.

    Raises:
        BadInputError: The plan that was rendered last can't be read.
    """
    found: list[Effect] = []
    if "infra" in folders.parts and (plan := folders.parts["infra"] / PLAN).is_file():
        found += effects(_read(plan), loaded.plan)
    if loaded.plan.existing and (before := _recorded(folders, template_root)):
        found += effects(before, loaded.plan)
    if "argocd" in folders.parts and (catalogue := folders.parts["argocd"] / CATALOGUE).is_file():
        found += _secrets(catalogue, loaded, template_root)
    return tuple(sorted(found, key=lambda effect: (-effect.severity, effect.name)))


def require_same_origin(workspace: Workspace, loaded: LoadedAnswers) -> None:
    """Refuse to make a cluster one that is there already, or the other way round: infra would come or go.

    Args:
        workspace: Where the repositories lie.
        loaded: The new answers.

    Raises:
        BadInputError: The repositories were rendered with the other kind of answers.
    """
    existing = loaded.plan.existing
    for folder, found in workspace.rendered().items():
        if found.existing != existing:
            then, now = ("without", "name it") if existing else ("with", "don't")
            raise BadInputError(
                f"{folder} was rendered {then} existing_cluster, and the answers {now}",
                where=str(folder / RECORDED_ANSWERS),
                fix=f"{'Take it out again' if existing else 'Keep it'}, or choose another --workspace and empty "
                "remotes for the new cluster.",
            )


def require_allowed(found: Collection[Effect], allowed: Collection[str]) -> None:
    """Stop where data would be lost, unless each such thing was named.

    Args:
        found: The effects.
        allowed: What `--allow-destructive` named.

    Raises:
        ConflictError: Something else would be lost; nothing has been written.
    """
    refused = [effect for effect in found if effect.severity is Class.DESTROYS_DATA and effect.name not in allowed]
    if refused:
        options = " ".join(f"--allow-destructive '{effect.name}'" for effect in refused)
        lines = "\n".join(f"  {effect.name}: {effect.message}" for effect in refused)
        raise ConflictError(
            f"these answers destroy data; nothing was written\n{lines}",
            fix=f"Correct the answers, or, if that is meant, run the same command with {options}",
        )


def _read(file: Path) -> Plan:
    try:
        return Plan.from_dict(json.loads(file.read_bytes()))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        git = ("git", "-C", str(file.parent))
        raise BadInputError(
            f"the plan that was rendered last can't be read: {type(error).__name__}",
            where=str(file),
            fix="Bring it back from the last commit that has it whole: "
            f"{command(*git, 'log', '--oneline', '--', PLAN)} lists them, "
            f"{command(*git, 'checkout', 'COMMIT', '--', PLAN)} does it; then commit.",
        ) from error


def _recorded(folders: Folders, template_root: Path) -> Plan | None:
    """Return the plan of the recorded answers; None where there are none, or what is wrong is said by the checks."""
    # The last one is that which the cluster acts on.
    file = list(folders.repositories.values())[-1] / RECORDED_ANSWERS
    try:
        return load_parts([file], template_root, PARTS)[0].plan if file.is_file() else None
    except FmcError:
        return None


def _secrets(committed: Path, loaded: LoadedAnswers, template_root: Path) -> Iterator[Effect]:
    """Compare the catalogues; one that can't be used is said by the checks, and sealing refuses it."""
    try:
        before = {
            secret.id: secret
            for secret in parse_catalogue(committed.read_text(encoding="utf-8"), where=str(committed)).entries
        }
    except (CatalogueError, OSError, UnicodeDecodeError):
        return
    after = {secret.id: secret for secret in planned_catalogue(loaded, template_root)}
    for name in (name for name in before.keys() - after.keys() if isinstance(before[name], Secret)):
        yield Effect(f"secret {name}", Class.REPLACE, "the Secret leaves the cluster; the vault keeps its values")
    for name in before.keys() & after.keys():
        if changed := _replaced(before[name], after[name]):
            message = f"{', '.join(changed)}: made in another way, so that a new value replaces the present one"
            yield Effect(f"secret {name}", Class.REPLACE, message)


def _replaced(before: Entry, after: Entry) -> list[str]:
    """Return the values that the next seal makes anew: another generator, or other names in a certificate."""
    return [
        name
        for name, value in before.values.items()
        if name in after.values
        and (value.generator, value.names) != (after.values[name].generator, after.values[name].names)
    ]
