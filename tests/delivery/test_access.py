"""Remotes over HTTP: tokens, addresses that git rewrites, and remotes that can't be used."""

from __future__ import annotations

import base64
import dataclasses
import http.client
import os
import shlex
import shutil
import socket
import ssl
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pexpect
import pytest

from generator.delivery.local.commits import commit_tree
from generator.delivery.local.repository import open_repository
from generator.delivery.model import Target
from generator.delivery.push import push
from generator.delivery.remote.ready import remotes_ready
from generator.errors import BadInputError, ConflictError, FmcError, RemoteError
from tests.certificate import self_signed
from tests.conftest import require_tool
from tests.delivery.conftest import TOKEN
from tests.delivery.gitserver import GitServer
from tests.delivery.processes import counting_git
from tests.delivery.sshserver import ssh_server
from tests.delivery.workspace import PARTS, RUN, Workspace, git
from tests.loopback import LoopbackServer, QuietHandler

BASIC = base64.b64encode(f"ci:{TOKEN}".encode()).decode()


def assert_secret_nowhere(root: Path, *texts: str) -> None:
    """Assert that neither the token nor the header made from it is in a text, or in a file below a folder."""
    files = [file.read_bytes() for file in root.rglob("*") if file.is_file()]
    assert len(files) > 20
    for content in (*files, *(text.encode() for text in texts)):
        assert TOKEN.encode() not in content
        assert BASIC.encode() not in content


def told(error: FmcError) -> str:
    return f"{error.message} {error.where} {error.fix} {error!r} {error.__cause__!r}"


