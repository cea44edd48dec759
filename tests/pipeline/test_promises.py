"""What `fmc` promises: equal input gives equal bytes, no secret gets out, nothing is reported that is not there."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
from pathlib import PurePath
from typing import TYPE_CHECKING

import pytest

from generator.secrets.vault.keys import generate_sealing_key
from generator.workspace import PARTS
from tests.pipeline import spy_driver
from tests.pipeline.world import ROOT, Finished, World, answers
from tests.secrets.test_adopt import secret, text
from tests.secrets.test_import_keys import secret as key_secret

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FirstRun = tuple[World, Finished]
_HOOK = """#!/bin/sh
{ echo "$0 $*"; env; tr '\\0' ' ' < /proc/$PPID/cmdline; } >> "$DUMP"
"""


def test_the_same_answers_and_vault_give_the_same_bytes(first_run: FirstRun, tmp_path: Path) -> None:
    before, _ = first_run
    world = World(tmp_path / "elsewhere" / "world").make()
    shutil.copytree(before.home, world.home, dirs_exist_ok=True)
    world.workspace.mkdir()
    shutil.copy(before.vault, world.vault)
    done = world.new("--push", env={"TZ": "Pacific/Kiritimati", "LANG": "C", "PYTHONHASHSEED": "7", "COLUMNS": "40"})
    assert done.code == 0, done.err
    assert world.published() == before.published()
    assert world.vault.read_bytes() == before.vault.read_bytes()
    for part in PARTS:
        # The tree's id covers names, contents and modes.
        trees = [one.git("rev-parse", "main^{tree}", cwd=one.remote(part)) for one in (before, world)]
        assert trees[0] == trees[1]


def test_another_vault_gives_other_secrets_and_the_same_files(first_run: FirstRun, world: World) -> None:
    before, _ = first_run
    assert world.new().code == 0
    # Counted, since a failure would show them.
    shared = len(set(world.needles()) & set(before.needles()))
    assert shared == 0
    for part, files in before.published().items():
        made = world.local()[part]
        assert made.keys() == files.keys()
        differing = {name for name in files if made[name] != files[name]}
        assert differing == {
            name for name in files if name.startswith("secrets/") and name.endswith((".sealed.yaml", ".pem"))
        }


class Spied:
    """A machine on which everything that a program is given, shown or leaves behind is kept for a search.

    Attributes:
        world: The machine.
        shown: What fmc printed.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.shown = b""
        self._record = world.folder / "record"
        self._dump = world.folder / "dump"
        self._hooks = world.folder / "hooks"
        self._hooks.mkdir()
        for name in ("pre-commit", "commit-msg", "post-commit", "pre-push", "reference-transaction"):
            (self._hooks / name).write_text(_HOOK)
            (self._hooks / name).chmod(0o755)

    def fmc(self, *arguments: str, stdin: str = "", token: str = "", env: Mapping[str, str] | None = None) -> Finished:
        """Run fmc below the spy, with hooks that dump their environment as a careless user's would."""
        hooks = {
            "DUMP": str(self._dump),
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_1": "core.hooksPath",
            "GIT_CONFIG_VALUE_1": str(self._hooks),
        }
        command = (sys.executable, spy_driver.__file__, str(self._record), *arguments)
        variables = {**hooks, "PYTHONPATH": str(ROOT), "FMC_GIT_READ_TOKEN": token}
        done = self.world.run(*command, stdin=stdin, env={**variables, **(env or {})})
        self.shown += os.fsencode(done.all)
        return done

    def haystacks(self) -> dict[str, bytes]:
        """Everything that may hold no secret, by where it is."""
        world = self.world
        private = {world.vault, world.identity, world.identity.with_name("recovery-identity.txt")}
        places = {
            str(path.relative_to(world.folder)): path.read_bytes()
            for path in world.folder.rglob("*")
            if path.is_file() and path not in private
        }
        repositories = [world.remote(part) for part in PARTS] + [world.workspace / part for part in PARTS]
        for repository in repositories:
            objects = world.run("git", "cat-file", "--batch-all-objects", "--batch", "--unordered", cwd=repository)
            places[f"objects of {repository}"] = os.fsencode(objects.out)
        return {**places, "output": self.shown}

    def starts(self) -> list[list[str]]:
        """The programs that fmc started: the arguments of each."""
        return [json.loads(line)[0] for line in self._record.read_text().splitlines()]


