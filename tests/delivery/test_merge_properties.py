"""Random edits of people against random renderings: no edit is lost, none is blamed that does not overlap (faults B1).

The oracle is `git merge` of three real commits.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from generator.delivery.git.command import repository_at
from generator.delivery.git.objects import Entry, listed_tree, write_blob, write_commit, write_tree
from generator.delivery.local.commits import commit_tree
from generator.delivery.local.merge import Files, Merging, Sides, merge
from generator.delivery.local.texts import Scratch, merge_texts
from generator.delivery.model import Target
from generator.errors import OverlapError
from tests.delivery.workspace import RUN, git, merged, rendered_again
from tests.trees import files_outside_git

Tree = dict[str, tuple[str, tuple[str, ...]]]
"""Mode and lines of each file."""
NAMES = ("README.md", "main.tf", "group/all.yaml", "group/web.yaml", "scripts/run.sh")
BASE: Tree = {name: ("100644", tuple(f"{name} {number}" for number in range(12))) for name in NAMES}
MINE, RENDERED = "mine", "rendered"


@dataclass(frozen=True)
class Edit:
    """One thing that a side does: what, to which file, and where in it."""

    act: str
    name: str
    line: int
    serial: int


EDITS = st.lists(
    st.builds(
        Edit,
        st.sampled_from(["change", "change", "insert", "cut", "remove", "rename", "mode", "add", "replace"]),
        st.sampled_from(NAMES),
        st.integers(0, 11),
        st.integers(0, 2),
    ),
    max_size=4,
)


def edited(tree: Tree, edits: list[Edit], side: str) -> Tree:
    """Return a tree after edits; every line that a side writes says so."""
    made = dict(tree)
    for edit in edits:
        if edit.act == "add":
            made[f"new-{edit.serial}.md"] = ("100644", (f"{side} new {edit.serial}",) * 3)
        elif edit.name in made:
            mode, lines = made.pop(edit.name)
            if edit.act == "rename":
                made[f"moved/{side}/{Path(edit.name).name}"] = (mode, lines)
            elif edit.act == "mode":
                made[edit.name] = ("100755", lines)
            elif edit.act != "remove":
                made[edit.name] = (mode, rewritten(lines, edit, side))
    return made


def rewritten(lines: tuple[str, ...], edit: Edit, side: str) -> tuple[str, ...]:
    at = edit.line % max(len(lines), 1)
    mine = f"{side} {edit.serial} at {at}"
    return {
        "change": (*lines[:at], mine, *lines[at + 1 :]),
        "insert": (*lines[:at], mine, *lines[at:]),
        "cut": lines[:at] + lines[at + 2 :],
        "replace": (mine,),
    }[edit.act]


def content(lines: tuple[str, ...]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


@dataclass(frozen=True)
class Bench:
    """A repository to merge in, and the folders of its objects."""

    path: Path

    @property
    def objects(self) -> Path:
        return self.path / ".git" / "objects"

    def files(self, tree: Tree) -> Files:
        """Write a tree's contents into the repository."""
        return {
            name: Entry(mode, write_blob(self.objects, content(lines), "sha1")) for name, (mode, lines) in tree.items()
        }

    def ours(self, base: Tree, mine: Tree, rendered: Tree) -> tuple[Files, set[str], Tree]:
        """Merge with fmc; return the files, those with an overlap, and what is in the files."""
        repo = repository_at(self.path)
        assert repo is not None
        scratch = Scratch(self.path, repo, Path(tempfile.mkdtemp(dir=self.path.parent)), "sha1")
        scratch.objects.mkdir()

        def contents(sides: Sides, choose: object) -> Merging:
            return merge_texts(scratch, sides, lambda _path: None)

        sides = Sides(*(self.files(tree) for tree in (base, mine, rendered)))
        files, overlaps = merge(sides, lambda _path: None, contents)
        assert len(overlaps) == len(set(overlaps))
        texts = scratch.contents([entry.blob for entry in files.values()])
        whole = {
            name: (entry.mode, tuple(text.decode().splitlines()))
            for (name, entry), text in zip(files.items(), texts, strict=True)
        }
        return files, {overlap.path for overlap in overlaps}, whole

    def gits(self, base: Tree, mine: Tree, rendered: Tree) -> tuple[Files, set[str]]:
        """Merge with git, and return the same."""
        origin = write_commit(self.objects, write_tree(self.objects, self.files(base), "sha1"), (), "sha1")
        commits = [
            write_commit(self.objects, write_tree(self.objects, self.files(tree), "sha1"), (origin,), "sha1")
            for tree in (mine, rendered)
        ]
        git(self.path, "checkout", "--quiet", "--force", "--detach", commits[0])
        command = ["git", "-c", "merge.directoryRenames=false", "merge", "--quiet", "--no-edit", commits[1]]
        done = subprocess.run(command, cwd=self.path, capture_output=True, text=True, check=False)
        unmerged = git(self.path, "ls-files", "--unmerged", "-z").split("\0")
        conflicts = {line.partition("\t")[2] for line in unmerged if line}
        assert done.returncode == bool(conflicts), done.stdout + done.stderr
        if conflicts:
            git(self.path, "reset", "--quiet", "--hard")
            return {}, conflicts
        repo = repository_at(self.path)
        assert repo is not None
        files = listed_tree(repo, "HEAD")
        assert isinstance(files, dict)
        return files, set()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    git(tmp_path, "init", "--quiet", "repository")
    return Bench(tmp_path / "repository")


