"""The verbs beside `fmc new`: what they say, what they change, and what they end with."""

from __future__ import annotations

import base64
import json
import os
import re
import select
import shlex
import subprocess
from typing import TYPE_CHECKING, Any

import click
import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from docs.generate import commands
from generator import __version__
from generator.cli.verbs import VERBS
from generator.secrets.vault.keys import certificate_fingerprint, generate_sealing_key
from tests.pipeline.world import EXAMPLE, FMC, ROOT, World, answers, tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "argocd/git-credentials"
MANIFEST = "argocd/secrets/traefik/traefik-dashboard-auth.sealed.yaml"


# -- Help --------------------------------------------------------------------------------------------------------------


def test_what_a_verb_does_is_told_once_and_shown_in_the_list_and_first_in_its_own_help() -> None:
    code = "".join(path.read_text() for path in (ROOT / "generator" / "cli").glob("*.py"))
    for verb, (_, line) in VERBS.items():
        assert (commands()[verb].help or "").startswith(f"{line}\n\n")
        assert code.count(line.rstrip(".")) == 1, line


@pytest.mark.parametrize(
    "name", [name for name, command in commands().items() if command.help and "Examples" in command.help]
)
def test_examples_are_commands_that_exist(name: str) -> None:
    known = commands()
    text = (known[name].help or "").partition("Examples:\n")[2].partition("\n\n")[0]
    commands_of_line = [re.findall(r"\bfmc (?:(?! {3}|[|)&>]).)*", line) for line in text.splitlines()]
    assert all(commands_of_line)
    examples = [example for found in commands_of_line for example in found]
    assert examples
    for example in examples:
        program, *words = shlex.split(example)
        assert program == "fmc"
        verb = next(verb for verb in (" ".join(words[:2]), words[0]) if verb in known)
        assert verb.startswith(name)
        # Raises for an option, an argument or a choice that there is not.
        known[verb].make_context(verb, words[len(verb.split()) :])


def test_every_command_has_help_on_one_page(world: World) -> None:
    for name, command in commands().items():
        done = world.fmc(*name.split(), "--help")
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith(f"Usage: fmc {name}".rstrip())
        assert max(map(len, done.out.splitlines())) <= 100
        assert command.help
        if name in VERBS:
            assert "Examples:\n" in done.out
        for option in command.params:
            assert not isinstance(option, click.Option) or option.help, (name, option.name)


def test_the_help_names_groups_and_exit_codes(world: World) -> None:
    done = world.fmc("-h")
    for group in ("Start:", "Work:", "Help:"):
        assert f"\n{group}\n" in done.out
    assert "0 done, 1 findings, 2 bad input, 3 a person has to decide" in done.out
    assert world.fmc("--version").out == f"fmc {__version__}\n"


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("chek", "Did you mean 'check'?"),
        ("seel", "Did you mean 'seal'?"),
        ("secret lst", "'list'"),
        ("new --pus", "--push"),
        ("check --output yaml", "'text', 'json'"),
        ("secret set", "NAMESPACE/NAME"),
        ("secret set argocd/x y z", "z"),
        ("frobnicate", "there is no command 'frobnicate'"),
    ],
)
def test_a_mistyped_command_is_answered_with_the_nearest_one(world: World, typed: str, hint: str) -> None:
    done = world.fmc(*typed.split())
    assert (done.code, done.out) == (2, "")
    assert hint in done.err


# -- check -------------------------------------------------------------------------------------------------------------


def test_check_finds_nothing_in_what_new_made(pushed: World) -> None:
    before = tree(pushed.folder)
    for where in (pushed.workspace, pushed.workspace / "infra", pushed.workspace / "argocd" / "secrets"):
        done = pushed.fmc("check", cwd=where)
        assert done.code == 0, done.err
        assert re.search(r"^Checked \d+ files, \d+ manifests \(\w+\): 0 errors, 1 warning\.$", done.out, re.MULTILINE)
        assert done.out.splitlines()[-1] == "Next: fmc push"
    assert tree(pushed.folder) == before


def test_check_tells_json_readers_the_same(pushed: World) -> None:
    (pushed.workspace / MANIFEST).unlink()
    (pushed.workspace / "apps" / "broken.yaml").write_text("a: 1\na: 2\n")
    done = pushed.fmc("check", "--output", "json", cwd=pushed.workspace)
    assert done.code == 1
    document = json.loads(done.out)
    errors = [(found["file"], found["line"]) for found in document["findings"] if found["severity"] == "error"]
    assert ("apps/broken.yaml", 2) in errors
    assert all(found["message"] and found["rule"] for found in document["findings"])
    text = pushed.fmc("check", cwd=pushed.workspace)
    assert text.code == 1
    assert "apps/broken.yaml:2: error:" in text.err
    assert text.out.splitlines()[-1] == "Next: correct them, then `fmc check`"


