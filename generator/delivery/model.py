"""The plain data that delivery takes and gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Target:
    """One repository on its way to its remote.

    Attributes:
        part: What it is called in messages: infra, argocd, apps or monorepo.
        path: Its folder, or the folder of rendered files that is to become one.
        url: Its remote, without credentials.
        branch: The branch that is committed to, pushed, and watched by Argo CD.
        known_hosts: Lines of known_hosts that count for SSH, where they are about its server.
        authority: Certificates in PEM that are trusted for HTTPS, beside those of this machine.
    """

    part: str
    path: Path
    url: str
    branch: str
    known_hosts: tuple[str, ...] = ()
    authority: str = ""


@dataclass(frozen=True)
class Author:
    """Who commits; an empty field is taken from the git configuration."""

    name: str = ""
    email: str = ""


@dataclass(frozen=True)
class Commit:
    """What `commit_tree` left: the tip of the branch, and whether this call made it."""

    part: str
    sha: str
    changed: bool


@dataclass(frozen=True)
class Delivered:
    """One repository whose remote was asked and has the commit.

    Attributes:
        part: Name of the repository.
        url: Its remote.
        branch: The branch.
        commit: The local commit.
        changed: Whether this run (with all its resumptions) brought the commit there.
        remote_sha: What the remote answered; a descendant of `commit` where somebody else pushed on top of it.
    """

    part: str
    url: str
    branch: str
    commit: str
    changed: bool
    remote_sha: str


class ProposalState(StrEnum):
    """What people have done with a pull request."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


@dataclass(frozen=True)
class Proposed:
    """One repository whose commit people are asked to merge.

    Attributes:
        part: Name of the repository.
        branch: The branch that it is to be merged into.
        source: The branch that has the commit.
        commit: The commit.
        page: Where people merge it, or open the pull request first.
        state: What they have done; without a token for the forge it is open until the branch has the commit.
    """

    part: str
    branch: str
    source: str
    commit: str
    page: str
    state: ProposalState


@dataclass(frozen=True)
class Offer:
    """A commit that is on a remote, and that people may merge.

    Attributes:
        target: Whose it is; its branch is what it is to be merged into.
        source: The branch that has it.
        commit: The commit.
        onto: Where the target's branch is.
        subject: First line of its message.
    """

    target: Target
    source: str
    commit: str
    onto: str
    subject: str


Propose: TypeAlias = Callable[[Offer], Proposed]
"""Finds or opens the pull request of an offer."""