def moves(edits: list[Edit]) -> set[str]:
    """Return what a side may have moved or removed."""
    return {edit.name for edit in edits if edit.act in ("rename", "remove")}


def touched(tree: Tree) -> set[str]:
    return {name for name in BASE.keys() | tree.keys() if tree.get(name) != BASE.get(name)}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mine=EDITS, rendered=EDITS)
def test_files_are_merged_as_git_merges_branches(bench: Bench, mine: list[Edit], rendered: list[Edit]) -> None:
    sides = (BASE, edited(BASE, mine, MINE), edited(BASE, rendered, RENDERED))
    files, overlaps, _ = bench.ours(*sides)
    expected, conflicts = bench.gits(*sides)
    event(f"overlap: {bool(overlaps)}, in git: {bool(conflicts)}")
    if not conflicts:
        assert (files, overlaps) == (expected, set())
        return
    assert overlaps <= conflicts
    if not overlaps:
        # git asks about a file that one side moved and the other moved, too, or does not have any more: both can be.
        assert moves(mine) & moves(rendered)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mine=EDITS, rendered=EDITS)
def test_no_edit_is_lost_and_none_is_blamed_alone(bench: Bench, mine: list[Edit], rendered: list[Edit]) -> None:
    my_tree, new_tree = edited(BASE, mine, MINE), edited(BASE, rendered, RENDERED)
    _, overlaps, files = bench.ours(BASE, my_tree, new_tree)
    # A file that moved takes the other side's changes along.
    mine_only = {name for name in touched(my_tree) - touched(new_tree) if not name.startswith("moved/")}
    if not moves(mine) | moves(rendered):
        assert overlaps <= touched(my_tree) & touched(new_tree)
    if overlaps:
        return
    everything = {line for _, lines in files.values() for line in lines}
    for tree, side in ((my_tree, MINE), (new_tree, RENDERED)):
        assert {line for _, lines in tree.values() for line in lines if line.startswith(side)} <= everything
    if not moves(rendered):
        assert {name: files.get(name) for name in mine_only} == {name: my_tree.get(name) for name in mine_only}
    untouched = {name for name in new_tree.keys() - touched(my_tree) if not name.startswith("moved/")}
    assert {name: files[name] for name in untouched} == {name: new_tree[name] for name in untouched}


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(EDITS, EDITS), min_size=1, max_size=3))
def test_a_year_of_work_and_renderings(tmp_path: Path, steps: list[tuple[list[Edit], list[Edit]]]) -> None:
    """Each step is a commit of a person and a rendering with other answers; what can't be merged changes nothing."""
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    target = Target("infra", put(BASE, folder / "infra"), str(folder / "remote.git"), "main")
    commit_tree(target, author=None, subject="first", run_id=RUN)
    last, state = BASE, BASE
    for number, (mine, rendered) in enumerate(steps):
        work = edited(state, mine, f"{MINE} {number}")
        put(work, target.path)
        git(target.path, "add", "--all")
        git(target.path, "commit", "--quiet", "--allow-empty", "--message=mine")
        new = edited(BASE, rendered, f"{RENDERED} {number}")
        staging = put(new, folder / f"rendered-{number}" / "infra")
        head = git(target.path, "rev-parse", "HEAD")
        try:
            (made,) = rendered_again((target, staging), run_id=f"run-{number}")
        except OverlapError:
            assert git(target.path, "rev-parse", "HEAD") == head
            assert git(target.path, "status", "--porcelain") == ""
            state = work
            continue
        state, before = taken(target.path), last
        if made.changed:
            last = new
        # An edit that followed a file elsewhere comes back with it.
        unmoved = [name for name in NAMES if name in before and before[name] == work.get(name) and name in new]
        assert {name: state[name] for name in unmoved} == {name: new[name] for name in unmoved}
        kept = {line for _, lines in work.values() for line in lines if line.startswith(MINE)}
        assert kept <= {line for _, lines in state.values() for line in lines}
        assert git(target.path, "status", "--porcelain") == ""
        assert not merged([(target, staging)])[0].changed()


def put(tree: Tree, folder: Path) -> Path:
    """Make a folder hold these files and nothing else beside `.git`."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name, (mode, lines) in tree.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content(lines))
        (folder / name).chmod(int(mode, 8) & 0o777)
    return folder


def taken(folder: Path) -> Tree:
    """Return the files of a folder."""
    return {
        name: ("100755" if path.stat().st_mode & 0o100 else "100644", tuple(path.read_text().splitlines()))
        for name, path in files_outside_git(folder)
    }
