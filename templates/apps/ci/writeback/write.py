"""The write itself: fetch the newest commit, change it, push; overtaken, wait a little and begin anew.

The change is a function of the tree that was fetched, so that there is nothing to merge and nothing to rebase: where
two builds change the same line, the later push has the last word. A run that was killed, or did not hear the server's
answer, is done by the same run again.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Callable

from writeback import Failure
from writeback.forge import address_of_request
from writeback.image import Image
from writeback.kustomization import image_in, with_image
from writeback.remote import Overtaken, Passing, Remote

TRAILER = "Bumped-Image"
_MODES = ("100644", "100755")
# A wait is as many times an attempt as this, at random up to it, and doubles: of eight writers who never pause, each
# is then overtaken about once.
_FIRST_WAIT, _LONGEST_WAIT, _SHORTEST_ATTEMPT = 6.0, 30.0, 0.05
_FAILURES_IN_A_ROW = 4


@dataclass(frozen=True)
class Change:
    """What is to be written.

    Attributes:
        app: The app.
        environment: Whose overlay is changed.
        image: What is to run there; None takes what `source` runs.
        source: The environment that it is promoted from.
        folder: Folder of the apps in the repository, "" or with a slash at its end.
        name: The `name` of the image in the overlay, where the app's and the image's don't lead there.
        trailers: Further lines for the audit, by their names.
    """

    app: str
    environment: str
    image: Image | None
    source: str = ""
    folder: str = ""
    name: str | None = None
    trailers: Mapping[str, str] = field(default_factory=dict)

    def overlay(self, environment: str) -> str:
        """Return the file that says what an environment runs."""
        return f"{self.folder}apps/{self.app}/overlays/{environment}/kustomization.yaml"

    @property
    def proposal(self) -> str:
        """The branch of a pull request; a later build replaces what an earlier one proposed."""
        return f"deploy/{self.app}/{self.environment}"

    def message(self, image: Image) -> str:
        """Return the commit's message."""
        what = image.tag or (image.digest or "")[:19]
        lines = [f"{TRAILER}: {image}", *(f"{name}: {text}" for name, text in self.trailers.items() if text)]
        subject = f"chore(deploy): {self.app} in {self.environment} runs {what} [skip ci]"
        return "\n".join([subject, "", *lines, ""])


@dataclass(frozen=True)
class Written:
    """What is true now.

    Attributes:
        image: What the branch says.
        commit: The commit that says it.
        branch: Where that commit lies.
        changed: Whether this run made it.
        proposed: Whether it waits for people to merge it.
        url: Where a pull request is opened, or the open one is found; "" without one.
        overtaken: How often somebody else was faster.
    """

    image: Image
    commit: str
    branch: str
    changed: bool
    proposed: bool = False
    url: str = ""
    overtaken: int = 0


@dataclass(frozen=True)
class Where:
    """A branch of a remote, and how it is written to.

    Attributes:
        url: The remote, without credentials.
        branch: What Argo CD follows.
        pull_request: Propose the change on a branch of its own.
        attempts: How often it is tried.
    """

    url: str
    branch: str
    pull_request: bool = False
    attempts: int = 30


def write(
    change: Change, where: Where, environment: Mapping[str, str], note: Callable[[str], None] = lambda _: None
) -> Written:
    """Bring a change into the remote.

    Args:
        change: What is to be written.
        where: Where it is written.
        environment: The process's own; it carries credentials and the author.
        note: Is told about each wait.

    Raises:
        Failure: It is not there.
    """
    overtaken = failed = 0
    with tempfile.TemporaryDirectory(prefix="bump-image-") as scratch:
        remote = Remote(Path(scratch), where.url, environment)
        while True:
            began = time.monotonic()
            try:
                return replace(_attempt(remote, change, where), overtaken=overtaken)
            except Overtaken:
                overtaken, failed = overtaken + 1, 0
                reason = "somebody else pushed first"
            except Passing as error:
                failed += 1
                reason = str(error).splitlines()[-1]
                if failed == _FAILURES_IN_A_ROW:
                    raise Failure(
                        f"{where.url} can't be reached: {error}",
                        "Run the same command again; where the change has arrived, it says so and ends.",
                    ) from error
            if overtaken + failed >= where.attempts:
                raise Failure(
                    f"{where.url}: in each of {where.attempts} attempts somebody else pushed first",
                    "Run the same command again, and let fewer builds write at the same time.",
                )
            longest = max(time.monotonic() - began, _SHORTEST_ATTEMPT) * _FIRST_WAIT * 2 ** (overtaken + failed - 1)
            wait = random.uniform(0, min(longest, _LONGEST_WAIT))
            note(f"{reason}; again in {wait:.1f} s")
            time.sleep(wait)


