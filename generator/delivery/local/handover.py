"""The moment in which the files of a repository follow a commit that was made elsewhere, so that no kill spoils it.

A rendered tree is committed from its staging folder, with an index of its own: the branch moves in one step. Only then
the repository's files can follow. Between the two, git would show the old files as a person's changes. Therefore a note
in `.git/fmc-replacement` says, from before the commit on, which commit the files still show; whoever opens the
repository next lets them follow first. What a person edited meanwhile is left as it is, and shows as a change.
"""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from generator.delivery.git.command import run
from generator.delivery.git.failures import local_error
from generator.delivery.git.objects import Entry, algorithm_of, entries_of_commit, entry_of_file, files_below
from generator.errors import BadInputError
from generator.files import write_atomic, write_error
from generator.tools.git import environment
from generator.wording import command

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from git import Repo

RUN_TRAILER = "Fmc-Run"
_FOLDER = "fmc-replacement"


class Replacement:
    """The note of one replacement, with the indexes that it needs.

    Attributes:
        repo: The repository.
        path: Its folder of files.
    """

    def __init__(self, repo: Repo, path: Path) -> None:
        self.repo = repo
        self.path = path
        self._git_dir = Path(repo.git_dir)
        self._folder = self._git_dir / _FOLDER
        self._note = self._folder / "note.json"

    def begin(self, head: str | None, run_id: str) -> None:
        """Note what the files show now, and keep the index that describes them.

        Raises:
            WriteError: The disk refused.
        """
        self.abandon()
        try:
            self._folder.mkdir()
            with suppress(FileNotFoundError):
                shutil.copy2(self._git_dir / "index", self._folder / "before")
        except OSError as error:
            raise write_error(self._folder, error) from error
        self._write({"head": head, "run": run_id})

    def expect(self, tree: str) -> None:
        """Note the tree that is about to be committed: the commit is known by it, whatever a hook makes of its message.

        Raises:
            WriteError: The disk refused.
        """
        self._write({**(self._read() or {}), "tree": tree})

    def _read(self) -> dict[str, str | None] | None:
        try:
            note = json.loads(self._note.read_bytes())
        except FileNotFoundError:
            return None
        except (ValueError, RecursionError):
            note = None
        if isinstance(note, dict) and isinstance(note.get("run"), str):
            texts = {name: note.get(name) for name in ("head", "run", "tree")}
            if all(text is None or isinstance(text, str) for text in texts.values()):
                return texts
        git = ("git", "-C", str(self.path))
        raise BadInputError(
            f"{self._note} is damaged, so that nobody can tell whether the files of {self.path} are those of its last "
            "commit",
            where=str(self._note),
            fix=f"Remove it: {command('rm', '-r', str(self._folder))}. If {command(*git, 'status')} then shows changes "
            f"that are not yours, {command(*git, 'restore', '--staged', '--worktree', '.')} takes them back.",
        )

    def _write(self, note: Mapping[str, str | None]) -> None:
        write_atomic(self._note, json.dumps(note).encode())

    def listing(self, kind: str, names: Sequence[str]) -> tuple[str, str]:
        """Return the options by which git reads these paths from a file; the kind tells it from others.

        Raises:
            WriteError: The disk refused.
        """
        file = self._folder / f"paths-{kind}"
        try:
            file.write_bytes("\0".join(names).encode(errors="surrogateescape"))
        except OSError as error:
            raise write_error(file, error) from error
        return f"--pathspec-from-file={file.absolute()}", "--pathspec-file-nul"

    def variables(self, staging: Path) -> dict[str, str]:
        """Return the variables with which git takes a staging folder for the files of this repository."""
        return {
            **environment(),
            "GIT_DIR": str(self._git_dir.absolute()),
            "GIT_WORK_TREE": str(staging.absolute()),
            "GIT_INDEX_FILE": str((self._folder / "staging").absolute()),
            "GIT_LITERAL_PATHSPECS": "1",
        }

    def abandon(self) -> None:
        """Forget it: the files show what the branch has, or a person has taken over."""
        self._note.unlink(missing_ok=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def finish(self) -> None:
        """Let the files follow, if the branch has moved; do nothing where no replacement was begun.

        Raises:
            BadInputError: The note is damaged.
            ToolError: git failed.
            WriteError: The disk refused; the next call goes on.
        """
        note = self._read()
        if note is None:
            return
        shown = run(self.repo.git.log, "-1", "--no-show-signature", "--encoding=UTF-8", "--format=%H;%P;%T;%B")
        if shown.code and "does not have any commits yet" not in shown.err:
            raise local_error(self.path, "read the last commit", shown)
        empty = ("", "", "", "")
        head, parents, tree, message = shown.out.decode(errors="replace").split(";", 3) if shown.code == 0 else empty
        # A hook may have changed the message or the files, but hardly both. Any other commit is somebody else's, and
        # the files are theirs then.
        own = tree == note.get("tree") or f"{RUN_TRAILER}: {note['run']}" in message.splitlines()
        if own and head != note["head"] and parents == (note["head"] or ""):
            self._follow(note["head"], head)
        self.abandon()

    def _follow(self, before: str | None, head: str) -> None:
        old = entries_of_commit(self.path, self.repo, before)
        new = entries_of_commit(self.path, self.repo, head)
        changed = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
        edited = {name for name in changed if self._is_edited(name, old, new, algorithm_of(head))}
        index = self._folder / "after"
        try:
            # git was killed together with fmc; the locks are its own, since nobody else knows these indexes.
            for stale in (index, self._folder / "after.lock"):
                stale.unlink(missing_ok=True)
            with suppress(FileNotFoundError):
                shutil.copy2(self._folder / "before", index)
            # What lay in a folder that is to be a file goes with the folder, and git does not know its name any more.
            named = [name for name in changed if not any(parent.as_posix() in new for parent in PurePath(name).parents)]
            self._restore(head, index, [name for name in named if name not in edited], "--staged", "--worktree")
            self._restore(head, index, [name for name in named if name in edited], "--staged")
            index.replace(self._git_dir / "index")
        except OSError as error:
            raise write_error(self.path, error) from error

    def _restore(self, head: str, index: Path, names: Sequence[str], *places: str) -> None:
        if not names:
            return
        variables = {**environment(), "GIT_INDEX_FILE": str(index.absolute()), "GIT_LITERAL_PATHSPECS": "1"}
        done = run(
            self.repo.git.restore,
            f"--source={head}",
            *places,
            *self.listing("restored", names),
            variables=variables,
        )
        if done.code:
            raise local_error(self.path, "bring the files to the new commit", done)

    def _is_edited(self, name: str, old: Mapping[str, Entry], new: Mapping[str, Entry], algorithm: str) -> bool:
        """Return whether a file is neither what it was, nor what it is to be, nor a part of that."""
        file = self.path / name
        if file.is_dir() and not file.is_symlink():
            return any(self._is_edited(one, old, new, algorithm) for one in files_below(self.path, name))
        try:
            entry = entry_of_file(file, algorithm)
        except (FileNotFoundError, NotADirectoryError):
            return False
        if entry in (old.get(name), new.get(name)):
            return False
        if name not in new or file.is_symlink():
            return True
        # A killed git leaves a file that ends early.
        whole = run(self.repo.git.cat_file, "blob", new[name].blob).out
        return not whole.startswith(file.read_bytes())
