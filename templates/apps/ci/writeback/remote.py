"""git and its remote: never a question, never a secret in an argument, a file or a message."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from writeback import Failure

TOKEN, USER = "FMC_GIT_TOKEN", "FMC_GIT_USER"
_DEFAULT_USER = "x-access-token"
_SECONDS = 120.0
_SHOWN_LINES = 12
# Somebody else was faster: the server's own words where two pushes meet in it (git, refs/files-backend.c).
_OVERTAKEN = re.compile(
    r"fetch first|non-fast-forward|stale info|cannot lock ref|failed to (update|lock) ref|incorrect old value|"
    r"reference already exists|needs merge",
    re.IGNORECASE,
)
_CREDENTIALS = re.compile(
    r"authentication failed|could not read (username|password)|terminal prompts disabled|permission denied|"
    r"access denied|returned error: 40[13]|host key verification failed|identification has changed",
    re.IGNORECASE,
)
_PASSING = re.compile(
    r"returned error: 5\d\d|http 5\d\d|connection (refused|reset|closed|timed out)|hung up|early eof|rpc failed|"
    r"empty reply|failed to connect|couldn't connect|operation timed out|unexpected disconnect|invalid index-pack|"
    r"transfer closed|broken pipe|did not end in time|fetch-pack: invalid|expected flush|bad (pack|line)|"
    r"network is unreachable|no route to host|could not resolve host|temporary failure",
    re.IGNORECASE,
)
_REJECTED = re.compile(r"^!\t[^\t]*\t(.*)$", re.MULTILINE)
_ACCEPTED = re.compile(r"^[ *+=]\t\S+:\S+\t", re.MULTILINE)


class Overtaken(Exception):
    """The branch moved on between fetch and push."""


class Passing(Exception):
    """The network or the server failed in a way that may be over in a moment."""


@dataclass(frozen=True)
class _Done:
    code: int
    out: str
    err: str


class Remote:
    """A bare repository that is thrown away, and the remote behind it."""

    def __init__(self, folder: Path, url: str, environment: Mapping[str, str]) -> None:
        """Prepare; nothing is asked yet.

        Args:
            folder: An empty folder.
            url: The remote, without credentials.
            environment: The process's own.

        Raises:
            Failure: The URL holds a password, or the token can't be sent.
        """
        if urlsplit(url).password or (url.lower().startswith("http") and urlsplit(url).username):
            raise Failure(
                "the address of the remote holds a user name or password, which every process could read",
                f"Leave them out of the address: {TOKEN} and {USER} take them.",
                2,
            )
        self.folder = folder
        self.url = url
        self._token = environment.get(TOKEN, "").strip()
        self._user = environment.get(USER) or _DEFAULT_USER
        if not (self._token + self._user).isprintable() or ":" in self._user:
            raise Failure(f"{TOKEN} or {USER} can't be sent to a server", "Set them without line breaks and colons.", 2)
        self._environment = self._quiet(environment)

    def get(self, *references: str) -> None:
        """Fetch branches of the remote, their newest commits alone, under their own names."""
        if not (self.folder / "HEAD").exists():
            # The remote decides the format of the objects, so that the repository is made by a clone.
            clone = ("clone", "--quiet", "--bare", "--no-local", "--depth=1", "--template=", "--no-tags")
            branch = references[0].replace("refs/heads/", "", 1)
            done = self._run(*clone, f"--branch={branch}", "--", self.url, ".")
            if done.code:
                self._explain(done)
            references = references[1:]
        if references:
            refspecs = [f"+{one}:{one}" for one in references]
            done = self._run("fetch", "--quiet", "--depth=1", "--no-tags", "--", self.url, *refspecs)
            if done.code:
                self._explain(done)

    def tip(self, reference: str) -> str | None:
        """Ask the remote for the commit of a reference; None where it has none."""
        done = self._run("ls-remote", "--", self.url, reference)
        if done.code:
            self._explain(done)
        found = [line.split("\t")[0] for line in done.out.splitlines() if line.endswith(f"\t{reference}")]
        return found[0] if found else None

    def push(self, commit: str, reference: str, lease: str | None = None) -> str:
        """Let a reference of the remote point to a commit, and return what the server said besides.

        Args:
            commit: One that follows what the remote has there.
            reference: Full name of the branch.
            lease: Where the commit follows nothing: what the remote must have there, "" for nothing.

        Raises:
            Overtaken: The remote has another commit there by now.
            Passing: It may work in a moment.
            Failure: It won't; nothing was written.
        """
        leases = [] if lease is None else [f"--force-with-lease={reference}:{lease}"]
        arguments = ("push", "--porcelain", "--no-follow-tags", *leases, "--", self.url, f"{commit}:{reference}")
        done = self._run(*arguments)
        if done.code == 0 and _ACCEPTED.search(done.out):
            return self.said(done.err)
        rejected = _REJECTED.search(done.out)
        if rejected and _OVERTAKEN.search(rejected[1] + self.said(done.err)):
            raise Overtaken(rejected[1])
        if rejected:
            raise Failure(
                f"{self.url} declined the push: {self.shown(rejected[1])}\n{self.said(done.err)}".rstrip(),
                "Correct what it names, or let people merge it: --pull-request. Then run the same command again.",
            )
        self._explain(done)

    def git(self, *arguments: str, stdin: str = "", more: dict[str, str] | None = None) -> str:
        """Run a command that stays on this machine, and return what it prints.

        Raises:
            Failure: It failed.
        """
        done = self._run(*arguments, stdin=stdin, more=more)
        if done.code:
            raise Failure(f"`git {arguments[0]}` failed: {self.shown(done.err)}", "Correct what it names.")
        return done.out

    def shown(self, text: str) -> str:
        """Return foreign output without the token, without control characters, and not endless."""
        if self._token:
            text = text.replace(self._basic(), "***").replace(self._token, "***")
        text = re.sub(r"(https?://)[^/@\s]+@", r"\1", re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text))
        lines = ("".join(filter(str.isprintable, line)).rstrip() for line in re.split(r"[\r\n]+", text))
        return "\n".join([line for line in lines if line and not line.startswith("hint:")][:_SHOWN_LINES])

    def said(self, err: str) -> str:
        """Return what the server itself said: the lines that git marks."""
        lines = [line[len("remote:") :].strip() for line in re.split(r"[\r\n]+", err) if line.startswith("remote:")]
        return self.shown("\n".join(lines))

    def _explain(self, done: _Done) -> NoReturn:
        text = self.shown(done.err) or f"git ended with {done.code}"
        if _CREDENTIALS.search(done.err):
            raise Failure(
                f"{self.url} refused the credentials, or there were none:\n{text}",
                f"Give {TOKEN} a token that may write there (https), or the agent a key that the server knows (ssh).",
            )
        if _PASSING.search(done.err):
            raise Passing(text)
        raise Failure(f"git can't work with {self.url}:\n{text}", "Correct what it names, then run the same again.")

    def _basic(self) -> str:
        return base64.b64encode(f"{self._user}:{self._token}".encode()).decode()

    def _quiet(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of every git command: English, without questions, the token as a header."""
        # Within a hook git names the repository that it works on, and every other git would go there.
        kept = {"GIT_SSH_COMMAND", "GIT_SSH", "GIT_SSL_CAINFO", "GIT_PROXY_SSL_CAINFO", "GIT_EXEC_PATH"}
        about = ("GIT_CONFIG", "GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_HTTP_")
        variables = {
            name: value
            for name, value in given.items()
            if not name.startswith("GIT_") or name in kept or name.startswith(about)
        }
        for name in (TOKEN, USER, "GIT_CONFIG", "GIT_CONFIG_PARAMETERS"):
            variables.pop(name, None)
        if not (variables.get("GIT_SSH_COMMAND") or variables.get("GIT_SSH")):
            variables["GIT_SSH_COMMAND"] = "ssh -o BatchMode=yes"
        settings = [("gc.auto", "0"), ("maintenance.auto", "false"), ("user.useConfigOnly", "true")]
        if self._token and self.url.lower().startswith("http"):
            settings += [
                (f"http.{self.url}.extraHeader", f"Authorization: Basic {self._basic()}"),
                (f"http.{self.url}.followRedirects", "false"),
            ]
        count = int(variables.get("GIT_CONFIG_COUNT") or 0)
        for number, (key, value) in enumerate(settings, count):
            variables[f"GIT_CONFIG_KEY_{number}"], variables[f"GIT_CONFIG_VALUE_{number}"] = key, value
        variables["GIT_CONFIG_COUNT"] = str(count + len(settings))
        variables.update(LC_ALL="C", LANGUAGE="C", GIT_TERMINAL_PROMPT="0", SSH_ASKPASS="", GCM_INTERACTIVE="never")
        return variables

    def _run(self, *arguments: str, stdin: str = "", more: dict[str, str] | None = None) -> _Done:
        command: list[str] = ["git", *arguments]
        try:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**self._environment, **(more or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise Failure(f"git can't be started: {error}", "Install git 2.31 or newer on this machine.") from error
        try:
            out, err = process.communicate(stdin.encode("utf-8", "surrogateescape"), timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            _end(process)
            return _Done(1, "", f"git {arguments[0]} did not end in time")
        except BaseException:
            _end(process)
            raise
        return _Done(process.returncode, *(one.decode("utf-8", "surrogateescape") for one in (out, err)))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git with all that it started: ssh and git-remote-https would go on without it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