def test_check_without_the_identity_says_that_it_saw_less(pushed: World) -> None:
    done = pushed.fmc("check", cwd=pushed.workspace, env={"FMC_IDENTITY": str(pushed.folder / "nowhere")})
    assert done.code == 0
    assert "warning: the vault can't be opened, so that leaks are searched by their patterns alone" in done.err


def test_check_of_answers_alone(world: World) -> None:
    done = world.fmc("check", "--answers", str(EXAMPLE))
    assert done.code == 0
    assert f"{EXAMPLE} is good: cluster home, 11 machines." in done.out
    assert f"Next: fmc new --answers {EXAMPLE}" in done.out
    done = world.fmc("check", "--answers", str(EXAMPLE), "--set", "timezone=Mars/Base", "--output", "json")
    assert done.code == 2
    assert [found["path"] for found in json.loads(done.out)["findings"]] == ["timezone"]
    assert not world.workspace.exists()


@pytest.mark.parametrize("verb", ["check", "push", "seal", "secret list", f"secret set {TOKEN}", "keys export"])
def test_outside_of_a_workspace(pushed: World, verb: str) -> None:
    """Not even next to one: what lies nearby is nobody's business."""
    (pushed.folder / "workspace" / "argocd").rename(pushed.folder / "argocd")
    elsewhere = pushed.folder / "elsewhere"
    elsewhere.mkdir()
    done = pushed.fmc(*verb.split(), cwd=elsewhere)
    assert done.code == 2
    assert f"there is no workspace here: neither {elsewhere} nor a folder above it" in done.err
    assert "--workspace" in done.err


def test_a_workspace_of_two_clusters_is_refused(pushed: World) -> None:
    other = answers(pushed.folder, name="other", layout="apps")
    assert pushed.fmc("new", "--answers", str(other), "--yes", "--workspace", str(pushed.folder / "other")).code == 0
    (pushed.workspace / "apps").rename(pushed.folder / "moved")
    (pushed.folder / "other" / "apps").rename(pushed.workspace / "apps")
    done = pushed.fmc("push", cwd=pushed.workspace)
    assert done.code == 2
    assert "holds repositories of different clusters: home, other" in done.err


# -- seal and secret ---------------------------------------------------------------------------------------------------


def test_seal_has_nothing_to_do_after_new(pushed: World) -> None:
    before = tree(pushed.workspace)
    done = pushed.fmc("seal", cwd=pushed.workspace)
    assert done.code == 0
    assert re.search(r"^5 unchanged\. Sealing key SHA256:\S+\.$", done.out, re.MULTILINE)
    assert done.out.splitlines()[-1] == "Nothing to do."
    assert f"FMC_GIT_READ_TOKEN, or type it into `fmc secret set {TOKEN} token`" in done.err
    assert tree(pushed.workspace) == before


def test_seal_restores_what_was_lost(pushed: World) -> None:
    before = tree(pushed.workspace)
    (pushed.workspace / MANIFEST).unlink()
    done = pushed.fmc("seal", "--output", "json", cwd=pushed.workspace)
    assert done.code == 0
    document = json.loads(done.out)
    assert document["written"] == [MANIFEST.removeprefix("argocd/")]
    assert (document["made"], document["changed"], document["pending"]) == ([], [], [TOKEN])
    assert tree(pushed.workspace) == before


def test_a_value_is_set_sealed_and_pushed(pushed: World) -> None:
    assert states(pushed)[TOKEN] == "pending"
    given = pushed.fmc("secret", "set", TOKEN, "token", cwd=pushed.workspace, stdin="s3cret-of-the-forge\n")
    assert (given.code, given.out) == (0, f"{TOKEN}: token is in the vault. Next: fmc seal\n")
    assert states(pushed)[TOKEN] == "unsealed"
    again = pushed.fmc("secret", "set", TOKEN, cwd=pushed.workspace, stdin="s3cret-of-the-forge")
    assert (again.code, again.out) == (0, f"{TOKEN}: token is what the vault has already. Nothing to do.\n")
    sealed = pushed.fmc("seal", cwd=pushed.workspace)
    assert sealed.code == 0
    assert sealed.out.splitlines()[0] == f"made: {TOKEN}"
    assert sealed.out.splitlines()[-1] == "Next: fmc check, then fmc push"
    found = states(pushed)
    assert (found.pop("machines/k3s"), set(found.values())) == ("kept", {"sealed"})
    assert pushed.fmc("check", cwd=pushed.workspace).code == 0
    done = pushed.fmc("push", "--output", "json", cwd=pushed.workspace)
    assert done.code == 0
    assert {part["part"]: part["changed"] for part in json.loads(done.out)["delivered"]} == {
        "infra": False,
        "apps": False,
        "argocd": True,
    }
    assert pushed.git("log", "-1", "--format=%s", "main", cwd=pushed.remote("argocd")) == "Seal secrets"
    assert pushed.published() == pushed.local()


