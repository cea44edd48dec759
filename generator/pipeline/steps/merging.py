"""What people made of the last rendering stays: rendered trees are merged with the repositories that exist already."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from generator.delivery.local.merge import Ownership
from generator.delivery.local.staged import Rendered, find_last_renderings, merge_rendered
from generator.errors import BadInputError, ConflictError
from generator.pipeline.steps.recorded import answers_in, answers_of
from generator.template.again import render_again
from generator.template.owned import owned_by_people

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from generator.console import Console
    from generator.delivery.local.rendered import LastRendering
    from generator.delivery.local.staged import Decisions, Staged
    from generator.delivery.model import Target
    from generator.pipeline.steps.workers import Task, Workers
    from generator.template.source import TemplateSource
    from generator.workspace import Folders


def merge_with_people(
    targets: Sequence[Target],
    staged: Mapping[str, Path],
    scratch: Path,
    template: TemplateSource,
    workers: Workers,
    decisions: Decisions,
    console: Console,
) -> tuple[Staged, ...]:
    """Merge what is rendered in staging with the repositories that exist; staging becomes what is to be committed.

    Args:
        targets: The repositories; those that do not exist yet are passed over.
        staged: The rendered tree of each part.
        scratch: A folder for what is needed for merging, on the same disk.
        template: The template.
        workers: Render again what was rendered last where Git does not hold it.
        decisions: What a person decided for files in which both sides changed the same.
        console: Is told about progress.

    Raises:
        OverlapError: People changed what is rendered differently now; it holds every place.
        FmcError: A repository is not in a state to be worked on, or what was rendered last can't be had.
    """
    there = [target for target in targets if target.path.exists()]
    if not there:
        return ()
    from generator.secrets.sealing.files import is_sealed_file

    with console.step("merge with what you changed"):
        lasts = find_last_renderings(there)
        for target, last in zip(there, lasts, strict=True):
            _tell_overruled(target, last, answers_in(staged[target.part]), console)
        tasks = [_start(target, last, scratch, template, workers) for target, last in zip(there, lasts, strict=True)]
        trees = []
        for target, last, task in zip(there, lasts, tasks, strict=True):
            aside = scratch / target.part
            # Where everything of a repository is decided for one side, it can do without a base.
            optional = decisions.of(target.path.name, "") is not None
            again = aside / "again" if task and _is_finished(task, target, optional=optional) else None
            trees.append(Rendered(target, staged[target.part], aside, None if task else last.entries, again))
        return tuple(merge_rendered(trees, Ownership(owned_by_people(template.root), is_sealed_file), decisions))


def mark_restarts(staged: Folders, merged: Iterable[Staged]) -> None:
    """Mark in staging who restarts with which Secret, once it is sealed.

    What was rendered is kept without the marks: the next merge begins with it.

    Args:
        staged: Where everything is staged.
        merged: The repositories that exist.

    Raises:
        FmcError: A file can't be read, or the disk refused.
    """
    root = staged.parts.get("argocd")
    if root is None:
        return
    from generator.secrets.restarts import write_restarts

    def put_aside(file: Path) -> None:
        for tree in merged:
            tree.put_aside(file)

    write_restarts(root, staged.workloads, put_aside)


def _start(
    target: Target, last: LastRendering, scratch: Path, template: TemplateSource, workers: Workers
) -> Task[None] | None:
    """Begin to render what was rendered last, unless Git holds it.

    It was rendered with the answers that are recorded on the branch: fmc's commit may have lost its message since, on a
    forge that squashed it under a title of its own, or Copier has rendered with other answers.
    """
    recorded = answers_of(last.recorded)
    if not recorded or (last.entries is not None and recorded == answers_of(last.answers)):
        return None
    return workers.start(render_again, template, recorded, scratch / target.part / "again")


def _tell_overruled(target: Target, last: LastRendering, wanted: Mapping[str, object], console: Console) -> None:
    """Say which answers somebody changed in the repository alone: those that `fmc new` is given count."""
    if last.entries is None:
        return
    now, rendered = answers_of(last.recorded), answers_of(last.answers)
    names = [name for name in now if now[name] not in (rendered.get(name), wanted.get(name)) and name[:1] != "_"]
    if names:
        console.note(f"    {target.path.name} recorded other answers: {', '.join(names)}; now those of this run count")


def _is_finished(task: Task[None], target: Target, *, optional: bool) -> bool:
    """Wait for what is rendered again, and return whether it could be.

    Raises:
        ConflictError: It could not, and is needed.
    """
    try:
        task.result()
    except BadInputError as error:
        if optional:
            return False
        raise ConflictError(
            f"in {target.path} nothing tells your changes from what was rendered last: Git does not hold that any "
            f"more, and it can't be rendered again: {error.message}",
            where=str(target.path),
            fix="Make that version available, and run the same command again. Or run it with "
            f"`--take {shlex.quote(target.path.name)}`: what is rendered replaces your changes there, and "
            f"`git -C {shlex.quote(str(target.path))} diff HEAD~1` shows what to bring back.",
        ) from error
    return True