def _attempt(remote: Remote, change: Change, where: Where) -> Written:
    base = f"refs/heads/{where.branch}"
    remote.get(base)
    tip = remote.git("rev-parse", f"{base}^{{commit}}").strip()
    image, path, mode, text = _changed(remote, change, tip)
    if text is None:
        return Written(image, tip, where.branch, changed=False)
    tree = _tree(remote, tip, path, mode, text)
    if not where.pull_request:
        commit = _commit(remote, tree, tip, change.message(image))
        remote.push(commit, base)
        return Written(image, commit, where.branch, changed=True)
    address = address_of_request(where.url, where.branch, change.proposal)
    proposal = f"refs/heads/{change.proposal}"
    there = remote.tip(proposal)
    if there:
        remote.get(proposal)
        if _is_same(remote, there, tip, tree):
            return Written(image, there, change.proposal, changed=False, proposed=True, url=address)
        if not is_bump(remote.git("cat-file", "commit", there)):
            raise Failure(
                f"the branch {change.proposal} of {where.url} ends with a commit that somebody else made",
                "Merge or delete that branch, then run the same command again.",
                3,
            )
    commit = _commit(remote, tree, tip, change.message(image))
    said = remote.push(commit, proposal, lease=there or "")
    told = address_of_request(where.url, where.branch, change.proposal, said)
    return Written(image, commit, change.proposal, changed=True, proposed=True, url=told)


def _changed(remote: Remote, change: Change, tip: str) -> tuple[Image, str, str, str | None]:
    """Return the image, the overlay's path and mode, and its new text; None where it says so already."""
    path = change.overlay(change.environment)
    mode, text = _read(remote, tip, path)
    image = change.image
    if image is None:
        source = change.overlay(change.source)
        image = image_in(_read(remote, tip, source)[1], change.app, source, change.name)
        if not image.digest:
            raise Failure(f"{source} names no digest, so that nobody knows what runs there", "Bump it first.", 2)
    new = with_image(text, image, change.app, path, change.name)
    return image, path, mode, None if new == text else new


def _read(remote: Remote, tip: str, path: str) -> tuple[str, str]:
    listed = remote.git("ls-tree", tip, "--", path).split()
    if not listed or listed[0] not in _MODES:
        raise Failure(f"there is no file {path} on the branch", "Correct the app, the environment, or the branch.", 2)
    return listed[0], remote.git("cat-file", "blob", listed[2])


def _tree(remote: Remote, tip: str, path: str, mode: str, text: str) -> str:
    index: dict[str, str] = {"GIT_INDEX_FILE": str(remote.folder / "index-of-bump")}
    blob = remote.git("hash-object", "-w", "--stdin", stdin=text).strip()
    remote.git("read-tree", tip, more=index)
    remote.git("update-index", "--cacheinfo", f"{mode},{blob},{path}", more=index)
    return remote.git("write-tree", more=index).strip()


def _commit(remote: Remote, tree: str, parent: str, message: str) -> str:
    # Plumbing ignores commit.gpgSign (git-commit-tree(1)).
    asked = remote.git("config", "--type=bool", "--default=false", "--get", "commit.gpgSign")
    signed: list[str] = ["-S"] if asked.strip() == "true" else []
    return remote.git("commit-tree", *signed, "-p", parent, tree, stdin=message).strip()


def _is_same(remote: Remote, commit: str, parent: str, tree: str) -> bool:
    head = remote.git("cat-file", "commit", commit).partition("\n\n")[0].splitlines()
    return head[:2] == [f"tree {tree}", f"parent {parent}"]


def is_bump(message: str) -> bool:
    """Return whether a commit was made here."""
    return any(line.startswith(f"{TRAILER}: ") for line in message.splitlines())
