"""Committing a tree as the user would: their identity, their hooks, their signature."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from generator import __version__
from generator.delivery.git.command import git_in, run
from generator.delivery.git.failures import local_error, missing_identity
from generator.delivery.git.parallel import each
from generator.delivery.local.handover import RUN_TRAILER
from generator.delivery.local.rendered import TREE_TRAILER
from generator.delivery.local.repository import create_repository, open_repository
from generator.delivery.model import Author, Commit
from generator.errors import BadInputError
from generator.tools.git import environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from git import Git, Repo

    from generator.delivery.local.repository import OpenRepository
    from generator.delivery.model import Target


def commit_tree(target: Target, *, author: Author | None, subject: str, run_id: str) -> Commit:
    """Commit everything in a folder, making it a repository first where it is none.

    A new repository takes every file, since all of them were rendered; in an existing one the user's ignore rules
    hold. The folder may be renamed afterwards. Rendered files for an existing repository go through `replace_trees`.

    Args:
        target: The folder and its branch.
        author: Who commits; None takes git's configuration.
        subject: First line of the message.
        run_id: Recorded in the trailer `Fmc-Run`.

    Returns:
        The tip of the branch; `changed` is False where there was nothing to commit.

    Raises:
        BadInputError: git has no identity, or the folder is a repository in a state that forbids it.
        ConflictError: A merge waits for a person.
        ToolError: A hook refused, the commit can't be signed, or git failed.
        WriteError: The disk refused.
    """
    if (target.path / ".git").exists():
        repository = open_repository(target)
        if repository.head is not None and not repository.changes:
            return Commit(target.part, repository.head, changed=False)
    else:
        repository = create_repository(target)
    git = repository.repo.git
    forced = ["--force"] if repository.head is None else []
    added = run(git.add, "--all", *forced, "--", ".")
    if added.code:
        raise local_error(target.path, "stage the files", added)
    variables = environment()
    rendered = written_tree(target.path, git, variables) if repository.head is None else None
    commit_staged(target.path, git, variables, author=author, message=subject, run_id=run_id, rendered=rendered)
    return Commit(target.part, _tip(repository), changed=True)


def commit_trees(targets: Sequence[Target], *, author: Author | None, subject: str, run_id: str) -> list[Commit]:
    """Commit several folders at once; see `commit_tree`."""
    return each(partial(commit_tree, author=author, subject=subject, run_id=run_id), targets)


def require_identity(folder: Path, author: Author | None) -> None:
    """Make sure, before anything is made, that git will know who commits.

    Args:
        folder: An existing folder near the later repositories.
        author: What the options gave.

    Raises:
        BadInputError: Neither options, environment nor git's configuration name a person.
    """
    git = git_in(folder)
    asked = run(git.var, "GIT_COMMITTER_IDENT", variables=environment() | identity_variables(author))
    # A conditional include can hold an identity that appears in the repository alone; then the commit will tell.
    if asked.code and run(git.config, "--get-regexp", r"^includeif\.").code:
        raise missing_identity(str(folder))


def written_tree(path: Path, git: Git, variables: Mapping[str, str]) -> str:
    """Write what is staged as a tree, and return its name.

    Args:
        path: The repository, for messages.
        git: Where git runs.
        variables: What it runs with.

    Raises:
        ToolError: git failed.
        WriteError: The disk refused.
    """
    tree = run(git.write_tree, variables=variables)
    if tree.code:
        raise local_error(path, "write the tree", tree)
    return tree.out.decode()


def commit_staged(
    path: Path,
    git: Git,
    variables: Mapping[str, str],
    *,
    author: Author | None,
    message: str,
    run_id: str,
    rendered: str | None,
) -> None:
    """Commit what is staged, with the trailers by which fmc recognises its commits.

    Args:
        path: The repository, for messages.
        git: Where git runs.
        variables: What it runs with.
        author: Who commits; None takes git's configuration.
        message: What the commit says: a line, and whatever follows after an empty one.
        run_id: Recorded in the trailer `Fmc-Run`.
        rendered: The tree of what was rendered and sealed; None where nothing was rendered.

    Raises:
        BadInputError: git has no identity.
        ToolError: A hook refused, the commit can't be signed, or git failed.
        WriteError: The disk refused.
    """
    trailers = [f"{RUN_TRAILER}: {run_id}", f"Fmc-Version: {__version__}"]
    if rendered:
        trailers.append(f"{TREE_TRAILER}: {rendered}")
    # Verbatim: a core.commentChar of the user's may be the first letter of a trailer.
    # repo.index.commit would be shorter, but makes unsigned commits whatever commit.gpgsign says.
    done = run(
        git.commit,
        "--quiet",
        "--cleanup=verbatim",
        "--message",
        f"{message}\n\n" + "\n".join(trailers) + "\n",
        variables={**variables, **identity_variables(author)},
    )
    if done.code:
        raise local_error(path, "commit", done)


def subject_of(path: Path, repo: Repo, commit: str) -> str:
    """Return the first line of a commit's message.

    Raises:
        ToolError: git failed.
    """
    shown = run(repo.git.log, "-1", "--no-show-signature", "--format=%s", commit)
    if shown.code:
        raise local_error(path, "read the message of a commit", shown)
    return shown.out.decode(errors="replace")


def _tip(repository: OpenRepository) -> str:
    from git import SymbolicReference

    return SymbolicReference.dereference_recursive(repository.repo, "HEAD")


def identity_variables(author: Author | None) -> dict[str, str]:
    """Return the variables by which git takes an identity from the options (git-commit(1), COMMIT INFORMATION)."""
    variables = {}
    for field, value in (("NAME", author.name), ("EMAIL", author.email)) if author else ():
        if not value:
            continue
        if not value.isprintable() or set(value) & set("<>"):
            raise BadInputError(
                f"{value!r} can't stand in a commit as --author-{field.lower()}",
                fix="Leave out angle brackets and line breaks.",
            )
        variables[f"GIT_AUTHOR_{field}"] = variables[f"GIT_COMMITTER_{field}"] = value
    return variables
