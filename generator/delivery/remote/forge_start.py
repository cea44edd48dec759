"""Remotes that a forge made with a README: what they hold is taken in, and fmc's files lie on top of it.

A merge commit does it: its parents are the local branch and the remote one, so that the push only adds. A file that
both have becomes fmc's; one that the forge alone has, such as LICENSE, stays.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from generator.delivery.git.command import run
from generator.delivery.git.failures import local_error
from generator.delivery.git.parallel import each
from generator.delivery.local.commits import identity_variables
from generator.delivery.local.repository import open_repository
from generator.delivery.remote.history import Relation, relation
from generator.delivery.remote.holdings import Holdings, holdings_of_commit, names_of_commit, starters
from generator.tools.git import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from git import Repo

    from generator.delivery.git.command import Output
    from generator.delivery.model import Author
    from generator.delivery.remote.ask import RemoteBranches


def take_over(answers: Sequence[RemoteBranches], *, author: Author | None, progress: Callable[[str], None]) -> None:
    """Take the history of remotes in that hold nothing but what a forge begins a repository with.

    Args:
        answers: What the remotes answered.
        author: Who commits; None takes git's configuration.
        progress: Is told what was taken in.

    Raises:
        BadInputError: A repository is not in a state to be worked on, or git has no identity.
        ConflictError: A merge waits for a person.
        RemoteError: A remote can't be fetched.
        ToolError: git failed.
    """
    for line in each(partial(_take_over, author=author), answers):
        if line:
            progress(line)


def _take_over(answer: RemoteBranches, author: Author | None) -> str | None:
    target, tip = answer.target, answer.tip
    if tip is None:
        return None
    repository = open_repository(target)
    repo, head = repository.repo, repository.head
    if head is None or repository.changes or relation(target, repo, head, tip) is not Relation.UNRELATED:
        return None
    if holdings_of_commit(target.path, repo.git, tip) is not Holdings.STARTERS:
        return None
    commit = _merged(target.path, repo, head, tip, author)
    _checked(target.path, run(repo.git.merge, "--quiet", "--ff-only", commit))
    names = ", ".join(starters(target.path, repo.git, tip) or ()) or "no file"
    return f"{target.part}: took over {target.url}, which held {names} alone"


def _merged(path: Path, repo: Repo, head: str, tip: str, author: Author | None) -> str:
    """Make the merge commit, and return it; neither branch nor files are touched."""
    with tempfile.TemporaryDirectory() as scratch:
        variables = {**environment(), "GIT_INDEX_FILE": str(Path(scratch, "index"))}
        own = names_of_commit(path, repo.git, head)
        more = [
            ("--cacheinfo", f"{mode},{blob},{name}")
            for name, (mode, blob) in (starters(path, repo.git, tip) or {}).items()
            if name not in own
        ]
        _checked(path, run(repo.git.read_tree, head, variables=variables))
        if more:
            arguments = [word for pair in more for word in pair]
            _checked(path, run(repo.git.update_index, "--add", *arguments, variables=variables))
        tree = _checked(path, run(repo.git.write_tree, variables=variables))
    signed = run(repo.git.config, "--type=bool", "--get", "commit.gpgSign").out == b"true"
    made = run(
        repo.git.commit_tree,
        tree,
        *("-p", head, "-p", tip),
        *(["-S"] if signed else []),
        *("-m", "Take over the repository with the files that the forge began it with"),
        variables={**environment(), **identity_variables(author)},
    )
    return _checked(path, made)


def _checked(path: Path, output: Output) -> str:
    if output.code:
        raise local_error(path, "take the remote's first files in", output)
    return output.out.decode()
