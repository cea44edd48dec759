"""A rendered tree in staging becomes what is to be committed: merged with what people made of the last rendering."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from generator.delivery.git.failures import combined
from generator.delivery.git.objects import (
    SUBMODULE_MODE,
    Entry,
    algorithm_of,
    entries_of_commit,
    entries_of_folder,
    files_below,
)
from generator.delivery.git.parallel import each
from generator.delivery.local.merge import Choices, Files, Overlap, Ownership, Sides, merge, set_apart
from generator.delivery.local.rendered import last_rendering
from generator.delivery.local.repository import open_repository
from generator.delivery.local.texts import Scratch, merge_texts, write_files
from generator.errors import ConflictError, OverlapError
from generator.files import write_error
from generator.findings import Flaw, declare
from generator.wording import command

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from generator.delivery.local.merge import Merging
    from generator.delivery.local.rendered import LastRendering
    from generator.delivery.model import Target
    from generator.findings import Finding

_SHOWN = 5
OVERLAP = declare("delivery/overlap", "What people changed in a rendered file is not rendered differently as well.")


@dataclass(frozen=True)
class Rendered:
    """A rendered tree for an existing repository.

    Attributes:
        target: The repository.
        staging: The rendered files, without `.git`; they become the merged ones.
        aside: A folder that does not exist yet, on the same disk: what is needed later of the rendered files, and what
            is needed for merging.
        base: The files of the last rendering, where Git holds them.
        again: Its files, where it had to be rendered again. Without both, nothing was rendered before.
    """

    target: Target
    staging: Path
    aside: Path
    base: Mapping[str, Entry] | None
    again: Path | None = None


@dataclass(frozen=True)
class Staged:
    """What is to be committed to a repository.

    Attributes:
        target: The repository.
        staging: The merged files.
        head: The branch that they were merged with; None before the first commit.
        committed: Its files.
        rendered: The files as they were rendered.
        aside: Where those lie that are others in staging.
        is_sealed: Whether a path is written by sealing alone.
    """

    target: Target
    staging: Path
    head: str | None
    committed: Mapping[str, Entry]
    rendered: Mapping[str, Entry]
    aside: Path
    ownership: Ownership

    def files(self) -> Files:
        """Return the files in staging as they are now, with the submodules that no folder can show."""
        submodules = {name: entry for name, entry in self.committed.items() if entry.mode == SUBMODULE_MODE}
        return {**submodules, **entries_of_folder(self.staging, algorithm_of(self.head))}

    def changed(self) -> dict[str, Entry | None]:
        """Return the files that are others than on the branch; None for one that is gone."""
        files = self.files()
        both = sorted(files.keys() | self.committed.keys())
        return {name: files.get(name) for name in both if files.get(name) != self.committed.get(name)}

    def put_aside(self, file: Path) -> None:
        """Keep a file in staging as it was rendered: it is about to be replaced.

        Raises:
            WriteError: The disk refused.
        """
        if not file.is_relative_to(self.staging):
            return
        name = file.relative_to(self.staging).as_posix()
        kept = self.aside / "rendered" / name
        if name not in self.rendered or os.path.lexists(kept):
            return
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.hardlink_to(file)
        except OSError as error:
            raise write_error(kept, error) from error

    def content_of(self, name: str) -> Path:
        """Return where a rendered file lies as it was rendered."""
        replaced = self.aside / "rendered" / name
        return replaced if os.path.lexists(replaced) else self.staging / name


@dataclass(frozen=True)
class Decisions:
    """What a person decided for files in which their changes overlap with what is rendered.

    Attributes:
        keep: Files, or folders of files, that stay as the person has them.
        take: Those that become as they are rendered. Both begin with the name of the repository's folder.
    """

    keep: tuple[str, ...] = ()
    take: tuple[str, ...] = ()

    def of(self, folder: str, path: str) -> bool | None:
        """Return True to keep the person's side, False to take the rendered one, None where nothing was decided."""
        names = {f"{folder}/{path}", *(f"{folder}/{parent}" for parent in PurePath(path).parents[:-1]), folder}
        if names & {name.rstrip("/") for name in self.keep}:
            return True
        return False if names & {name.rstrip("/") for name in self.take} else None


def find_last_renderings(targets: Sequence[Target]) -> list[LastRendering]:
    """Find what was rendered last in each repository.

    Raises:
        FmcError: A repository can't be worked on, or git failed.
    """
    return each(_find_last_rendering, targets)


def _find_last_rendering(target: Target) -> LastRendering:
    repository = open_repository(target)
    return last_rendering(target.path, repository.repo, repository.head)