def test_no_secret_gets_out(world: World) -> None:
    spied = Spied(world)
    tokens = ["forge-" + secrets.token_hex(20) for _ in range(2)]
    here = ("--workspace", str(world.workspace))
    assert spied.fmc(*world.command_new(), "--push", token=tokens[0]).code == 0
    assert spied.fmc("secret", "list", *here).code == 0
    assert spied.fmc("secret", "set", "argocd/git-credentials", *here, stdin=tokens[1]).code == 0
    assert spied.fmc("secret", "list", "--output", "json", *here).code == 0
    assert spied.fmc("check", *here).code == 1
    assert spied.fmc("seal", *here, token=tokens[1]).code == 0
    assert spied.fmc("check", "--output", "json", *here, token=tokens[1]).code == 0
    assert spied.fmc("push", *here, token=tokens[1]).code == 0
    assert spied.fmc("doctor").code <= 1  # as this machine has an operator's programs, or not

    identity = next(line for line in world.identity.read_text().splitlines() if line.startswith("AGE-SECRET-KEY-"))
    needles = {*world.needles(), *(token.encode() for token in tokens), identity.encode()}
    count = len(needles)
    assert count > 50
    haystacks = spied.haystacks()
    assert [place for place, content in haystacks.items() if any(needle in content for needle in needles)] == []
    # The search looked where there was something to see.
    assert b"encryptedData" in haystacks["workspace/argocd/secrets/argocd/git-credentials.sealed.yaml"]
    assert any(b"encryptedData" in content for place, content in haystacks.items() if place.startswith("objects of"))
    assert {"commit", "push", "ls-remote"} <= {start[1] for start in spied.starts() if start[0].endswith("git")}
    assert b"FMC_IDENTITY" in haystacks["dump"]
    assert b"GIT_CONFIG_COUNT" in haystacks["record"]


_CLIPBOARD = """#!/bin/sh
cat > "$0.holds"
"""
_PASTE = """#!/bin/sh
cat "${0%wl-paste}wl-copy.holds"
"""
_EDITOR = """#!/bin/sh
cat "$0.writes" > "$1"
"""


def helpers(folder: Path, written: str) -> dict[str, str]:
    """Make an editor that writes that text, and a clipboard; return the variables by which they are found."""
    for name, script in (("wl-copy", _CLIPBOARD), ("wl-paste", _PASTE), ("editor", _EDITOR)):
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    (folder / "editor.writes").write_text(written)
    return {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "WAYLAND_DISPLAY": "wayland-0",
        "VISUAL": str(folder / "editor"),
        "XDG_RUNTIME_DIR": str(folder),
    }


