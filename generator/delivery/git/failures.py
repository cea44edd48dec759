"""What git's error output means, and what the user can do about it.

git has one exit code (128) for nearly everything, so the texts decide; they are git's, curl's and OpenSSH's English
ones, which LC_ALL=C asks for, and those of GitHub, GitLab and Gitea.
"""

from __future__ import annotations

import errno
import os
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.delivery.git.access import TOKEN
from generator.delivery.git.messages import printable, shown_url
from generator.errors import BadInputError, FmcError, RemoteError, ToolError
from generator.files import write_error
from generator.tools.git import another_users, is_of_another_user
from generator.wording import command

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from generator.delivery.git.command import Output


@dataclass(frozen=True)
class _Cause:
    """A known failure: how git words it, how fmc words it, and what helps.

    `{url}` is filled in, and in what helps the commands of `_commands`.
    """

    pattern: re.Pattern[str]
    message: str
    fix: str


def _cause(pattern: str, message: str, fix: str) -> _Cause:
    return _Cause(re.compile(pattern, re.IGNORECASE), message, fix)


# The first that matches decides: TLS and host keys come before the general words that follow them in the same output.
_REMOTE_CAUSES = (
    _cause(
        r"remote host identification has changed",
        "the SSH host key of {url} has changed",
        "Ask its owner whether that is meant. If it is, forget the old one, {forget}, and add the new one: {keyscan}.",
    ),
    _cause(
        r"host key verification failed",
        "the SSH host key of {url} is unknown",
        "Compare the key's fingerprint with the one its owner publishes, then add it: {keyscan}.",
    ),
    _cause(
        r"ssl certificate|certificate verif|gnutls_handshake|ssl_connect|ssl routines|ssl_error|tls (connect|handsh)",
        "the TLS connection to {url} can't be trusted or made",
        "Make git trust the certificate authority of the server: `git config --global http.sslCAInfo CA.pem`.",
    ),
    _cause(
        r"detected dubious ownership",
        "{url} belongs to another user of this machine, and git refuses to use it",
        "Trust it with {trust}, or give the folder to your user.",
    ),
    _cause(
        r"authentication failed|could not read (username|password)|terminal prompts disabled|permission denied \(|"
        r"access denied|returned error: 40[13]|invalid (username|credentials)|write access to repository not granted|"
        r"permission to \S+ denied|not allowed to push code",
        "{url} refused the credentials, or there were none",
        f"Set {TOKEN} to a token that may write to the repository, or set up a credential helper "
        "(https) or a key that the server knows (ssh).",
    ),
    _cause(
        r"could not resolve host|failed to connect|couldn't connect|connection (refused|timed out|reset|closed)|"
        r"no route to host|network is unreachable|operation timed out|empty reply|did not complete in|"
        r"name or service not known|proxy connect",
        "the host of {url} can't be reached",
        "Check the address (git_base_url in the answers), the network and the proxy, then run the same command again.",
    ),
    _cause(
        r"repository .*not found|does not appear to be a git repository|project you were looking for|"
        r"returned error: 404|(repository|project).* does not exist|no such (repository|file or directory)",
        "there is no repository at {url}, or this account can't see it",
        "Create it, empty, without a README: {create}.",
    ),
    _cause(
        r"returned error: 30\d|unable to update url base from redirection",
        "{url} answers with another address, and credentials are not sent on",
        "Write the final address of the repositories as git_base_url in the answers.",
    ),
    _cause(
        r"returned error: 5\d\d|internal server error",
        "the server of {url} has a problem of its own",
        "Wait until it is back, then run the same command again; it goes on where it stopped.",
    ),
)


# ssh://user@host:port/path, or user@host:path (git-clone(1), GIT URLS)
_SSH_SERVER = re.compile(r"(?:ssh://)?(?:[^@/]*@)?(?P<host>[^/:]+)(?::(?P<port>\d+)(?=/))?")
# Bytes. The smallest commit of rendered files needs about as much.
_LITTLE_ROOM = 1 << 17
_SIGNING = re.compile(r"failed to sign|gpg failed|couldn't load public key|no private key|user\.signingkey", re.I)


