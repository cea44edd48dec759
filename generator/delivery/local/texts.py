"""Merging what two sides changed in the same files, as git merges branches: texts line by line, files that were moved.

git merges commits. They are made, as loose objects, in a folder of their own, which borrows from the repository and is
thrown away afterwards: nothing of a merge that ends in a conflict is left in the repository.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING

from generator.delivery.git.command import Output, git_in, run
from generator.delivery.git.failures import local_error
from generator.delivery.git.messages import printable
from generator.delivery.git.objects import (
    LINK_MODE,
    SUBMODULE_MODE,
    Entry,
    content_of_file,
    contents_of_blobs,
    listed_tree,
    write_blob,
    write_commit,
    write_tree,
)
from generator.delivery.local.merge import Overlap
from generator.tools.git import environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from git import Repo

    from generator.delivery.local.merge import Choices, Files, Merging, Sides

# What the user configured for merges of their own does not count here.
_SETTINGS = (
    ("merge.renames", "true"),
    ("merge.directoryRenames", "false"),
    ("merge.renormalize", "false"),
    ("merge.conflictStyle", "merge"),
)
_ORIGIN, _MINE, _RENDERED = "1", "2", "3"
_SHOWN = 60


@dataclass(frozen=True)
class Scratch:
    """A folder of objects beside those of a repository, and the git that sees both.

    Attributes:
        path: The repository's folder, for messages.
        repo: The repository.
        folder: A folder for what is made here.
        algorithm: The hash that names objects.
    """

    path: Path
    repo: Repo
    folder: Path
    algorithm: str

    @property
    def objects(self) -> Path:
        """Where new objects go."""
        return self.folder / "objects"

    @property
    def variables(self) -> dict[str, str]:
        """What git runs with, to find both."""
        return {
            **environment(_SETTINGS),
            "GIT_DIR": str(Path(self.repo.git_dir).absolute()),
            "GIT_OBJECT_DIRECTORY": str(self.objects.absolute()),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str((Path(self.repo.common_dir) / "objects").absolute()),
        }

    def take(self, files: Mapping[str, Entry], folder: Path) -> None:
        """Make the contents of a folder's files known to git.

        Raises:
            WriteError: The disk refused.
        """
        for name in files:
            write_blob(self.objects, content_of_file(folder / name), self.algorithm)

    def contents(self, blobs: list[str]) -> Iterator[bytes]:
        """Yield the content of each blob, of either place.

        Raises:
            ToolError: git failed, or has not got one of them.
        """
        return contents_of_blobs(self.path, self.repo, blobs, self.variables)


def merge_texts(scratch: Scratch, sides: Sides, choose: Choices) -> Merging:
    """Merge files with git.

    Args:
        scratch: Has the contents of all files that are not submodules.
        sides: The trees.
        choose: What a person decided for files in which the sides overlap.

    Returns:
        The merged files, and where the sides overlap.

    Raises:
        ToolError: git failed.
        WriteError: The disk refused.
    """
    objects, algorithm = scratch.objects, scratch.algorithm
    base = write_commit(objects, write_tree(objects, sides.base, algorithm), (), algorithm)
    mine, rendered = (
        write_commit(objects, write_tree(objects, side, algorithm), (base,), algorithm)
        for side in (sides.ours, sides.theirs)
    )
    done = run(
        scratch.repo.git.merge_tree, "--write-tree", "--no-messages", "-z", mine, rendered, variables=scratch.variables
    )
    tree, *conflicted = os.fsdecode(done.out).split("\0")
    merged = listed_tree(scratch.repo, tree, scratch.variables) if done.code in (0, 1) else done
    if isinstance(merged, Output):
        raise local_error(scratch.path, "merge what people changed with what is rendered", merged)
    overlaps: list[Overlap] = []
    for path, stages in _by_path(conflicted).items():
        choice = choose(path)
        if choice is None:
            overlaps += _overlaps(scratch, path, stages, merged.get(path), mine)
        else:
            _settle(scratch, merged, path, stages, keep=choice)
    return merged, overlaps


def _by_path(lines: list[str]) -> dict[str, dict[str, Entry]]:
    """Return the sides of each file in conflict (git-merge-tree(1), Conflicted file info)."""
    found: dict[str, dict[str, Entry]] = defaultdict(dict)
    for line in lines:
        if line:
            head, _, path = line.partition("\t")
            mode, blob, stage = head.split(" ")
            found[path][stage] = Entry(mode, blob)
    return found


def _settle(scratch: Scratch, merged: Files, path: str, stages: Mapping[str, Entry], *, keep: bool) -> None:
    """Decide for one side where the two overlap; what each changed elsewhere in a text stays merged."""
    chosen = stages.get(_MINE if keep else _RENDERED)
    if chosen is None:
        merged.pop(path, None)
        return
    if _both_are_files(stages):
        folder = scratch.folder / "sides"
        folder.mkdir(parents=True, exist_ok=True)
        names = [stage for stage in (_MINE, _ORIGIN, _RENDERED) if stage in stages]
        for stage, content in zip(names, scratch.contents([stages[name].blob for name in names]), strict=True):
            (folder / stage).write_bytes(content)
        if _ORIGIN not in stages:
            (folder / _ORIGIN).write_bytes(b"")
        side = "--ours" if keep else "--theirs"
        # A file that is no text fails, and is taken as a whole.
        if run(git_in(folder).merge_file, "--quiet", side, _MINE, _ORIGIN, _RENDERED).code == 0:
            content = (folder / _MINE).read_bytes()
            chosen = Entry(chosen.mode, write_blob(scratch.objects, content, scratch.algorithm))
    merged[path] = chosen


def _both_are_files(stages: Mapping[str, Entry]) -> bool:
    special = (LINK_MODE, SUBMODULE_MODE)
    return {_MINE, _RENDERED} <= stages.keys() and not any(entry.mode in special for entry in stages.values())


def _overlaps(
    scratch: Scratch, path: str, stages: Mapping[str, Entry], left: Entry | None, mine: str
) -> Iterator[Overlap]:
    if _MINE not in stages:
        yield Overlap(path, 0, "you removed or moved this file, and it is rendered differently now")
        return
    if _RENDERED not in stages:
        yield Overlap(path, 0, "you changed this file, and it is not rendered any more, or in another place")
        return
    if left is not None and _both_are_files(stages):
        conflicted, ours = (
            content.decode(errors="replace") for content in scratch.contents([left.blob, stages[_MINE].blob])
        )
        hunks = list(_hunks(conflicted.splitlines(), ours.splitlines(), mine))
        for line, yours, rendered in hunks:
            yield Overlap(path, line, f"you have {_shown(yours)} here, and {_shown(rendered)} is rendered now")
        if hunks:
            return
    yield Overlap(path, 0, "you have one content of this file, and another one is rendered now")


def _hunks(conflicted: list[str], ours: list[str], mine: str) -> Iterator[tuple[int, list[str], list[str]]]:
    """Yield the line in our file, our lines and theirs for each conflict that git marked in a text.

    Lines that only their side changed are in the text, too, so that our lines have to be found again in our file.
    """
    kept: list[str] = []
    hunks: list[tuple[int, list[str], list[str]]] = []
    side: list[str] | None = None
    for line in conflicted:
        if line.startswith(f"<<<<<<< {mine}"):
            hunks.append((len(kept), [], []))
            side = hunks[-1][1]
        elif side is not None and line == "=======":
            side = hunks[-1][2]
        elif side is not None and line.startswith(">>>>>>> "):
            side = None
            kept += hunks[-1][1]
        else:
            (kept if side is None else side).append(line)
    blocks = SequenceMatcher(None, kept, ours, autojunk=False).get_matching_blocks()
    for start, yours, rendered in hunks:
        # The last block is empty and stands behind both ends, so that there always is one.
        block = next(one for one in blocks if start < one.a + one.size or one is blocks[-1])
        yield min(block.b + max(start - block.a, 0), max(len(ours) - 1, 0)) + 1, yours, rendered


def _shown(lines: list[str]) -> str:
    text = printable(lines[0].strip())[:_SHOWN] if lines else ""
    more = f" and {len(lines) - 1} more lines" if len(lines) > 1 else ""
    return (f"`{text}`" if text else "an empty line" if lines else "nothing") + more


def write_files(scratch: Scratch, files: Mapping[str, Entry], folder: Path) -> None:
    """Write files of either place into a folder, byte by byte as git has them; submodules are left out.

    Raises:
        ToolError: git failed, or has not got one of them.
        OSError: The disk refused.
    """
    names = [name for name, entry in sorted(files.items()) if entry.mode != SUBMODULE_MODE]
    for name, content in zip(names, scratch.contents([files[name].blob for name in names]), strict=True):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if files[name].mode == LINK_MODE:
            file.symlink_to(os.fsdecode(content))
        else:
            file.write_bytes(content)
            file.chmod(0o755 if files[name].mode == "100755" else 0o644)
