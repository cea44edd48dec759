"""One repository during a push: what is to be delivered, and how it stands to what the remote has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.delivery.git.messages import shown_url
from generator.delivery.local.repository import open_repository
from generator.delivery.remote.ask import HEADS, ask
from generator.delivery.remote.history import Relation, relation
from generator.errors import BadInputError, ConflictError

if TYPE_CHECKING:
    from git import Repo

    from generator.delivery.model import Target
    from generator.delivery.remote.ask import RemoteBranches


@dataclass(frozen=True)
class Part:
    """One repository during a push.

    Attributes:
        target: Where it is and where it goes.
        repo: GitPython's handle; used by one thread at a time.
        commit: What is delivered: the tip of the branch when the push began.
        remote: What the remote answered last.
        relation: How the commit and that answer stand to each other.
    """

    target: Target
    repo: Repo
    commit: str
    remote: RemoteBranches
    relation: Relation

    @property
    def there(self) -> bool:
        """Whether the remote branch has the commit."""
        return self.relation in (Relation.EQUAL, Relation.NEWER)

    @property
    def sendable(self) -> bool:
        """Whether a push would only add to the remote branch."""
        return self.relation in (Relation.ABSENT, Relation.OLDER)

    @property
    def reference(self) -> str:
        """Full name of the remote branch."""
        return HEADS + self.target.branch

    @property
    def url(self) -> str:
        """The remote, as it may be shown."""
        return shown_url(self.target.url)

    @property
    def shown(self) -> str:
        """The remote branch, as messages name it."""
        return f"{self.target.branch} of {self.url}"


def examine(target: Target, answer: RemoteBranches | None) -> Part:
    """Open a repository that is to be pushed, and see how it stands to its remote.

    Args:
        target: The repository.
        answer: What its remote answered a moment ago; None asks it now.

    Raises:
        BadInputError: The repository is not in a state to be pushed.
        ConflictError: A merge waits for a person.
        RemoteError: The remote can't be asked.
    """
    repository = open_repository(target, clean=True)
    if repository.head is None:
        raise BadInputError(f"{target.path} has no commit yet", where=str(target.path), fix="Commit its files first.")
    return _compared(target, repository.repo, repository.head, answer or ask(target))


def asked_again(part: Part) -> Part:
    """Return the same repository with what its remote answers now.

    Raises:
        RemoteError: The remote can't be asked.
    """
    return _compared(part.target, part.repo, part.commit, ask(part.target))


def conflict(part: Part) -> ConflictError:
    """Return the error for a remote branch with commits that the local one doesn't contain."""
    target = part.target
    if part.relation is Relation.UNRELATED:
        return ConflictError(
            f"{part.shown} holds another history than {target.path}; it was not touched",
            where=part.url,
            fix="Check git_base_url and the repositories' names in the answers, or choose an empty repository.",
        )
    return ConflictError(
        f"{part.shown} moved on: it has commits that {target.path} doesn't contain; it was not touched",
        where=part.url,
        fix=f"Take them in with `git -C {target.path} pull --rebase origin {target.branch}`, then run the same "
        "command again.",
    )


def _compared(target: Target, repo: Repo, commit: str, remote: RemoteBranches) -> Part:
    return Part(target, repo, commit, remote, relation(target, repo, commit, remote.tip))
