"""What the answers say of the Git server, and the token that speaks to it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from generator.delivery.git.access import TOKEN
from generator.forges.model import Kind

if TYPE_CHECKING:
    from generator.answers.load import LoadedAnswers
    from generator.forges.locate import Settings
    from generator.pipeline.steps.session import Session


def forge_settings(loaded: LoadedAnswers) -> Settings:
    """Return what the answers say of the forge."""
    from generator.forges.locate import Settings

    forge = loaded.answers.forge
    answers = loaded.answers
    return Settings(
        forge.get("kind", ""), forge.get("api", ""), answers.git_authority, known_hosts=tuple(answers.git_known_hosts)
    )


def by_request(loaded: LoadedAnswers) -> bool:
    """Return whether the answers want changes by pull requests alone."""
    return bool(loaded.answers.forge.get("delivery") == "pull-requests")


def given_token() -> str:
    """Return the token of the environment; "" where there is none."""
    return os.environ.get(TOKEN, "").strip()


def needs_token(session: Session) -> bool:
    """Return whether a repository is at a forge with accounts.

    Raises:
        BadInputError: It can't be told which forge that is.
    """
    from generator.forges.locate import kind_of

    repositories = session.repositories
    settings = forge_settings(repositories.loaded)
    return any(kind_of(target.url, settings) is not Kind.FOLDER for target in repositories.targets)
