"""`fmc image bump` and `fmc promote`: what the pipelines run, on the repository that the workspace names."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.errors import BadInputError, ConflictError, FmcError, RemoteError
from generator.template.source import template_root
from generator.template.writeback import PROGRAM
from generator.tools.command import Command
from generator.workspace import MONOREPO

if TYPE_CHECKING:
    from generator.delivery.model import Author
    from generator.pipeline.steps.session import Session

# It has time limits of its own for each command of git; this one ends what hangs in none of them.
_TIMEOUT = 3600.0
_ERRORS: dict[int, type[FmcError]] = {2: BadInputError, 3: ConflictError, 4: RemoteError}


@dataclass(frozen=True)
class Request:
    """What is to run where.

    Attributes:
        app: The app.
        environment: Where it is to run.
        image: The image; "" takes what `source` runs.
        source: The environment that it is promoted from.
        pull_request: Propose it on a branch of its own.
        options: Further options of the program, as it takes them.
    """

    app: str
    environment: str
    image: str = ""
    source: str = ""
    pull_request: bool = False
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bumped:
    """What is true now, as `bump-image --output json` prints it.

    Attributes:
        image: What the branch says.
        commit: The commit that says it.
        branch: Where that commit lies.
        changed: Whether this run made it.
        proposed: Whether it waits for people to merge it.
        url: Where they do so; "" where nobody can know.
        overtaken: How often somebody else pushed first.
    """

    image: str
    commit: str
    branch: str
    changed: bool
    proposed: bool
    url: str
    overtaken: int


def bump(session: Session, request: Request, author: Author | None) -> Bumped:
    """Write an image into the remote of the repository apps; the workspace stays as it is.

    Args:
        session: The workspace.
        request: What is to run where.
        author: Who commits; None leaves it to git.

    Raises:
        FmcError: It is not there; the same command goes on.
    """
    loaded = session.repositories.loaded
    folder = "apps/" if loaded.answers.layout == MONOREPO else ""
    places = ("--remote", loaded.plan.repositories["apps"].url, "--branch", loaded.answers.git_branch)
    arguments = [*places, "--folder", folder, "--env", request.environment, "--output", "json", *request.options]
    arguments += ["--from", request.source] if request.source else []
    arguments += ["--pull-request"] if request.pull_request else []
    words = [request.app, *([request.image] if request.image else [])]
    program = Command(sys.executable, timeout=_TIMEOUT, ok=frozenset({0, *_ERRORS}), environment=_identity(author))
    done = program.run([str(template_root() / PROGRAM), *arguments, "--", *words])
    if not done.stdout:
        raise FmcError(f"bump-image ended with {done.code}: {done.stderr.strip()}")
    said = json.loads(done.stdout)
    if done.code:
        raise _ERRORS[done.code](said["error"], fix=said["fix"])
    return Bumped(**said)


def _identity(author: Author | None) -> dict[str, str]:
    """Return the variables by which git takes the author that was given; what was not is git's affair."""
    given = {"NAME": author.name, "EMAIL": author.email} if author else {}
    return {f"GIT_{role}_{part}": text for part, text in given.items() if text for role in ("AUTHOR", "COMMITTER")}
