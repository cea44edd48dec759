"""Which answers `fmc new` goes by, in which workspace, and where they are kept: in the workspace, in one file.

A person may hand over a file from anywhere, a pipe, or what the repositories record. From then on `answers.yaml` in the
workspace is theirs: it gets what was handed over, comments included, but never in place of changes made to it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from generator.answers.elsewhere import as_options, changed_elsewhere, findings
from generator.answers.load import load, load_again
from generator.answers.parts import OWN, load_parts
from generator.answers.rewrite import with_answers
from generator.answers.write import dump
from generator.delivery.local.repository import RECORDED_ANSWERS
from generator.errors import AnswersError, BadInputError, ConflictError
from generator.pipeline.steps.last_answers import is_fmcs_own, last_answers, write_answers
from generator.wording import command
from generator.workspace import MONOREPO, PARTS, Workspace, workspace_around

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.answers.load import LoadedAnswers
    from generator.answers.questionnaire import Questionnaire


def load_for_new(
    path: Path, folder: Path | None, template_root: Path, overrides: Mapping[str, str]
) -> tuple[LoadedAnswers, Workspace]:
    """Load answers, and find the workspace that they are for.

    Args:
        path: The answers: a file, a pipe, or what Copier recorded in a repository.
        folder: The workspace; None for the one that one stands in, the one that the answers lie in, or a new folder
            with the cluster's name.
        template_root: The folder that holds copier.yml.
        overrides: Answers given as options instead.

    Raises:
        AnswersError: Some answers are wrong; it holds every finding.
        BadInputError: The answers can't be used, or not here.
        ConflictError: The workspace keeps answers that were changed since, and others were given.
    """
    loaded = load(path, template_root, overrides)
    workspace = Workspace(folder.absolute()) if folder else _workspace_for(loaded)
    if loaded.recorded and "layout" not in overrides:
        layout = _recorded_layout(loaded, workspace)
        if layout != loaded.answers.layout:
            loaded = load_again(loaded, template_root, {**overrides, "layout": layout})
    _require_one_owner(loaded, workspace, template_root)
    if loaded.recorded:
        return loaded, workspace
    last = last_answers(workspace).rendered
    recorded = _recorded(workspace, template_root) if last else []
    if taken := changed_elsewhere(loaded, last, recorded):
        newer = load_again(loaded, template_root, {**overrides, **as_options(taken)})
        loaded = replace(newer, warnings=(*newer.warnings, *findings(loaded, taken)))
    return loaded, workspace


def keep_answers(loaded: LoadedAnswers, workspace: Workspace, questionnaire: Questionnaire) -> None:
    """Keep the answers in the workspace: as a person wrote them, with the options written into them.

    Raises:
        WriteError: The disk refused.
    """
    content = _to_keep(loaded, workspace, questionnaire)
    if not (workspace.answers.is_file() and workspace.answers.read_bytes() == content):
        write_answers(workspace, content)


def _to_keep(loaded: LoadedAnswers, workspace: Workspace, questionnaire: Questionnaire) -> bytes:
    document = loaded.document
    if not loaded.recorded:
        options = {name: document.data[name] for name in document.options}
        return with_answers(document, options, questionnaire) if options else document.content
    if not workspace.answers.is_file():
        return dump(loaded.data, questionnaire).encode()
    try:
        # A person's file with a person's comments: the repositories only have newer values.
        kept = load(workspace.answers, questionnaire.root)
    except BadInputError:
        # Refused by rules of a newer template, and as fmc wrote it: one that a person changed was a conflict before.
        return dump(loaded.data, questionnaire).encode()
    newer = {name: value for name, value in loaded.data.items() if name not in OWN and value != kept.data[name]}
    return with_answers(replace(kept.document, data={**kept.document.data, **newer}), newer, questionnaire)


def _workspace_for(loaded: LoadedAnswers) -> Workspace:
    name = loaded.answers.name
    here = Path.cwd()
    around, beside = workspace_around(here), workspace_around(loaded.path.absolute().parent)
    other = _clusters(around) - {name} if around else set()
    if around and other and around.vault.exists():
        raise BadInputError(
            f"you are in the workspace of the cluster {', '.join(other)}, and these are the answers of {name}",
            where=str(around.root),
            fix="Go to another folder, or name the workspace of this cluster with --workspace.",
        )
    for workspace in (around, beside):
        if workspace and _clusters(workspace) == {name}:
            return workspace
    # A run that was killed early has left a vault, and nothing that says whose it is.
    return around if around and not other else Workspace(here / name)


def _is(file: Path, other: Path) -> bool:
    return other.exists() and file.samefile(other)


def _clusters(workspace: Workspace) -> set[str]:
    return {found.cluster for found in workspace.rendered().values()}


def _recorded_layout(loaded: LoadedAnswers, workspace: Workspace) -> str:
    """Return the layout that a set of clones has: one repository of a part does not tell of the others."""
    layout = loaded.answers.layout
    present = {found.layout for found in workspace.rendered().values()}
    if layout not in PARTS or MONOREPO in present or present <= {layout}:
        return layout
    missing = [part for part in PARTS if part in loaded.plan.repositories and part not in present]
    if missing:
        urls = {part: loaded.plan.repositories[part].url for part in missing}
        clones = [command("git", "clone", url, str(workspace.root / part)) for part, url in urls.items()]
        raise BadInputError(
            f"{workspace.root} has repositories of {loaded.answers.name}, but lacks {' and '.join(missing)}",
            where=str(workspace.root),
            fix=f"Clone what is missing: {', '.join(clones)}.",
        )
    return "parts"


def _recorded(workspace: Workspace, template_root: Path) -> list[LoadedAnswers]:
    """Return the answers that the repositories record; none where they are refused."""
    try:
        return load_parts((folder / RECORDED_ANSWERS for folder in workspace.rendered()), template_root, PARTS)
    except AnswersError:
        # By rules of a newer template; what the person has corrected counts.
        return []


def _require_one_owner(loaded: LoadedAnswers, workspace: Workspace, template_root: Path) -> None:
    """Refuse to replace answers that a person changed in the workspace since they were rendered.

    Raises:
        ConflictError: They were, and the given answers are others.
    """
    kept = workspace.answers
    if not kept.is_file() or _is(kept, loaded.path) or kept.read_bytes() == loaded.document.content:
        return
    if is_fmcs_own(workspace):
        return
    try:
        changed = load(kept, template_root).data
    except AnswersError:
        changed = {}
    except BadInputError as error:
        raise ConflictError(
            f"the workspace keeps answers that can't be read: {error.message}",
            where=str(kept),
            fix=f"Correct {kept} and use it, or move it away to take {loaded.document.file}.",
        ) from error
    before = last_answers(workspace).rendered or next((one.data for one in _recorded(workspace, template_root)), {})
    mine = {name for name, value in changed.items() if name not in OWN and value != before.get(name)}
    other = sorted(name for name in loaded.data if loaded.data[name] != changed.get(name))
    if other and (mine or not changed):
        raise ConflictError(
            f"{kept} was changed since the repositories were rendered, and {loaded.document.file} says otherwise: "
            f"{', '.join(other)}",
            where=str(kept),
            fix=f"To take the workspace's: {command('fmc', 'new', '--answers', str(kept))}. To take the others, move "
            f"{kept} away first.",
        )
