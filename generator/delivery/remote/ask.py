"""Asking the remotes: are they there, may we read them, and where do their branches stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.delivery.git.access import network_environment
from generator.delivery.git.command import git_in, run
from generator.delivery.git.failures import combined, remote_error
from generator.delivery.git.messages import shown_url
from generator.delivery.git.parallel import each
from generator.errors import BadInputError, ConflictError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from generator.delivery.model import Target

HEADS = "refs/heads/"
_RUN_BRANCHES = f"{HEADS}gitops/"
# A forge makes the first branch of an empty repository its default branch, and then refuses to delete it. What lies
# outside of refs/heads is no branch.
_RUNS_OF_EMPTY_REMOTES = "refs/gitops/"
# Long enough for a slow handshake; a remote that drops packets would keep git waiting for two minutes.
_TIMEOUT = 30.0


@dataclass(frozen=True)
class RemoteBranches:
    """What one remote answered.

    Attributes:
        target: Whose remote it is.
        tip: The commit of the target's branch; None where the branch doesn't exist.
        runs: Commits of the run branches that it has, by the full names of their references.
        empty: Whether it has neither the branch nor a default branch.
    """

    target: Target
    tip: str | None
    runs: Mapping[str, str]
    empty: bool

    def run_references(self, run_id: str) -> tuple[str, ...]:
        """Return the names under which a run may offer its commit, the preferred one first."""
        outside, branch = run_references(run_id)
        return (outside, branch) if self.empty else (branch,)


def run_references(run_id: str) -> tuple[str, str]:
    """Return the full names that a run may use on a remote: outside of the branches, and as a branch."""
    return _RUNS_OF_EMPTY_REMOTES + run_id, _RUN_BRANCHES + run_id


def remotes_ready(targets: Sequence[Target]) -> tuple[RemoteBranches, ...]:
    """Ask all remotes before anything is rendered or written.

    Raises:
        RemoteError: One is missing, unreachable, or refused us; the message tells all that did.
        ConflictError: One has commits already, and there is no local repository that they could belong to.
        BadInputError: A URL holds credentials.
    """
    answers = tuple(each(ask, targets))
    conflicts = [
        ConflictError(
            f"{shown_url(answer.target.url)} has a branch {answer.target.branch} already, and {answer.target.path} "
            "doesn't exist: a new repository would not contain its commits",
            where=shown_url(answer.target.url),
            fix=f"Clone it there (`git clone {shown_url(answer.target.url)} {answer.target.path}`), or choose an empty "
            "remote: another name or git_base_url in the answers.",
        )
        for answer in answers
        if answer.tip is not None and not answer.target.path.exists()
    ]
    if conflicts:
        raise combined(conflicts)
    return answers


def ask(target: Target) -> RemoteBranches:
    """Ask one remote for its branches.

    Raises:
        RemoteError: It is missing, unreachable, or refused us.
        BadInputError: Its URL holds credentials.
    """
    if shown_url(target.url) != target.url:
        raise BadInputError(
            f"the URL of {target.part} holds a user name or password: {shown_url(target.url)}",
            fix="Take them out of git_base_url; set FMC_GIT_TOKEN (and FMC_GIT_USER), or use a credential helper.",
        )
    git = git_in(_existing(target.path))
    own = HEADS + target.branch
    answer = run(
        git.ls_remote,
        "--",
        target.url,
        "HEAD",
        own,
        f"{_RUN_BRANCHES}*",
        f"{_RUNS_OF_EMPTY_REMOTES}*",
        variables=network_environment(git, target.url),
        timeout=_TIMEOUT,
    )
    if answer.code:
        raise remote_error(target.url, answer)
    # One line per reference: object, tab, name (git-ls-remote(1)); its patterns also match longer names.
    references = {}
    for line in answer.out.decode(errors="replace").splitlines():
        commit, _, name = line.partition("\t")
        references[name] = commit
    runs = {
        name: commit for name, commit in references.items() if name.startswith((_RUN_BRANCHES, _RUNS_OF_EMPTY_REMOTES))
    }
    return RemoteBranches(target, references.get(own), runs, empty=references.keys().isdisjoint(("HEAD", own)))


def _existing(path: Path) -> Path:
    """Return the folder itself or the nearest one above it: git has to run somewhere."""
    path = path.absolute()
    return next(folder for folder in (path, *path.parents) if folder.is_dir())
