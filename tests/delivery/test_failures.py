"""What git, ssh and the forges say, turned into what happened and what helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.delivery.git.command import Output
from generator.delivery.git.failures import combined, local_error, remote_error
from generator.delivery.git.messages import printable, server_said
from generator.errors import BadInputError, ConflictError, RemoteError, ToolError

URL = "https://git.example.com/home/infra.git"
NO_READ = "fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\n"


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        (f"ERROR: Repository not found.\n{NO_READ}", "there is no repository"),
        (f"remote: Repository not found.\nfatal: repository '{URL}/' not found", "there is no repository"),
        ("remote: The project you were looking for could not be found.", "there is no repository"),
        ("fatal: '/srv/x.git' does not appear to be a git repository", "there is no repository"),
        (f"fatal: unable to access '{URL}/': The requested URL returned error: 403", "refused the credentials"),
        (f"remote: Write access to repository not granted.\nfatal: unable to access '{URL}/'", "refused the cred"),
        ("remote: Permission to home/infra.git denied to ada.", "refused the credentials"),
        (f"remote: HTTP Basic: Access denied.\nfatal: Authentication failed for '{URL}/'", "refused the credentials"),
        (f"git@git.example.com: Permission denied (publickey).\n{NO_READ}", "refused the credentials"),
        (f"fatal: could not read Username for '{URL}': terminal prompts disabled", "refused the credentials"),
        (f"No ED25519 host key is known.\nHost key verification failed.\n{NO_READ}", "the SSH host key"),
        (f"ssh: connect to host git.example.com port 22: Connection timed out\n{NO_READ}", "can't be reached"),
        ("ssh: Could not resolve hostname git.example.com: Name or service not known", "can't be reached"),
        ("fatal: unable to access 'x': Failed to connect to x port 443 after 2 ms: Couldn't connect", "be reached"),
        ('Timeout: the command "git ls-remote" did not complete in 30 secs.', "can't be reached"),
        ("fatal: unable to access 'x': server certificate verification failed. CAfile: none", "TLS connection"),
        ("fatal: unable to access 'x': The requested URL returned error: 502", "problem of its own"),
        ("fatal: detected dubious ownership in repository at '/srv/x.git'", "belongs to another user"),
        ("fatal: something new", "git, a hook or the server said:\nfatal: something new"),
    ],
)
def test_faults_of_remotes_are_told_apart(said: str, meaning: str) -> None:
    error = remote_error(URL, Output(128, b"", said))
    assert meaning in error.message
    assert error.fix
    assert error.where == URL


def test_an_unknown_local_fault_is_quoted(tmp_path: Path) -> None:
    error = local_error(tmp_path, "commit", Output(1, b"said on standard output", ""))
    assert isinstance(error, ToolError)
    assert error.message == "git can't commit; git or a hook said:\nsaid on standard output"


def test_several_errors_become_one_with_all_remedies_and_the_gravest_exit_code() -> None:
    error = combined([BadInputError("one", fix="a"), RemoteError("two", fix="b"), ConflictError("three", fix="a")])
    assert isinstance(error, RemoteError)
    assert error.message == "3 repositories can't be delivered:\n- two\n- three\n- one"
    assert error.fix == "b\n  a"


def test_foreign_output_is_made_fit_for_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMC_GIT_TOKEN", "s3cr3t")
    said = "\x1b]0;title\x07\x1b[31mred\x1b[0m\x08\nhint: advice\nhttps://ci:pw@host/x s3cr3t\r\n\n" + "line\n" * 30
    shown = printable(said).split("\n")
    assert shown[:2] == ["red", "https://host/x ***"]
    assert shown[-1] == "... and 20 more lines"
    assert len(printable("x" * 1000)) < 400


def test_only_the_servers_lines_are_the_servers() -> None:
    assert server_said("To x\nremote: one  \nremote: \nremote: two\nerror: failed to push") == "one\ntwo"
