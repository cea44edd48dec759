"""Which forge a Git URL leads to, where its API is, and what the repository is called there."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from generator.errors import BadInputError, RemoteError
from generator.forges.folder import Folder
from generator.forges.gitea import Gitea
from generator.forges.github import GitHub
from generator.forges.gitlab import GitLab
from generator.forges.http import Api, RefusedError
from generator.forges.model import Kind
from generator.tools.trust import ssh_command

if TYPE_CHECKING:
    from generator.forges.model import Forge, ForgeWithRequests

# user@host:path (git-clone(1), GIT URLS)
_SCP = re.compile(r"(?:([^@/]+)@)?([^/:@]+):(?!/)(.+)")
_BY_NAME = {
    "github": Kind.GITHUB,
    "gitlab": Kind.GITLAB,
    "gitea": Kind.GITEA,
    "forgejo": Kind.GITEA,
    "codeberg": Kind.GITEA,
}
_ROOTS = {Kind.GITHUB: "/api/v3", Kind.GITLAB: "/api/v4", Kind.GITEA: "/api/v1"}
# What each API answers to somebody without a token; the statuses are theirs, too.
_PROBES = {Kind.GITEA: "/version", Kind.GITLAB: "/metadata", Kind.GITHUB: "/meta"}
_REFUSING = (401, 403)
_SCOPES = {
    Kind.GITHUB: "the scope repo, or write access to Administration, Contents, Pull requests and Webhooks",
    Kind.GITLAB: "the scope api, of somebody who is a maintainer or an owner there",
    Kind.GITEA: "the scopes write:repository, and write:user or write:organization, which make repositories",
}


@dataclass(frozen=True)
class Settings:
    """What the answers say of the forge.

    Attributes:
        kind: Which it is; "" where its address has to tell.
        api: Address of its API; "" where its kind tells.
        authority: Certificates in PEM that are trusted besides.
        known_hosts: Lines of known_hosts that count for SSH, where they are about the server.
    """

    kind: str = ""
    api: str = ""
    authority: str = ""
    known_hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """A repository on its server.

    Attributes:
        forge: The server.
        path: What the repository is called there.
    """

    forge: Forge
    path: str


def locate(url: str, settings: Settings, token: str) -> Place:
    """Find the forge of a repository.

    Args:
        url: The repository, as git gets it.
        settings: What the answers say.
        token: Who asks; "" for nobody.

    Raises:
        BadInputError: It can't be told which forge that is, or the token can't be sent.
        RemoteError: The server can't be asked which forge it is.
    """
    address = _address(url)
    kind = kind_of(url, settings)
    if kind is Kind.FOLDER:
        port = str(address.port) if address.port else ""
        user = f"{address.username}@" if address.username else ""
        server = f"{user}{address.hostname}" if address.scheme == "ssh" else ""
        return Place(Folder(server, port, _ssh(url, settings)), _on_disk(address))
    forge = _open(kind, _base(address, kind, settings), settings.authority, token)
    return Place(forge, _on_disk(address._replace(path=_within(address, settings))).strip("/").removesuffix(".git"))


def locate_with_requests(url: str, settings: Settings, token: str) -> tuple[ForgeWithRequests, str] | None:
    """Find a forge that has pull requests, and what the repository is called there; None where it has none.

    Raises:
        BadInputError: It can't be told which forge that is, or the token can't be sent.
        RemoteError: The server can't be asked which forge it is.
    """
    place = locate(url, settings, token)
    return (place.forge, place.path) if isinstance(place.forge, (GitHub, GitLab, Gitea)) else None


def kind_of(url: str, settings: Settings) -> Kind:
    """Tell which forge a URL leads to: by the answers, by the name of its host, or by asking it.

    Raises:
        BadInputError: It can't be told.
    """
    if settings.kind:
        return Kind(settings.kind)
    address = _address(url)
    if address.scheme == "file":
        return Kind.FOLDER
    host = address.hostname or ""
    named = next((kind for name, kind in _BY_NAME.items() if name in host), None)
    return named or _asked(address, settings)


def _asked(address: SplitResult, settings: Settings) -> Kind:
    reasons = []
    for kind, probe in _PROBES.items():
        try:
            answer = Api(_base(address, kind, settings), {}, settings.authority).get(probe)
        except RefusedError as error:
            if error.status in _REFUSING and kind is Kind.GITLAB:
                return kind
        except RemoteError as error:
            reasons.append(error.message)
        else:
            if isinstance(answer, dict):
                return kind
    raise BadInputError(
        f"it can't be told which forge {address.hostname} is" + (f": {reasons[0]}" if reasons else ""),
        where="forge",
        fix="Say it in the answers: `forge: {kind: gitea}`, or github, gitlab, or folder for bare repositories.",
    )


def _open(kind: Kind, base: str, authority: str, token: str) -> ForgeWithRequests:
    if not (token.isascii() and token.isprintable()):
        raise BadInputError(
            "the token holds characters that an HTTP header can't carry",
            fix="Set FMC_GIT_TOKEN to the token alone, without line breaks.",
        )
    scheme = "token" if kind is Kind.GITEA else "Bearer"
    headers = {"Authorization": f"{scheme} {token}"} if token else {}
    if kind is Kind.GITHUB:
        headers |= {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    api = Api(base, headers, authority, _SCOPES[kind])
    return GitHub(api) if kind is Kind.GITHUB else GitLab(api) if kind is Kind.GITLAB else Gitea(api)


def _base(address: SplitResult, kind: Kind, settings: Settings) -> str:
    """Return the address of the API; the port of SSH is not the one of the API."""
    if settings.api:
        return settings.api.rstrip("/")
    if kind is Kind.GITHUB and address.hostname == "github.com":
        return "https://api.github.com"
    web = address.scheme in ("http", "https")
    port = f":{address.port}" if web and address.port else ""
    return f"{address.scheme if web else 'https'}://{address.hostname}{port}{_ROOTS[kind]}"


def _within(address: SplitResult, settings: Settings) -> str:
    """Return the path without the folder that the forge itself lies below."""
    folder = re.sub(r"/api(/v\d+)?/?$", "", urlsplit(settings.api).path) if settings.api else ""
    path = address.path
    return path[len(folder) :] if address.scheme != "ssh" and path.startswith(f"{folder}/") else path


def _address(url: str) -> SplitResult:
    scp = _SCP.fullmatch(url) if "://" not in url else None
    if scp:
        user = f"{scp[1]}@" if scp[1] else ""
        return SplitResult("ssh", f"{user}{scp[2]}", f"/~/{scp[3]}", "", "")
    return urlsplit(url)


def _on_disk(address: SplitResult) -> str:
    """Return the folder; what follows a tilde is below the home of the account, where the shell begins."""
    return address.path.removeprefix("/~/") if address.path.startswith("/~/") else address.path


def _ssh(url: str, settings: Settings) -> list[str]:
    """Return the ssh command that git would run."""
    own = os.environ.get("GIT_SSH_COMMAND")
    return shlex.split(own) if own else ssh_command(url, settings.known_hosts)