def test_push_leaves_other_changes_to_the_user(pushed: World) -> None:
    references = pushed.references()
    (pushed.workspace / MANIFEST).unlink()
    (pushed.workspace / "argocd" / "notes.md").write_text("Mine.\n")
    done = pushed.fmc("push", cwd=pushed.workspace)
    assert done.code == 2
    assert "has changes that are not committed" in done.err
    assert pushed.references() == references


def states(world: World) -> dict[str, str]:
    done = world.fmc("secret", "list", "--output", "json", cwd=world.workspace)
    assert done.code == 0
    rows: list[dict[str, Any]] = json.loads(done.out)["secrets"]
    assert all(row["consumers"] and row["generator"] for row in rows)
    return {row["secret"]: row["state"] for row in rows}


def test_the_list_of_secrets_is_a_table(pushed: World) -> None:
    done = pushed.fmc("secret", "list", cwd=pushed.workspace)
    assert done.code == 0
    rows = [line.split() for line in done.out.splitlines() if "/" in line]
    assert [TOKEN, "token", "external", "pending", "Deployment/argocd-repo-server"] in rows
    assert len(rows) == 8
    assert ["machines/k3s", "agent-token", "token"] in [row[:3] for row in rows]


@pytest.mark.parametrize(
    ("named", "stdin", "message", "fix"),
    [
        ("argocd/git-credential", "value-of-mine", "has no secret argocd/git-credential", f"Did you mean {TOKEN}?"),
        (f"{TOKEN} tokn", "value-of-mine", "tokn", "token"),
        ("traefik/wildcard-tls", "value-of-mine", "has no value that can be set by hand", ""),
        (TOKEN, "", "empty", ""),
    ],
)
def test_a_value_that_cannot_be_set(pushed: World, named: str, stdin: str, message: str, fix: str) -> None:
    before = tree(pushed.workspace)
    done = pushed.fmc("secret", "set", *named.split(), cwd=pushed.workspace, stdin=stdin)
    assert done.code == 2
    assert message in done.err
    assert fix in done.err
    assert "value-of-mine" not in done.all
    assert tree(pushed.workspace) == before


# -- keys --------------------------------------------------------------------------------------------------------------


def test_the_sealing_keys_go_into_a_pipe(pushed: World) -> None:
    before = tree(pushed.folder)
    done = pushed.run(str(FMC), "keys", "export", cwd=pushed.workspace / "argocd")
    assert (done.code, done.err) == (0, "")
    (secret,) = json.loads(done.out)["items"]
    certificate = (pushed.workspace / "argocd/secrets/sealing-cert.pem").read_bytes()
    assert base64.b64decode(secret["data"]["tls.crt"]) == certificate
    assert tree(pushed.folder) == before


def test_the_sealing_keys_are_not_shown_on_a_terminal(pushed: World) -> None:
    import pexpect

    shown, code = pexpect.run(
        f"{FMC} keys export", cwd=str(pushed.workspace), env=pushed.environment, encoding="utf-8", withexitstatus=True
    )
    assert code == 2
    assert "not shown on a terminal" in shown
    assert "fmc keys export | kubectl apply --server-side -f -" in shown
    assert "tls.key" not in shown


@pytest.mark.parametrize("command", ["keys export", "secret show argocd/argocd-secret"])
def test_a_file_that_a_secret_is_printed_to_is_the_owners_alone(pushed: World, command: str) -> None:
    """Faults E13: `fmc keys export > f` left a private key that everybody could read."""
    file = pushed.folder / "printed"
    done = pushed.run("sh", "-c", f"umask 022; {FMC} {command} > {file}", cwd=pushed.workspace)
    assert (done.code, "mode 0600" in done.err) == (0, True)
    assert (file.stat().st_mode & 0o777, file.stat().st_size > 20) == (0o600, True)


