"""Three trees become one, file by file: what was rendered last, what people made of it, and what is rendered now.

A file that one side alone changed is taken from that side. Where both did, or one moved a file that the other changed,
git merges, as it would merge two branches; see `texts`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from generator.delivery.git.objects import LINK_MODE, SUBMODULE_MODE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from generator.delivery.git.objects import Entry

Files = dict[str, "Entry"]
"""Files by their paths."""
Choices = Callable[[str], bool | None]
"""What a person decided for a file: True keeps their side, False takes what is rendered, None decides nothing."""
_LOCK_FILE = ".terraform.lock.hcl"


@dataclass(frozen=True)
class Ownership:
    """The files that are no matter of merging.

    Attributes:
        is_owned: Whether a path is a person's: rendered once, and never again.
        is_sealed: Whether a path is written by sealing alone.
    """

    is_owned: Callable[[str], bool]
    is_sealed: Callable[[str], bool]


@dataclass(frozen=True)
class Overlap:
    """A place that people and the rendering changed differently.

    Attributes:
        path: The file, in the repository.
        line: Line in the file as people have it, from 1; 0 where it is about the file as a whole.
        message: What the two sides did.
    """

    path: str
    line: int
    message: str


@dataclass(frozen=True)
class Sides:
    """The three trees that are merged.

    Attributes:
        base: What was rendered last.
        ours: What the branch has: the people's side.
        theirs: What is rendered now.
    """

    base: Files
    ours: Files
    theirs: Files


Merging = tuple[Files, list[Overlap]]
"""The merged files, and where the sides overlap."""


def set_apart(sides: Sides, ownership: Ownership) -> tuple[Sides, Files]:
    """Take the files out that are not merged, and return them as the branch has them.

    Sealed manifests stay as they are: sealing brings them up to date afterwards. A file that belongs to people stays as
    it is, too, or removed where they removed it; it goes where it was never written into and is not rendered any more.
    """
    base, ours, theirs = dict(sides.base), dict(sides.ours), dict(sides.theirs)
    kept: Files = {}
    for path in base.keys() | ours.keys() | theirs.keys():
        mine = ours.get(path)
        unwanted = path not in theirs and mine == base.get(path)
        if ownership.is_sealed(path) or (
            _belongs_to_people(path, ownership) and (path in ours or path in base) and not unwanted
        ):
            for side in (base, ours, theirs):
                side.pop(path, None)
            if mine is not None:
                kept[path] = mine
    return Sides(base, ours, theirs), kept


def merge(sides: Sides, choose: Choices, merge_contents: Callable[[Sides, Choices], Merging]) -> Merging:
    """Merge three trees.

    Args:
        sides: The trees.
        choose: What a person decided.
        merge_contents: Merges what has to be looked into: given the files in question, and those that they may have
            been moved from or to, it gives the files that take their place.

    Returns:
        The merged files, and where the sides overlap.
    """
    base, ours, theirs = sides.base, sides.ours, sides.theirs
    merged: Files = {}
    both: set[str] = set()
    for path in base.keys() | ours.keys() | theirs.keys():
        mine, rendered = ours.get(path), theirs.get(path)
        if mine != rendered and base.get(path) not in (mine, rendered):
            both.add(path)
        chosen = rendered if mine == base.get(path) else mine
        if chosen is not None:
            merged[path] = chosen
    unlike = {path for path in both if len(_kinds(path, sides)) > 1}
    overlaps = [overlap for path in sorted(unlike) for overlap in _of_kinds(merged, path, sides, choose)]
    if both - unlike:
        question = _in_question(sides, both - unlike, unlike)
        settled, found = merge_contents(question, choose)
        for path in (both - unlike) | ((question.ours.keys() | question.theirs.keys()) - base.keys()):
            merged.pop(path, None)
        merged.update(settled)
        overlaps += found
    return _without_clashes(merged, sides, overlaps, choose)


def _kinds(path: str, sides: Sides) -> set[str]:
    """Return what is at a path on either side: links, submodules and folders can't be merged with files."""
    kinds = set()
    for side in (sides.ours, sides.theirs):
        if path in side:
            kinds.add(side[path].mode if side[path].mode in (LINK_MODE, SUBMODULE_MODE) else "file")
        elif any(name.startswith(f"{path}/") for name in side):
            kinds.add("folder")
    return kinds


def _of_kinds(merged: Files, path: str, sides: Sides, choose: Choices) -> Iterable[Overlap]:
    """Decide what is of different kinds on both sides; a file in place of a folder is found later, by what is in it."""
    mine, rendered = sides.ours.get(path), sides.theirs.get(path)
    choice = choose(path)
    chosen = rendered if mine is None or (rendered is not None and choice is False) else mine
    if chosen is not None:
        merged[path] = chosen
    if choice is None and mine is not None and rendered is not None:
        yield Overlap(path, 0, "you made another kind of file of this one, and it is rendered differently now")


def _in_question(sides: Sides, both: set[str], unlike: set[str]) -> Sides:
    """Return the files that both sides changed, and those that may be pairs with them as old and new name.

    Another file that one side removed is shown as if the other had left it alone: it may be the true origin of a new
    one, and is no question itself.
    """
    base, ours, theirs = ({path: side[path] for path in both if path in side} for side in _tuple(sides))
    for mine, other, all_mine, all_other in (
        (ours, theirs, sides.ours, sides.theirs),
        (theirs, ours, sides.theirs, sides.ours),
    ):
        if all(path in all_mine for path in both):
            continue
        for path in sides.base.keys() - all_mine.keys() - base.keys() - unlike:
            base[path] = other[path] = sides.base[path]
        folders = {parent for path in all_other for parent in _parents(path)}
        for path in all_mine.keys() - sides.base.keys() - all_other.keys() - folders:
            if not any(parent in all_other for parent in _parents(path)):
                mine[path] = all_mine[path]
    return Sides(base, ours, theirs)


def _tuple(sides: Sides) -> tuple[Files, Files, Files]:
    return sides.base, sides.ours, sides.theirs


def _parents(path: str) -> Iterable[str]:
    return (parent.as_posix() for parent in PurePosixPath(path).parents[:-1])


def _without_clashes(merged: Files, sides: Sides, overlaps: list[Overlap], choose: Choices) -> Merging:
    """Find a file of one side where the other has a folder, and let the person's choice decide."""
    found = list(overlaps)
    for inner in sorted(merged):
        outer = next((parent for parent in _parents(inner) if parent in merged), None)
        if outer is None or inner not in merged:
            continue
        is_mine = sides.ours.get(outer) == merged[outer]
        mine, rendered = (outer, inner) if is_mine else (inner, outer)
        choice = choose(mine)
        if choice is None:
            shapes = ("a file", "a folder") if is_mine else ("a folder", "a file")
            message = f"{outer} is {shapes[0]} of yours, and {shapes[1]} in what is rendered now"
            found.append(Overlap(mine, 0, message))
        else:
            merged.pop(rendered if choice else mine, None)
    return merged, list(dict.fromkeys(found))


def _belongs_to_people(path: str, ownership: Ownership) -> bool:
    return ownership.is_owned(path) or PurePosixPath(path).name == _LOCK_FILE