def test_a_token_of_the_environment_delivers_and_is_written_nowhere(
    over_http: Workspace, server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting_git(tmp_path / "counting")
    monkeypatch.setenv("PATH", str(tmp_path / "counting" / "bin"), prepend=os.pathsep)
    for variable in ("GIT_TRACE", "GIT_TRACE_CURL", "GIT_TRACE_SETUP", "GIT_TRACE2", "GIT_TRACE2_EVENT"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    monkeypatch.setenv("GIT_TRACE2_CONFIG_PARAMS", "http.*")
    over_http.push()
    assert over_http.remote_heads() == over_http.heads()
    assert {authorization for _, authorization in server.seen} == {f"Basic {BASIC}"}
    # The arguments of all git commands, traces, configurations, reflogs and the state file are among these files.
    assert_secret_nowhere(tmp_path, *over_http.heard)


def test_a_rerun_over_http_changes_nothing(over_http: Workspace) -> None:
    over_http.push()
    assert not any(one.changed for one in over_http.push("another"))


@pytest.mark.parametrize("token", ["wr0ng-T0ken-wr0ng", None])
def test_a_wrong_or_missing_token_is_said_without_showing_it(
    over_http: Workspace, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    if token:
        monkeypatch.setenv("FMC_GIT_TOKEN", token)
    else:
        monkeypatch.delenv("FMC_GIT_TOKEN")
    for attempt in (lambda: remotes_ready(over_http.targets), over_http.push):
        with pytest.raises(RemoteError, match="refused the credentials") as caught:
            attempt()
        assert caught.value.exit_code == 4
        assert "FMC_GIT_TOKEN" in (caught.value.fix or "")
        assert "3 repositories" in caught.value.message
        assert token is None or token not in told(caught.value)
    assert over_http.remote_heads() == {}


def test_a_token_that_may_only_read_is_told_apart_before_anything_moves(
    over_http: Workspace, server: GitServer
) -> None:
    server.read_only = True
    remotes_ready(over_http.targets)
    with pytest.raises(RemoteError, match="refused the credentials"):
        over_http.push()
    server.read_only = False
    over_http.push(RUN)
    assert over_http.remote_heads() == over_http.heads()


def test_a_token_is_not_sent_on_to_another_address(over_http: Workspace, server: GitServer, tmp_path: Path) -> None:
    with GitServer(tmp_path / "remotes") as other:
        server.moved_to = other.url
        with pytest.raises(RemoteError, match="another address"):
            remotes_ready(over_http.targets)
        assert other.seen == []


@pytest.mark.parametrize(("name", "value"), [("FMC_GIT_TOKEN", "one\ntwo"), ("FMC_GIT_USER", "a:b")])
def test_a_token_that_no_header_can_carry_is_refused(
    over_http: Workspace, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadInputError, match="can't carry") as caught:
        remotes_ready(over_http.targets)
    assert value not in told(caught.value)


def test_a_line_break_after_the_token_is_forgiven(over_http: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMC_GIT_TOKEN", TOKEN + "\n")
    assert len(remotes_ready(over_http.targets)) == len(PARTS)


def test_a_credential_helper_does_it_too(over_http: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FMC_GIT_TOKEN")
    helper = f"!f() {{ echo username=ci; echo password={TOKEN}; }}; f"
    git(over_http.root, "config", "--global", "credential.helper", helper)
    over_http.push()
    assert over_http.remote_heads() == over_http.heads()


@pytest.mark.parametrize("url", ["https://ci:hunter2@git.example.org/infra.git", "http://hunter2@git.example.org/x"])
def test_credentials_in_an_address_are_refused_and_not_shown(tree: Target, url: str) -> None:
    with pytest.raises(BadInputError, match="user name or password") as caught:
        remotes_ready([dataclasses.replace(tree, url=url)])
    assert "hunter2" not in told(caught.value)


def test_an_origin_with_credentials_is_not_shown_with_them(tree: Target) -> None:
    commit_tree(tree, author=None, subject="x", run_id=RUN)
    git(tree.path, "remote", "set-url", "origin", "https://ci:hunter2@git.example.org/infra.git")
    with pytest.raises(BadInputError, match="remote origin") as caught:
        open_repository(tree)
    assert "hunter2" not in told(caught.value)


@pytest.fixture
def rewritten(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Give the workspace public addresses that the environment's git configuration maps to its local remotes."""
    base = "https://git.example.com/home/"
    workspace.targets = [dataclasses.replace(target, url=f"{base}{target.part}.git") for target in workspace.targets]
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.file://{workspace.root}/remotes/.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", base)
    workspace.commit()
    return workspace


@pytest.mark.parametrize("token", [None, TOKEN])
def test_addresses_are_rewritten_by_the_environments_git_configuration(
    rewritten: Workspace, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    if token:
        monkeypatch.setenv("FMC_GIT_TOKEN", token)
    assert all(answer.empty for answer in remotes_ready(rewritten.targets))
    delivered = rewritten.push()
    assert [one.url for one in delivered] == [f"https://git.example.com/home/{part}.git" for part in PARTS]
    assert rewritten.remote_heads() == rewritten.heads()
    assert git(rewritten.target("infra").path, "config", "remote.origin.url") == delivered[0].url
    rewritten.edit("apps")
    rewritten.commit()
    assert [one.changed for one in rewritten.push("another")] == [False, True, False]


def test_a_count_that_is_no_number_is_refused(tree: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "many")
    with pytest.raises(BadInputError, match="GIT_CONFIG_COUNT"):
        remotes_ready([tree])


def test_no_git_configuration_at_all_is_needed(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "ada@example.org")
    workspace.commit()
    workspace.push()
    assert workspace.remote_heads() == workspace.heads()


def _ssh_that_notes_its_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "ssh"
    program.write_text(
        f'#!/bin/sh\necho "$*" >> {tmp_path}/ssh-arguments\necho "Permission denied (publickey)." >&2\nexit 255\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    return tmp_path / "ssh-arguments"


@pytest.mark.parametrize("url", ["git@git.example.com:home/infra.git", "https://git.example.com/home/infra.git"])
def test_ssh_is_never_interactive_even_if_git_rewrites_the_address(
    tree: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    arguments = _ssh_that_notes_its_arguments(tmp_path, monkeypatch)
    git(tmp_path, "config", "--global", "url.git@git.example.com:.insteadOf", "https://git.example.com/")
    with pytest.raises(RemoteError, match="refused the credentials"):
        remotes_ready([dataclasses.replace(tree, url=url)])
    assert "-o BatchMode=yes" in arguments.read_text()


def test_an_ssh_command_of_the_users_own_is_kept(tree: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = _ssh_that_notes_its_arguments(tmp_path, monkeypatch)
    git(tmp_path, "config", "--global", "core.sshCommand", "ssh -i mine")
    with pytest.raises(RemoteError):
        remotes_ready([dataclasses.replace(tree, url="git@git.example.com:home/infra.git")])
    assert arguments.read_text().startswith("-i mine")


def test_a_missing_remote_is_said_with_how_to_make_it(tree: Target, server: GitServer) -> None:
    server.token = None
    missing = [
        dataclasses.replace(tree, url=str(tree.path.parent / "nothing.git")),
        dataclasses.replace(tree, url=f"{server.url}/nothing.git"),
    ]
    for target, how in zip(missing, (f"`git init --bare {missing[0].url}`", "in the web pages"), strict=True):
        with pytest.raises(RemoteError, match="there is no repository at") as caught:
            remotes_ready([target])
        assert how in (caught.value.fix or "")
        assert caught.value.where == target.url


def test_an_unreachable_remote_is_said(tree: Target) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        target = dataclasses.replace(tree, url=f"http://127.0.0.1:{closed.getsockname()[1]}/infra.git")
        with pytest.raises(RemoteError, match="can't be reached") as caught:
            remotes_ready([target])
    assert caught.value.exit_code == 4


def test_a_remote_that_goes_away_between_asking_and_pushing_is_resumed(workspace: Workspace) -> None:
    workspace.commit()
    answers = remotes_ready(workspace.targets)
    gone = workspace.remote("argocd").rename(workspace.root / "gone")
    with pytest.raises(RemoteError, match="there is no repository"):
        push(workspace.targets, state=workspace.state, run_id=RUN, progress=workspace.heard.append, answers=answers)
    gone.rename(workspace.remote("argocd"))
    workspace.push(RUN)
    assert workspace.remote_heads() == workspace.heads()
    assert workspace.run_branches() == []


def test_an_untrusted_certificate_is_said(tree: Target, tmp_path: Path) -> None:
    key, certificate = tmp_path / "tls.key", tmp_path / "tls.crt"
    self_signed(key, certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with GitServer(tmp_path / "remotes", tls=context) as server:
        with pytest.raises(RemoteError, match="can't be trusted") as caught:
            remotes_ready([dataclasses.replace(tree, url=f"{server.url}/infra.git")])
        assert "http.sslCAInfo" in (caught.value.fix or "")


def test_faults_of_several_remotes_are_told_at_once_the_gravest_first(workspace: Workspace) -> None:
    workspace.commit()
    workspace.push()
    targets = [
        dataclasses.replace(workspace.target("infra"), path=workspace.root / "new"),
        dataclasses.replace(workspace.target("apps"), url=str(workspace.root / "nothing.git")),
        workspace.target("argocd"),
    ]
    with pytest.raises(RemoteError, match="there is no repository"):
        remotes_ready(targets)
    with pytest.raises(ConflictError, match="would not contain"):
        remotes_ready([targets[0], targets[2]])


def test_nothing_of_a_push_reads_the_terminal(over_http: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a token git would ask on the terminal; here there is one, and nobody answers."""
    monkeypatch.delenv("FMC_GIT_TOKEN")
    program = """
import sys
from pathlib import Path
from generator.delivery.model import Target
from generator.delivery.remote.ready import remotes_ready
from generator.errors import RemoteError
try:
    remotes_ready([Target("infra", Path(sys.argv[1]), sys.argv[2], "main")])
except RemoteError as error:
    print("SAID", error.message)
"""
    target = over_http.target("infra")
    said = pexpect.run(f"{sys.executable} -c {shlex.quote(program)} {target.path} {target.url}", timeout=20).decode()
    assert "SAID" in said
    assert "refused the credentials" in said
    assert "Username" not in said


def test_the_authority_that_the_answers_name_is_trusted_for_its_server(workspace: Workspace, tmp_path: Path) -> None:
    key, certificate = tmp_path / "tls.key", tmp_path / "tls.crt"
    self_signed(key, certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with GitServer(tmp_path / "remotes", tls=context) as server:
        workspace.targets = [
            dataclasses.replace(target, url=f"{server.url}/{target.part}.git", authority=certificate.read_text())
            for target in workspace.targets
        ]
        workspace.commit()
        workspace.push(RUN)
    assert workspace.remote_heads() == workspace.heads()


class _Passing(QuietHandler):
    """One request through a proxy; `owner` is that."""

    owner: Proxy

    def do_GET(self) -> None:
        """Ask the server behind, whatever the name in the address (RFC 9112, 3.2.2)."""
        self.owner.passed.append(self.path)
        parts = urlsplit(self.path)
        connection = http.client.HTTPConnection(self.owner.behind)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "proxy-connection"}
        connection.request(self.command, f"{parts.path}?{parts.query}", self.body() or None, headers)
        answer = connection.getresponse()
        kept = ("Content-Type", "WWW-Authenticate")
        self.reply(
            answer.status, answer.read(), **{name: answer.headers[name] for name in kept if answer.headers[name]}
        )
        connection.close()

    do_POST = do_GET


class Proxy(LoopbackServer):
    """A proxy in front of one server, and what went through it."""

    handler = _Passing

    def __init__(self, behind: str) -> None:
        self.behind = behind
        self.passed: list[str] = []


def test_a_proxy_of_the_environment_is_used(
    workspace: Workspace, server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is known to the proxy alone."""
    monkeypatch.setenv("FMC_GIT_TOKEN", TOKEN)
    monkeypatch.setenv("FMC_GIT_USER", "ci")
    workspace.targets = [
        dataclasses.replace(target, url=f"http://git.nowhere.test/{target.part}.git") for target in workspace.targets
    ]
    workspace.commit()
    with Proxy(server.host) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        workspace.push(RUN)
    assert workspace.remote_heads() == workspace.heads()
    assert all(path.startswith("http://git.nowhere.test/") for path in proxy.passed)


# An ssh with the options that a person's configuration would have; of an option the first value counts.
_OWN_SSH = """#!/bin/sh
options=
while [ "$1" = -o ]; do options="$options -o $2"; shift 2; done
exec {ssh} $options -F /dev/null -i {folder}/user -o UserKnownHostsFile={folder}/none "$@"
"""


@pytest.mark.tools
def test_the_host_keys_that_the_answers_name_are_the_only_ones_that_count(
    tree: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "ssh"
    with ssh_server(require_tool("sshd"), folder) as (base, _):
        own = tmp_path / "bin" / "ssh"
        own.parent.mkdir()
        own.write_text(_OWN_SSH.format(ssh=shutil.which("ssh"), folder=folder))
        own.chmod(0o755)
        monkeypatch.setenv("PATH", f"{own.parent}:{os.environ['PATH']}")
        remote = dataclasses.replace(tree, url=f"{base}{tree.url}")
        with pytest.raises(RemoteError, match="the SSH host key"):
            remotes_ready([remote])
        line = (folder / "known_hosts").read_text().strip()
        assert remotes_ready([dataclasses.replace(remote, known_hosts=(line,))])
        wrong = " ".join([line.split()[0], *(folder / "user.pub").read_text().split()[:2]])
        with pytest.raises(RemoteError, match="the SSH host key"):
            remotes_ready([dataclasses.replace(remote, known_hosts=(wrong,))])
        # Lines about other servers leave this one to the files of this machine.
        with pytest.raises(RemoteError, match="the SSH host key"):
            remotes_ready([dataclasses.replace(remote, known_hosts=(line.replace("127.0.0.1", "git.example.com"),))])