def test_a_value_is_shown_into_a_pipe(pushed: World) -> None:
    """Faults C5: nothing printed the password that one logs in to Argo CD with."""
    before = tree(pushed.folder)
    done = pushed.run(str(FMC), "secret", "show", "argocd/argocd-secret", cwd=pushed.workspace)
    assert (done.code, done.err) == (0, "")
    assert re.fullmatch(r"[\w-]{32}\n", done.out)
    assert tree(pushed.folder) == before
    refused = pushed.fmc("secret", "show", "argocd/argocd-secret", "--output", "json", cwd=pushed.workspace)
    assert refused.code == 2


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 130)])
def test_on_a_terminal_a_value_is_shown_after_a_question(pushed: World, answer: str, code: int) -> None:
    import pexpect

    password = pushed.run(str(FMC), "secret", "show", "argocd/argocd-secret", cwd=pushed.workspace).out.strip()
    command = f"{FMC} secret show argocd/argocd-secret"
    child = pexpect.spawn(command, cwd=str(pushed.workspace), env=pushed.environment, encoding="utf-8")
    child.expect(r"Show admin of argocd/argocd-secret in the clear, here\? \[y/N\]:")
    assert password not in child.before
    child.sendline(answer)
    rest = child.read()
    child.close()
    assert (child.exitstatus, password in rest) == (code, answer == "y")


def test_a_vault_that_was_brought_back_publishes_nothing_old(pushed: World) -> None:
    """Faults E1, by the verbs: copy the vault, set a token, seal, push; put the copy back; seal, push."""
    vault = pushed.workspace / "vault.age"
    copy = vault.read_bytes()
    assert pushed.fmc("secret", "set", TOKEN, cwd=pushed.workspace, stdin="the-newer-token\n").code == 0
    assert pushed.fmc("seal", cwd=pushed.workspace).code == 0
    assert pushed.fmc("push", cwd=pushed.workspace).code == 0
    delivered = tree(pushed.workspace / "argocd")
    vault.write_bytes(copy)
    checked = pushed.fmc("check", cwd=pushed.workspace)
    assert (checked.code, "[secrets/vault-behind]" in checked.err) == (0, True)
    # The work tree is set back, too: what the remote branch has still counts.
    pushed.git("checkout", "--quiet", "HEAD~1", "--", "secrets", cwd=pushed.workspace / "argocd")
    sealed = pushed.fmc("seal", cwd=pushed.workspace)
    assert (sealed.code, f"taken over from Git: {TOKEN}: token" in sealed.out) == (0, True)
    pushed.git("reset", "--quiet", cwd=pushed.workspace / "argocd")
    assert tree(pushed.workspace / "argocd") == delivered
    assert pushed.fmc("push", cwd=pushed.workspace).code == 0
    shown = pushed.run(str(FMC), "secret", "show", TOKEN, cwd=pushed.workspace)
    assert shown.out == "the-newer-token\n"


def test_a_damaged_vault_is_an_error(pushed: World) -> None:
    """Faults E16: `fmc check` ended with "Next: fmc push"."""
    vault = pushed.workspace / "vault.age"
    vault.write_bytes(vault.read_bytes()[:-200])
    done = pushed.run(str(FMC), "check", cwd=pushed.workspace)
    assert (done.code, "[secrets/vault]" in done.err, "fmc push" in done.out) == (1, True, False)
    assert pushed.run(str(FMC), "push", cwd=pushed.workspace).code == 1


def test_keys_that_do_not_open_what_is_in_git_are_not_given_away(pushed: World) -> None:
    foreign = generate_sealing_key(2048).certificate
    own = (pushed.workspace / "argocd/secrets/sealing-cert.pem").read_bytes()
    (pushed.workspace / "argocd/secrets/sealing-cert.pem").write_text(foreign)
    done = pushed.fmc("keys", "export", cwd=pushed.workspace)
    assert (done.code, done.out) == (2, "")
    for certificate in (foreign.encode(), own):
        assert certificate_fingerprint(certificate) in done.err


def test_the_ssh_key_goes_into_the_answers_as_it_is_printed(world: World, tmp_path: Path) -> None:
    made = world.fmc("keys", "ssh", "--cluster", "home")
    assert (made.code, (world.home / ".ssh/id_ed25519_home").stat().st_mode & 0o777) == (0, 0o600)
    assert made.err.splitlines()[-1] == "Its public half, for the answer ssh_public_key:"
    answers = tmp_path / "answers.yaml"
    kept = [line for line in EXAMPLE.read_text().splitlines() if not line.startswith("ssh_public_key:")]
    answers.write_text("\n".join([*kept, f"ssh_public_key: {made.out}"]))
    assert world.fmc("check", "--answers", str(answers)).code == 0
    again = json.loads(world.fmc("keys", "ssh", "--cluster", "home", "--output", "json").out)
    assert (again["public_key"], again["answer"], again["made"]) == (made.out.strip(), "ssh_public_key", False)
    (world.home / ".ssh/id_ed25519_home").chmod(0o644)
    opened = world.fmc("keys", "ssh", "--cluster", "home").err
    assert f"run `chmod 600 {world.home}/.ssh/id_ed25519_home`" in opened


