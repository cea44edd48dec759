"""Local repositories: made in a rendered tree, or opened after a look at all that would make a commit go wrong."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from generator.delivery.git.command import git_in, repository_at, run
from generator.delivery.git.failures import local_error
from generator.delivery.git.messages import shown_url
from generator.delivery.local.handover import Replacement
from generator.errors import BadInputError, ConflictError
from generator.files import write_error
from generator.tools.git import environment
from generator.wording import command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git import GitConfigParser, Repo

    from generator.delivery.model import Target

RECORDED_ANSWERS = ".copier-answers.yml"
"""What Copier records in each repository."""
_SHOWN_CHANGES = 5
# Files and folders of .git that exist while an operation waits for a person (gitrepository-layout(5)).
# A rebase comes first: it picks commits, and stands on no branch meanwhile.
_UNFINISHED = {
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
}


@dataclass(frozen=True)
class OpenRepository:
    """An open repository that is on the branch it is meant to be on.

    Attributes:
        target: Where it is and where it goes.
        repo: GitPython's handle.
        head: The commit that the branch points to; None before the first one.
        changes: Paths that differ from it, untracked ones included, ignored ones not.
    """

    target: Target
    repo: Repo
    head: str | None
    changes: tuple[str, ...]


def create_repository(target: Target, object_format: str = "sha1") -> OpenRepository:
    """Make a repository in a folder of files, with `origin` set to its remote; nothing is committed.

    The configuration depends on the target alone, and holds no path, so that the folder may be renamed.

    Args:
        target: Where it is made, and where it goes.
        object_format: The hash that it names its objects with.

    Raises:
        WriteError: The disk refused.
        ToolError: git is missing, too old, or failed.
    """
    # git before 2.45 has one way of storing references only, later ones take the user's choice from here.
    variables = {**environment(), "GIT_DEFAULT_REF_FORMAT": "files"}
    git = git_in(target.path)
    options = ("--quiet", f"--object-format={object_format}", f"--initial-branch={target.branch}")
    made = run(git.init, *options, ".", variables=variables)
    repo = repository_at(target.path)
    if made.code or repo is None:
        raise local_error(target.path, "make a repository", made)
    with _configuration(repo, target) as config:
        # Rendered files are committed as they are, whatever the user's autocrlf says.
        config.set_value("core", "autocrlf", "false")
    _connect(repo, target)
    return OpenRepository(target, repo, head=None, changes=())


def open_repository(target: Target, *, cluster: str | None = None, clean: bool = False) -> OpenRepository:
    """Open a repository and make sure that it is the right one, and in a state to work on.

    A replacement of its files that was killed is completed first.

    Args:
        target: Where it is; its branch must be checked out, and `origin`, where there is one, must be its remote.
        cluster: Name that its recorded answers must have; None leaves them unread.
        clean: Also refuse uncommitted changes and untracked files.

    Raises:
        BadInputError: Not a repository, bare, detached, on another branch, another remote's, another cluster's, or
            not clean.
        ConflictError: A merge waits for a person.
    """
    repo = _repository(target)
    Replacement(repo, target.path).finish()
    head, changes = _require_usable(target, repo, cluster)
    if clean and changes:
        where = str(target.path)
        listed = ", ".join(changes[:_SHOWN_CHANGES]) + (", ..." if len(changes) > _SHOWN_CHANGES else "")
        raise BadInputError(
            f"{where} has changes that are not committed: {listed}",
            where=where,
            fix=f"Commit them, or put them aside: {command('git', '-C', where, 'stash', '--include-untracked')}.",
        )
    _connect(repo, target)
    return OpenRepository(target, repo, head, changes)


def require_deliverable(target: Target) -> OpenRepository:
    """Open a repository that is in a state in which it can be pushed, committed or not; nothing is changed.

    Raises:
        BadInputError: Not a repository, bare, detached, on another branch, or another remote's.
        ConflictError: A merge waits for a person.
        ToolError: git failed.
    """
    repo = _repository(target)
    return OpenRepository(target, repo, *_require_usable(target, repo, None))


def _repository(target: Target) -> Repo:
    where = str(target.path)
    repo = repository_at(target.path)
    if repo is None:
        raise BadInputError(
            f"{where} is no Git repository",
            where=where,
            fix="Name the folder that `fmc new` made, or move this one out of the workspace and run `fmc new` again: "
            "it clones what was delivered.",
        )
    if repo.bare:
        aside = f"{where}.git"
        raise BadInputError(
            f"{where} is a bare repository, without files to work on",
            where=where,
            fix=f"Put a clone in its place: {command('mv', where, aside)}, {command('git', 'clone', aside, where)}, "
            f"{command('git', '-C', where, 'remote', 'set-url', 'origin', target.url)}.",
        )
    return repo


def _require_usable(target: Target, repo: Repo, cluster: str | None) -> tuple[str | None, tuple[str, ...]]:
    """Refuse whatever would make a commit or a push go wrong; return the commit and the changed paths."""
    where = str(target.path)
    head, branch, changes = _status(target, repo)
    if operation := _unfinished(repo):
        raise ConflictError(
            f"a {operation} is unfinished in {where}",
            where=where,
            fix=f"Finish it with {command('git', '-C', where, operation, '--continue')}, or give it up with "
            f"{command('git', '-C', where, operation, '--abort')}.",
        )
    if branch != target.branch:
        state = "has no branch checked out (detached HEAD)" if branch is None else f"is on the branch {branch}"
        raise BadInputError(
            f"{where} {state}, not on {target.branch}", where=where, fix=_switch(repo, target.branch, where)
        )
    _refuse_foreign(repo, target, cluster)
    return head, changes


def _status(target: Target, repo: Repo) -> tuple[str | None, str | None, tuple[str, ...]]:
    """Return commit, branch and changed paths from one `git status` (format: git-status(1), porcelain v2 with -z)."""
    done = run(repo.git.status, "--porcelain=v2", "--branch", "-z", "--no-renames", "--untracked-files=all")
    if done.code:
        raise local_error(target.path, "read the repository", done)
    head = branch = None
    changes = []
    unmerged = []
    # The path is the last field; the number of fields before it depends on the kind of entry.
    fields = {"1": 8, "u": 10, "?": 1}
    for entry in done.out.decode(errors="replace").split("\0"):
        if entry.startswith("# branch.oid "):
            head = entry.removeprefix("# branch.oid ")
        elif entry.startswith("# branch.head "):
            branch = entry.removeprefix("# branch.head ")
        elif entry[:1] in fields:
            path = entry.split(" ", fields[entry[0]])[-1]
            changes.append(path)
            if entry[0] == "u":
                unmerged.append(path)
    if unmerged:
        operation = _unfinished(repo)
        last = command("git", "-C", str(target.path), operation, "--continue") if operation else "commit"
        raise ConflictError(
            f"{target.path} has conflicts that nobody has resolved: {', '.join(unmerged[:_SHOWN_CHANGES])}",
            where=str(target.path / unmerged[0]),
            fix=f"Resolve them, `git add` the files, then {last}, and run the same command again.",
        )
    return (None if head == "(initial)" else head), (None if branch == "(detached)" else branch), tuple(changes)


def _unfinished(repo: Repo) -> str:
    """Return the git command that waits for a person, "" if none does."""
    return next((operation for name, operation in _UNFINISHED.items() if (Path(repo.git_dir) / name).exists()), "")


def _switch(repo: Repo, branch: str, where: str) -> str:
    """Return the command that checks a branch out; it may not be there yet, as after a changed `git_branch`."""
    known = [reference.name.removeprefix("origin/") for reference in repo.references]
    return command("git", "-C", where, "switch", *([] if branch in known else ["--create"]), branch)


def _refuse_foreign(repo: Repo, target: Target, cluster: str | None) -> None:
    where = str(target.path)
    origin = _origin(repo)
    if origin is not None and _bare_url(origin) != _bare_url(target.url):
        raise BadInputError(
            f"the remote origin of {where} is another one than the answers name: {shown_url(origin)}, not {target.url}",
            where=where,
            fix="Correct git_base_url in the answers, or say where it is now: "
            f"{command('git', '-C', where, 'remote', 'set-url', 'origin', target.url)}.",
        )
    if cluster is None:
        return
    owner = cluster_of(target.path)
    if owner != cluster:
        found = f"of the cluster {owner}" if owner else f"without a cluster's name in its {RECORDED_ANSWERS}"
        raise BadInputError(
            f"{where} is a repository {found}, not of {cluster}",
            where=str(target.path / RECORDED_ANSWERS),
            fix="Choose another destination, or correct `name` in the answers.",
        )


def cluster_of(path: Path) -> str | None:
    """Return the cluster's name that Copier recorded in a rendered tree; None where there is none.

    Raises:
        BadInputError: The recorded answers can't be read.
    """
    from yaml import YAMLError

    from generator.strictyaml import load_plain

    file = path / RECORDED_ANSWERS
    try:
        answers = load_plain(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, YAMLError) as error:
        raise BadInputError(
            f"{file} can't be read: {getattr(error, 'problem', None) or getattr(error, 'strerror', None) or 'no YAML'}",
            where=str(file),
            fix="Restore it from the last commit: "
            f"{command('git', '-C', str(path), 'checkout', 'HEAD', '--', RECORDED_ANSWERS)}.",
        ) from error
    name = answers.get("name") if isinstance(answers, dict) else None
    return name if isinstance(name, str) else None


def _connect(repo: Repo, target: Target) -> None:
    """Set `origin`, and make the branch follow it, where there is no origin yet."""
    if _origin(repo) is not None:
        return
    with _configuration(repo, target) as config:
        config.set_value('remote "origin"', "url", target.url)
        config.set_value('remote "origin"', "fetch", "+refs/heads/*:refs/remotes/origin/*")
        config.set_value(f'branch "{target.branch}"', "remote", "origin")
        config.set_value(f'branch "{target.branch}"', "merge", f"refs/heads/{target.branch}")


@contextmanager
def _configuration(repo: Repo, target: Target) -> Iterator[GitConfigParser]:
    try:
        with repo.config_writer() as config:
            yield config
    except OSError as error:
        raise write_error(target.path, error) from error


def _origin(repo: Repo) -> str | None:
    value = repo.config_reader("repository").get_value('remote "origin"', "url", default="")
    return str(value) or None


def _bare_url(url: str) -> str:
    return url.rstrip("/").removesuffix(".git")