def remote_error(url: str, output: Output) -> RemoteError:
    """Return the error for a git command that failed to talk to a remote."""
    shown = shown_url(url)
    for cause in _REMOTE_CAUSES:
        if cause.pattern.search(output.err):
            fix = cause.fix.format(**_commands(shown))
            return RemoteError(cause.message.format(url=shown), where=shown, fix=fix)
    return RemoteError(
        f"git can't work with {shown}; git, a hook or the server said:\n{_said(output)}",
        where=shown,
        fix="Correct what it names, then run the same command again; it goes on where it stopped.",
    )


def _commands(url: str) -> dict[str, str]:
    """Return the commands that help with one remote, filled in with its host or folder."""
    server = _SSH_SERVER.match(url)
    host, port = (server["host"], server["port"] or "") if server else ("", "")
    # In known_hosts the usual port is not named (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
    port = "" if port == "22" else port
    keyscan = ("ssh-keyscan", "-t", "ed25519", *(("-p", port) if port else ()), host)
    folder = url.removeprefix("file://")
    in_forge = "with `fmc remotes create`, or in the web pages of the forge"
    made = command("git", "init", "--bare", folder) if folder.startswith("/") else in_forge
    return {
        "keyscan": f"`{shlex.join(keyscan)} >> ~/.ssh/known_hosts`",
        "forget": command("ssh-keygen", "-R", f"[{host}]:{port}" if port else host),
        "trust": command("git", "config", "--global", "--add", "safe.directory", folder),
        "create": made,
    }


def local_error(path: Path, doing: str, output: Output) -> FmcError:
    """Return the error for a git command that failed in a local repository.

    Args:
        path: The repository.
        doing: What was to be done, as it follows "git can't": `commit`.
        output: What git left.
    """
    where = str(path)
    for code in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
        # In some places git says that it could not write, but not why.
        if os.strerror(code) in output.err or (code == errno.ENOSPC and _is_full(path)):
            return write_error(path, OSError(code, os.strerror(code)))
    if re.search(r"tell me who you are|auto-detection is disabled|empty ident|no (email|name) was given", output.err):
        return missing_identity(where)
    if is_of_another_user(output.err):
        return another_users(path)
    if match := re.search(r"unable to create '([^']+\.lock)'", output.err, re.IGNORECASE):
        return ToolError(
            "another git command works in this repository, or was killed in it",
            where=where,
            fix=f"If none is running, remove its lock, {command('rm', match[1])}, and run the same command again.",
        )
    if _SIGNING.search(output.err):
        return ToolError(
            f"the commit can't be signed, as commit.gpgsign wants it; git said:\n{_said(output)}",
            where=where,
            fix="Unlock the signing key or correct user.signingkey and gpg.format, then run the same command again.",
        )
    return ToolError(
        f"git can't {doing}; git or a hook said:\n{_said(output)}",
        where=where,
        fix="Correct what it names, then run the same command again.",
    )


def _is_full(path: Path) -> bool:
    disk = os.statvfs(path)
    return disk.f_bavail * disk.f_frsize < _LITTLE_ROOM


def missing_identity(where: str) -> BadInputError:
    """Return the error for commits without an author."""
    return BadInputError(
        "git doesn't know who commits",
        where=where,
        fix='Tell it once: `git config --global user.name "Your Name"` and '
        "`git config --global user.email you@example.com`; or use --author-name and --author-email.",
    )


def combined(errors: Iterable[FmcError]) -> FmcError:
    """Return one error that tells all of several, with the type of the gravest.

    A fault of a remote outweighs a conflict, which outweighs bad input: the exit codes are in that order.
    """
    every = sorted(errors, key=lambda error: -error.exit_code)
    if len(every) == 1:
        return every[0]
    fixes = dict.fromkeys(error.fix for error in every if error.fix)
    return type(every[0])(
        f"{len(every)} repositories can't be delivered:\n" + "\n".join(f"- {error.message}" for error in every),
        fix="\n  ".join(fixes),
    )


def _said(output: Output) -> str:
    return printable(output.err) or printable(output.out.decode(errors="replace")) or f"(exit code {output.code})"