def merge_rendered(trees: Sequence[Rendered], ownership: Ownership, decisions: Decisions) -> list[Staged]:
    """Merge rendered trees with the branches of their repositories; the repositories are left as they are.

    Args:
        trees: The rendered trees. Their repositories must be clean.
        ownership: The files that are no matter of merging.
        decisions: What a person decided for files in which both sides changed the same.

    Returns:
        What is to be committed to each of them.

    Raises:
        BadInputError: A repository is not in a state to be worked on.
        OverlapError: People changed what is rendered differently now; it holds every place.
        ConflictError: A file that git ignores is in the way.
        ToolError: git failed.
        WriteError: The disk refused.
    """
    outcomes = each(partial(_merge_one, ownership=ownership, decisions=decisions), trees)
    overlaps = [finding for _, findings in outcomes for finding in findings]
    if overlaps:
        raise OverlapError(overlaps)
    staged = [one for one, _ in outcomes]
    refuse_obstacles(staged)
    return staged


def _merge_one(tree: Rendered, ownership: Ownership, decisions: Decisions) -> tuple[Staged, list[Finding]]:
    repository = open_repository(tree.target, clean=True)
    path, repo, head = tree.target.path, repository.repo, repository.head
    algorithm = algorithm_of(head)
    committed = entries_of_commit(path, repo, head)
    rendered = entries_of_folder(tree.staging, algorithm)
    base = entries_of_folder(tree.again, algorithm) if tree.again else tree.base or {}
    scratch = Scratch(path, repo, tree.aside / "merge", algorithm)

    def choose(name: str) -> bool | None:
        return decisions.of(path.name, name)

    def merge_contents(sides: Sides, choices: Choices) -> Merging:
        scratch.take({name: one for name, one in sides.theirs.items() if one == rendered.get(name)}, tree.staging)
        if tree.again is not None:
            scratch.take(sides.base, tree.again)
        return merge_texts(scratch, sides, choices)

    sides, kept = set_apart(Sides(dict(base), dict(committed), rendered), ownership)
    merged, overlaps = merge(sides, choose, merge_contents)
    if not overlaps:
        _write(scratch, {**merged, **kept}, rendered, tree)
    staged = Staged(tree.target, tree.staging, head, committed, rendered, tree.aside, ownership)
    return staged, [_finding(path.name, overlap) for overlap in sorted(overlaps, key=lambda one: (one.path, one.line))]


def _write(scratch: Scratch, merged: Files, rendered: Files, tree: Rendered) -> None:
    """Make the merged tree of the rendered one; rendered files that are replaced or not wanted are put aside."""
    aside = tree.aside / "rendered"
    try:
        for name in sorted(name for name, entry in rendered.items() if merged.get(name) != entry):
            (aside / name).parent.mkdir(parents=True, exist_ok=True)
            (tree.staging / name).rename(aside / name)
            for folder in (tree.staging / name).parents:
                if folder == tree.staging or any(folder.iterdir()):
                    break
                folder.rmdir()
        scratch.objects.mkdir(parents=True, exist_ok=True)
        write_files(scratch, {name: one for name, one in merged.items() if rendered.get(name) != one}, tree.staging)
    except OSError as error:
        raise write_error(tree.staging, error) from error


def _finding(folder: str, overlap: Overlap) -> Finding:
    """Return the finding for an overlap in a repository, given the name of its folder."""
    name = f"{folder}/{overlap.path}"
    fix = f"Keep yours with {command('--keep', name)}, or take what is rendered with {command('--take', name)}."
    return OVERLAP.finding(Flaw(name, overlap.line, overlap.message, fix=fix))


def refuse_obstacles(staged: Iterable[Staged]) -> None:
    """Refuse to commit where a file that git ignores would have to give way.

    Raises:
        ConflictError: There are such files.
    """
    conflicts = []
    for one in staged:
        path, new = one.target.path, [name for name, entry in one.changed().items() if entry is not None]
        if obstacles := [name for name in new if _in_the_way(path, name, one.committed)]:
            conflicts.append(
                ConflictError(
                    f"{path} has files that git ignores where new ones belong: {_listed(obstacles)}",
                    where=str(path),
                    fix="Move them away, then run the same command again.",
                )
            )
    if conflicts:
        raise combined(conflicts)


def _in_the_way(top: Path, name: str, committed: Container[str]) -> bool:
    """Return whether something that is not committed is where a new file would go."""
    for parent in reversed(PurePath(name).parents[:-1]):
        if parent.as_posix() in committed:
            return False
        if os.path.lexists(top / parent) and not (top / parent).is_dir():
            return True
    return name not in committed and any(file not in committed for file in files_below(top, name))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