def test_the_ssh_key_is_that_of_the_workspace(pushed: World) -> None:
    assert pushed.fmc("keys", "ssh", cwd=pushed.workspace / "infra").code == 0
    assert (pushed.home / ".ssh/id_ed25519_home.pub").read_text().endswith(" fmc-home\n")


@pytest.mark.parametrize("way", ["in a terminal", "later"])
def test_a_passphrase_is_asked_for_in_a_terminal_alone(world: World, way: str) -> None:
    import pexpect

    file = world.folder / "key"
    refused = world.fmc("keys", "ssh", "--file", str(file), "--passphrase", stdin="correct horse\n")
    assert (refused.code, file.exists()) == (2, False)
    if way == "later":
        assert "`ssh-keygen -p -f FILE`" in refused.err
        assert world.fmc("keys", "ssh", "--file", str(file)).code == 0
        world.run("ssh-keygen", "-p", "-f", str(file), "-N", "correct horse", "-P", "")
    else:
        command = f"{FMC} keys ssh --file {file} --passphrase"
        child = pexpect.spawn(command, cwd=str(world.folder), env=world.environment, encoding="utf-8")
        for prompt in ("Passphrase of", "Repeat"):
            child.expect(prompt)
            child.sendline("correct horse")
        assert "correct horse" not in child.read()
        child.close()
        assert child.exitstatus == 0
    assert load_ssh_private_key(file.read_bytes(), b"correct horse")


# -- the terminal ------------------------------------------------------------------------------------------------------


@pytest.fixture
def terminal(world: World) -> Iterator[Terminal]:
    made = Terminal(world)
    yield made
    made.close()


class Terminal:
    """A terminal that shows what a command prints."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._screen, self._stdout = os.openpty()

    def shows(self, *arguments: str, **variables: str) -> str:
        environment = {**self._world.environment, "TERM": "xterm-256color", **variables}
        command = [str(FMC), *arguments]
        subprocess.run(command, cwd=self._world.folder, env=environment, stdout=self._stdout, check=False, timeout=60)
        # A command that prints nothing is a failed test, not one that never ends.
        printed, _, _ = select.select([self._screen], [], [], 10)
        return os.read(self._screen, 1 << 16).decode() if printed else ""

    def close(self) -> None:
        os.close(self._screen)
        os.close(self._stdout)


def test_a_terminal_is_used_and_colours_are_left_out_when_asked(terminal: Terminal) -> None:
    styles, colours = re.compile(r"\x1b\[1m"), re.compile(r"\x1b\[(?:[0-9]+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]")
    assert styles.search(terminal.shows("doctor"))
    assert not colours.search(terminal.shows("doctor", NO_COLOR="1"))
    assert not colours.search(terminal.shows("doctor", "--no-color"))


def test_a_value_that_the_next_seal_would_undo_is_refused(pushed: World) -> None:
    stale = {"FMC_GIT_READ_TOKEN": "the-old-one-of-the-forge"}
    before = tree(pushed.workspace)
    done = pushed.fmc("secret", "set", TOKEN, cwd=pushed.workspace, stdin="s3cret-of-the-forge", env=stale)
    assert done.code == 2
    assert "FMC_GIT_READ_TOKEN is set in this shell" in done.err
    assert "unset FMC_GIT_READ_TOKEN" in done.err
    assert tree(pushed.workspace) == before
    same = {"FMC_GIT_READ_TOKEN": "s3cret-of-the-forge"}
    assert pushed.fmc("secret", "set", TOKEN, cwd=pushed.workspace, stdin="s3cret-of-the-forge", env=same).code == 0


def test_a_value_is_typed_without_being_shown(pushed: World) -> None:
    import pexpect

    arguments = ["secret", "set", TOKEN, "token"]
    child = pexpect.spawn(
        str(FMC), arguments, cwd=str(pushed.workspace), env=pushed.environment, encoding="utf-8", timeout=30
    )
    child.expect(f"Value of {TOKEN}")
    child.sendline("s3cret-of-the-forge")
    child.expect("[Rr]epeat")
    child.sendline("s3cret-of-the-forge")
    child.expect("is in the vault")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    is_kept = b"s3cret-of-the-forge" in pushed.needles()
    assert is_kept
    shown = pushed.fmc("secret", "list", cwd=pushed.workspace)
    assert "unsealed" in shown.out
