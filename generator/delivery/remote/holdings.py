"""What a remote holds that fmc has not delivered to: a forge's first files, another clone's work, or something else."""

from __future__ import annotations

import os
import re
import tempfile
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from generator.delivery.git.access import network_environment
from generator.delivery.git.command import git_in, run
from generator.delivery.git.failures import local_error, remote_error
from generator.delivery.local.repository import RECORDED_ANSWERS
from generator.delivery.remote.references import HEADS

if TYPE_CHECKING:
    from git import Git

    from generator.delivery.model import Target

_TIMEOUT = 300.0
# What GitHub, GitLab, Gitea, Bitbucket and Azure DevOps offer to begin a repository with.
_STARTER = re.compile(rb"(readme|licen[cs]e|copying)(\.(md|txt|rst))?|\.gitignore|\.gitattributes", re.IGNORECASE)


class Holdings(Enum):
    """What the branch of a remote holds."""

    STARTERS = "nothing, ever, but the files that a forge begins a repository with"
    RENDERED = "rendered files: the work of another clone"
    OTHER = "something else"


def holdings_of_remote(target: Target) -> Holdings:
    """Look into a remote whose repository is not on this disk; nothing of it is kept.

    Raises:
        RemoteError: It can't be fetched.
        FmcError: git failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        git = git_in(Path(folder))
        made = run(git.init, "--quiet", "--bare", ".")
        if made.code:
            raise local_error(Path(folder), "make a repository", made)
        fetched = run(
            git.fetch,
            "--quiet",
            "--no-tags",
            "--",
            target.url,
            f"+{HEADS}{target.branch}:{HEADS}fetched",
            variables=network_environment(git, target),
            timeout=_TIMEOUT,
        )
        if fetched.code:
            raise remote_error(target.url, fetched)
        return holdings_of_commit(Path(folder), git, f"{HEADS}fetched")


def holdings_of_commit(path: Path, git: Git, commit: str) -> Holdings:
    """Tell what a commit and all before it hold.

    Args:
        path: The repository, for messages.
        git: Where git runs.
        commit: The tip of the remote branch, which is known here.

    Raises:
        FmcError: git failed.
    """
    if starters(path, git, commit) is not None and _holds_only_starters(path, git, commit):
        return Holdings.STARTERS
    return Holdings.RENDERED if RECORDED_ANSWERS in names_of_commit(path, git, commit) else Holdings.OTHER


def starters(path: Path, git: Git, commit: str) -> dict[str, tuple[str, str]] | None:
    """Return mode and object of a commit's files by their names; None if one is none that a forge begins with.

    Raises:
        FmcError: git failed.
    """
    found = {}
    listed = run(git.ls_tree, "-r", "-z", "--full-tree", commit)
    if listed.code:
        raise local_error(path, "list the files of a commit", listed)
    # Mode, type and object, a tab, the path (git-ls-tree(1), OUTPUT FORMAT).
    for line in filter(None, listed.out.split(b"\0")):
        head, _, name = line.partition(b"\t")
        mode, kind, blob = head.decode().split(" ")
        if kind != "blob" or mode == "120000" or not _STARTER.fullmatch(name):
            return None
        found[os.fsdecode(name)] = (mode, blob)
    return found


def names_of_commit(path: Path, git: Git, commit: str) -> list[str]:
    """Return the names of files and folders in the top folder of a commit.

    Raises:
        FmcError: git failed.
    """
    listed = run(git.ls_tree, "-z", "--name-only", "--full-tree", commit)
    if listed.code:
        raise local_error(path, "list the files of a commit", listed)
    return os.fsdecode(listed.out).split("\0")


def _holds_only_starters(path: Path, git: Git, commit: str) -> bool:
    """Return whether no commit of the history ever had another file."""
    listed = run(git.rev_list, "--objects", commit)
    if listed.code:
        raise local_error(path, "read the history", listed)
    # The object, and where it has one, its path.
    names = (line.partition(b" ")[2] for line in listed.out.split(b"\n"))
    return all(_STARTER.fullmatch(name) for name in names if name)
