"""What a build server tells a build of itself."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

# Jenkins, GitLab.
_BUILD_URLS = ("BUILD_URL", "CI_JOB_URL")


def build_url(environment: Mapping[str, str], said: str | None = None) -> str:
    """Return where a person finds the build, without a password; "" where nobody says.

    Args:
        environment: What the build server has set.
        said: What somebody says instead.
    """
    given = said or next((environment[name] for name in _BUILD_URLS if environment.get(name)), "")
    if not given and environment.get("GITHUB_RUN_ID"):
        # Gitea and Forgejo say it as GitHub does.
        server, repository = environment.get("GITHUB_SERVER_URL", ""), environment.get("GITHUB_REPOSITORY", "")
        given = f"{server}/{repository}/actions/runs/{environment['GITHUB_RUN_ID']}"
    parts = urlsplit(given)
    # A password in it would stay in Git for ever.
    return given.replace(f"{parts.netloc.rpartition('@')[0]}@", "", 1) if "@" in parts.netloc else given