def test_no_verb_that_touches_values_lets_one_out(pushed: World, tmp_path: Path) -> None:
    """A sentinel goes in by each way there is; rotated, rekeyed, merged, backed up and drilled, none is seen."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    sentinels = {way: "sentinel-" + secrets.token_hex(16) for way in ("set", "rotated", "edited", "imported")}
    environment, spied = helpers(elsewhere, sentinels["edited"]), Spied(pushed)
    needles = {sentinel.encode() for sentinel in sentinels.values()}
    other = elsewhere / "vault.age"
    shutil.copy(pushed.vault, other)

    def run(*arguments: str, stdin: str = "", here: bool = True) -> None:
        place = ("--workspace", str(pushed.workspace)) if here else ()
        done = spied.fmc(*arguments, *place, stdin=stdin, env=environment)
        assert done.code == 0, (arguments, done.err)
        needles.update(pushed.needles())

    token, backup = "argocd/git-credentials", pushed.folder / "home.age"
    run("secret", "set", token, stdin=sentinels["set"])
    run("rotate", token, stdin=sentinels["rotated"])
    run("secret", "edit", token)
    imported = secret("imported", {"password": sentinels["imported"].encode()}, metadata={"namespace": "hello-staging"})
    run("secret", "import", "-", stdin=text(imported).decode())
    key = generate_sealing_key(2048)
    needles.add(key.private_key.reveal())
    run("keys", "import", "/dev/stdin", stdin=json.dumps(key_secret(key)))
    run("seal")
    pushed.commit("argocd", {})
    run("push")
    run("rotate", "--all")
    run("renew", "--all")
    run("keys", "rekey")
    run("keys", "rekey", "--loaded")
    run("recover", str(pushed.workspace / "argocd/secrets/argocd/git-credentials.sealed.yaml"))
    run("vault", "merge", str(other))
    run("secret", "history", token)
    run("secret", "show", token, "--clipboard", "--clear-after", "0")
    assert (elsewhere / "wl-copy.holds").read_text() == sentinels["edited"]
    run("backup", str(backup))
    run("restore", str(backup), "--workspace", str(pushed.folder / "again"), here=False)
    run("drill", str(backup), "--level", "restore", here=False)
    haystacks = spied.haystacks()
    assert len(needles) > 60
    # Counted, since a failure would show them.
    assert [place for place, content in haystacks.items() if any(needle in content for needle in needles)] == []
    assert {"wl-copy", "editor"} <= {PurePath(start[0]).name for start in spied.starts()}
    assert any(place.startswith("again/") for place in haystacks)


def test_a_secret_in_an_answer_is_not_committed(world: World) -> None:
    token = "ops-" + secrets.token_hex(8)
    careless = answers(world.folder, email=f"{token}@example.com")
    done = world.new("--push", answers=careless, env={"FMC_GIT_READ_TOKEN": token})
    assert done.code == 1
    assert "a secret of the vault stands here in the clear" in done.err
    assert token not in done.all
    assert {path.name for path in world.workspace.iterdir()} == {"vault.age"}
    assert world.tips() == {}
    # Without the secret in it, the same command goes on.
    assert world.new("--push", env={"FMC_GIT_READ_TOKEN": token}).code == 0


def test_a_secret_in_a_commit_is_not_pushed(pushed: World) -> None:
    references = pushed.references()
    leak = max(pushed.needles(), key=len).decode()
    pushed.commit("apps", {"notes.md": f"Password: {leak}\n"})
    pushed.commit("apps", {"notes.md": "Removed again.\n"})
    for verb in (("push",), ("check",), (*pushed.command_new(), "--push")):
        done = pushed.fmc(*verb, cwd=pushed.workspace)
        assert done.code == 1, verb
        message = "apps/notes.md:1: error: a secret of the vault stands here in the clear, and a push would publish it"
        assert f"{message} [leaks/vault]" in done.err
        assert "Take it out of the history" in done.err
        assert pushed.references() == references


def test_a_secret_in_a_message_is_not_pushed(pushed: World) -> None:
    references = pushed.references()
    leak = max(pushed.needles(), key=len).decode()
    pushed.git("commit", "--quiet", "--allow-empty", "--message", f"Use {leak}", cwd=pushed.workspace / "infra")
    done = pushed.fmc("push", cwd=pushed.workspace)
    assert done.code == 1
    assert "infra/commit " in done.err
    assert pushed.references() == references


@pytest.mark.parametrize("part", PARTS)
def test_what_a_server_takes_back_is_not_reported(world: World, part: str) -> None:
    """A post-receive hook that moves the branch away: the push itself succeeds."""
    hook = world.remote(part) / "hooks" / "post-receive"
    hook.write_text("#!/bin/sh\ngit update-ref -d refs/heads/main\n")
    hook.chmod(0o755)
    done = world.new("--push")
    assert done.code == 4
    assert f"{part}: pushed" not in done.err
    assert f"https://git.example.com/home/{part}.git" in done.err
    assert done.out == ""
    # argocd comes last: the cluster would act on it.
    assert set(world.tips()) == set(PARTS) - {part} - {"argocd"}
    hook.unlink()
    done = world.new("--push")
    assert done.code == 0, done.err
    assert world.published() == world.local()
