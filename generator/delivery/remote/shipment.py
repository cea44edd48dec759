"""One repository during a push: what is to be delivered, and how it stands to what the remote has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.delivery.git.messages import shown_url
from generator.delivery.local.repository import open_repository
from generator.delivery.remote.ask import ask
from generator.delivery.remote.history import Relation, adds_nothing, contains, relation
from generator.delivery.remote.references import HEADS
from generator.errors import BadInputError, ConflictError
from generator.wording import command

if TYPE_CHECKING:
    from git import Repo

    from generator.delivery.local.repository import OpenRepository
    from generator.delivery.model import Target
    from generator.delivery.remote.ask import RemoteBranches
    from generator.delivery.state import Seen


@dataclass(frozen=True)
class Shipment:
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


def examine(target: Target, answer: RemoteBranches | None) -> Shipment:
    """Open a repository that is to be pushed, and see how it stands to its remote.

    Args:
        target: The repository.
        answer: What its remote answered a moment ago; None asks it now.

    Raises:
        BadInputError: The repository is not in a state to be pushed.
        ConflictError: A merge waits for a person.
        RemoteError: The remote can't be asked.
    """
    return compared(open_repository(target, clean=True), answer)


def compared(repository: OpenRepository, answer: RemoteBranches | None = None) -> Shipment:
    """See how the last commit of a repository stands to its remote, whatever else lies in it.

    Args:
        repository: The repository.
        answer: What its remote answered a moment ago; None asks it now.

    Raises:
        BadInputError: It has no commit.
        RemoteError: The remote can't be asked.
    """
    target = repository.target
    if repository.head is None:
        raise BadInputError(f"{target.path} has no commit yet", where=str(target.path), fix="Commit its files first.")
    return _compared(target, repository.repo, repository.head, answer or ask(target))


def asked_again(shipment: Shipment) -> Shipment:
    """Return the same repository with what its remote answers now.

    Raises:
        RemoteError: The remote can't be asked.
    """
    return _compared(shipment.target, shipment.repo, shipment.commit, ask(shipment.target))


def conflict(shipment: Shipment, seen: Seen | None) -> ConflictError | None:
    """Return why a person has to decide before a repository can be delivered; None where nothing is in the way.

    Args:
        shipment: The repository, with what its remote answered.
        seen: Where fmc saw the remote's branch last; None where it has delivered nothing there.
    """
    if shipment.there:
        return None
    target, path = shipment.target, shipment.target.path
    if obstacle := shipment.remote.obstacle:
        return ConflictError(
            f"{shipment.url} has a branch {obstacle}, and Git keeps no branch {target.branch} beside it",
            where=shipment.url,
            fix=f"Rename or delete the branch {obstacle} there, or choose another git_branch in the answers.",
        )
    if shipment.relation is Relation.UNRELATED:
        return ConflictError(
            f"{shipment.shown} holds another history than {path}; it was not touched",
            where=shipment.url,
            fix="Check git_base_url and the repositories' names in the answers, or choose an empty repository.",
        )
    tip = str(shipment.remote.tip)
    if shipment.relation is Relation.DIVERGED and adds_nothing(shipment.repo, tip, shipment.commit):
        take = command("git", "-C", str(path), "reset", "--keep", tip)
        return ConflictError(
            f"{shipment.shown} has what {path} would bring, as other commits: somebody squashed or rebased them",
            where=shipment.url,
            fix=f"Take theirs instead of yours: {take}; then run the same command again.",
        )
    if not shipment.sendable:
        pull = command("git", "-C", str(path), "pull", "--rebase", "origin", target.branch)
        return ConflictError(
            f"{shipment.shown} moved on: it has commits that {path} doesn't contain; it was not touched",
            where=shipment.url,
            fix=f"Take them in with {pull}, then run the same command again.",
        )
    return _taken_back(shipment, seen) if seen is not None else None


def _taken_back(shipment: Shipment, seen: Seen) -> ConflictError | None:
    """Return the error for commits that were on the remote and are not any more: somebody took them back by force."""
    tip, path = shipment.remote.tip, shipment.target.path
    lost = [
        commit
        for commit in dict.fromkeys((seen.tip, seen.commit))
        if contains(shipment.repo, shipment.commit, commit)
        and not (tip is not None and contains(shipment.repo, tip, commit))
    ]
    if not lost or shipment.remote.empty:
        return None
    put_back = command("git", "-C", str(path), "push", "origin", f"{lost[0]}:{shipment.reference}")
    if tip is None:
        return ConflictError(
            f"{shipment.shown} was deleted there: fmc had delivered {lost[0][:12]}",
            where=shipment.url,
            fix=f"Find out who did it, and why. To have it there again: {put_back}; then run the same command again.",
        )
    take_back = command("git", "-C", str(path), "reset", "--keep", tip)
    return ConflictError(
        f"{shipment.shown} was set back by force, from {lost[0][:12]} to {tip[:12]}; it was not moved forward again",
        where=shipment.url,
        fix=f"Find out who did it, and why. To take the commits back here, too: {take_back}; to put them back there: "
        f"{put_back}; then run the same command again.",
    )


def _compared(target: Target, repo: Repo, commit: str, remote: RemoteBranches) -> Shipment:
    return Shipment(target, repo, commit, remote, relation(target, repo, commit, remote.tip))
