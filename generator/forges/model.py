"""What forges have in common: repositories, deploy keys, a protected branch, a webhook, pull requests."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """Which API a server speaks; Forgejo's is Gitea's, and a folder has none."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"
    FOLDER = "folder"


@dataclass(frozen=True)
class Repository:
    """A repository that a forge has.

    Attributes:
        private: Whether nobody sees it but those who are let in; None where the server can't tell.
        begun: Whether it has the branch that is delivered.
    """

    private: bool | None
    begun: bool


@dataclass(frozen=True)
class DeployKey:
    """A key that opens one repository.

    Attributes:
        title: What people see.
        line: Type and key, without a comment.
        writes: Whether it may push.
    """

    title: str
    line: str
    writes: bool = False


@dataclass(frozen=True)
class Protection:
    """How a branch is guarded.

    Attributes:
        by_request: Whether it takes changes by pull requests alone.
        forced: Whether it can be set back by force.
        deletable: Whether it can be deleted.
    """

    by_request: bool = False
    forced: bool = False
    deletable: bool = False


@dataclass(frozen=True)
class Hook:
    """A webhook for pushes; no forge shows its secret.

    Attributes:
        url: Whom it tells.
        works: Whether it is active, for pushes, and as JSON.
    """

    url: str
    works: bool = True


class State(StrEnum):
    """How far a pull request is."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


@dataclass(frozen=True)
class PullRequest:
    """A pull request; GitLab calls it a merge request.

    Attributes:
        number: What the forge counts it as.
        page: Where people see it.
        commit: The newest commit of its branch.
        state: How far it is.
    """

    number: int
    page: str
    commit: str
    state: State


@dataclass(frozen=True)
class Proposal:
    """A branch that is to be merged.

    Attributes:
        branch: The branch.
        base: What it is to be merged into.
        title: One line.
        text: What a person who merges has to know.
    """

    branch: str
    base: str
    title: str
    text: str


class Forge(Protocol):
    """One server. `path` is a repository's on it, such as `team/infra`."""

    kind: Kind

    def repository(self, path: str, branch: str) -> Repository | None:
        """Return a repository that is meant for a branch; None where there is none that this account sees."""

    def create(self, path: str, branch: str) -> None:
        """Make an empty, private repository, whose default branch will be this one."""

    def make_private(self, path: str) -> None:
        """Close a repository to everybody but those who are let in."""

    def keys(self, path: str) -> tuple[DeployKey, ...] | None:
        """Return the deploy keys of a repository; None where the server has none of the kind."""

    def set_key(self, path: str, key: DeployKey) -> None:
        """Register a deploy key; one with other rights is replaced."""

    def protection(self, path: str, branch: str) -> Protection | None:
        """Return how a branch is guarded; None where it is not."""

    def protect(self, path: str, branch: str, protection: Protection) -> None:
        """Guard a branch, whether it exists or not."""

    def hooks(self, path: str) -> tuple[Hook, ...] | None:
        """Return the webhooks of a repository; None where the server has none of the kind."""

    def set_hook(self, path: str, url: str, secret: str) -> None:
        """Have pushes told to an address; a webhook that tells the same address, whatever its query, is replaced."""


class ForgeWithRequests(Forge, Protocol):
    """A server on which people merge pull requests."""

    def request(self, path: str, proposal: Proposal) -> PullRequest | None:
        """Return the newest pull request of a branch into another one; None where there was none."""

    def open_request(self, path: str, proposal: Proposal) -> PullRequest:
        """Open a pull request."""


def bare(line: str) -> str:
    """Return type and key of a public key's line, without its comment."""
    return " ".join(line.split()[:2])


def without_query(url: str) -> str:
    """Return an address without what follows its path."""
    return url.partition("?")[0]
