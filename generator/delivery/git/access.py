"""How git reaches a remote without ever asking a question: the environment of its network commands, and the token.

A token travels as an HTTP header that git reads from GIT_CONFIG_COUNT/KEY/VALUE (git-config(1)): it is in no URL, no
argument list and no file. The header is bound to the repository's own URL, and redirects are not followed with
it, since git would send it to wherever the redirect points.
"""

from __future__ import annotations

import base64
import os
import re
import shlex
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from generator.delivery.git.command import git_in, run
from generator.errors import BadInputError
from generator.tools.git import environment
from generator.tools.trust import authorities, ssh_command

if TYPE_CHECKING:
    from git import Git

    from generator.delivery.model import Target

TOKEN = "FMC_GIT_TOKEN"  # noqa: S105  (the variable's name)
USER = "FMC_GIT_USER"
# GitHub documents this name for tokens; GitLab, Gitea and Forgejo accept any name beside a token.
_DEFAULT_USER = "x-access-token"
# A name with a slash before the first colon is a local path (git-clone(1), GIT URLS).
_LOCAL = re.compile(r"file://|[^:]*/|[^:]*$", re.IGNORECASE)


def network_environment(git: Git, target: Target) -> dict[str, str]:
    """Return the variables for a git command that talks to a remote.

    Args:
        git: Where the command will run; its configuration may name an SSH command.
        target: Whose remote; the token and what is trusted are bound to it.

    Raises:
        BadInputError: The token or its user name can't be sent as HTTP Basic authentication.
    """
    variables = {
        "GCM_INTERACTIVE": "never",
        "SSH_ASKPASS": "",
        # A trace that the user asked for may show the commands, but not the token.
        "GIT_TRACE_REDACT": "1",
        "GIT_TRACE2": "0",
        "GIT_TRACE2_EVENT": "0",
        "GIT_TRACE2_PERF": "0",
        **_batch_ssh(git, target),
    }
    return {**environment([*_token_settings(target.url), *_trust_settings(target)]), **variables}


def redact(text: str) -> str:
    """Replace the token, plain and as it is sent, by asterisks."""
    token = os.environ.get(TOKEN, "").strip()
    if not token:
        return text
    return text.replace(_basic(token), "***").replace(token, "***")


def _token_settings(url: str) -> list[tuple[str, str]]:
    token = os.environ.get(TOKEN, "").strip()
    if not token or not url.lower().startswith(("https://", "http://")):
        return []
    user = os.environ.get(USER, _DEFAULT_USER)
    if not token.isprintable() or not user.isprintable() or ":" in user:
        raise BadInputError(
            f"{TOKEN} or {USER} holds characters that HTTP Basic authentication can't carry",
            fix=f"Set {TOKEN} to the token alone, without line breaks, and {USER} to the name of its owner.",
        )
    return [
        (f"http.{url}.extraHeader", f"Authorization: Basic {_basic(token)}"),
        (f"http.{url}.followRedirects", "false"),
    ]


def _trust_settings(target: Target) -> list[tuple[str, str]]:
    if not target.authority or not target.url.lower().startswith("https://"):
        return []
    return [(f"http.{target.url}.sslCAInfo", authorities(target.authority))]


def _basic(token: str) -> str:
    user = os.environ.get(USER, _DEFAULT_USER)
    return base64.b64encode(f"{user}:{token}".encode()).decode()


def _batch_ssh(git: Git, target: Target) -> dict[str, str]:
    """Keep ssh from asking for passwords and host keys, unless the user has an SSH command of their own.

    Addresses of any protocol get it: `url.<base>.insteadOf` may turn https into ssh.
    """
    if _LOCAL.match(target.url) or os.environ.get("GIT_SSH_COMMAND") or os.environ.get("GIT_SSH"):
        return {}
    if _own_ssh_command(str(git.working_dir)):
        return {}
    return {"GIT_SSH_COMMAND": shlex.join(ssh_command(target.url, target.known_hosts))}


@cache
def _own_ssh_command(folder: str) -> bool:
    asked = run(git_in(Path(folder)).config, "--get", "core.sshCommand")
    # 1 says that it is not set (git-config(1)); a configuration that can't be read is told by the command to come.
    return asked.code == 0 and bool(asked.out)
