"""Bad input and faults: a message with its fix, the right exit code, and nothing half-written."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from generator.workspace import PARTS
from tests.conftest import skip_or_fail
from tests.pipeline.world import FMC, ROOT, Finished, World, answers, tree

if TYPE_CHECKING:
    from collections.abc import Iterator

BAD_INPUT, CONFLICT, FAILED = 2, 3, 4


def assert_nothing_was_written(world: World) -> None:
    """Assert that a first run left neither a workspace nor an identity nor anything on the remotes."""
    assert not world.workspace.exists()
    assert list(world.home.iterdir()) == []
    assert list((world.folder / "tmp").iterdir()) == []
    assert "".join(world.references().values()) == ""


class Unchanged:
    """What a run that is refused must leave as it was: workspace, commits, identities and remotes."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.before = self._now()

    def check(self) -> None:
        assert self._now() == self.before

    def _now(self) -> tuple[object, ...]:
        world = self.world
        heads = {git.parent.name: world.git("log", "-1", cwd=git.parent) for git in world.workspace.glob("*/.git")}
        return tree(world.workspace), heads, tree(world.home), world.references()


# -- The answers -------------------------------------------------------------------------------------------------------


def test_an_unknown_answer_is_named_with_the_nearest_known_one(world: World) -> None:
    given = answers(world.folder, timezon="Europe/Madrid", domain="not a domain", counts="{masters: 2}")
    done = world.new("--push", answers=given)
    assert done.code == BAD_INPUT
    places = {
        line.split(":")[1] for line in done.err.splitlines() if line.startswith(given.name) or f"{given}:" in line
    }
    assert len(places) == 3, "all findings come at once, each with its line"
    assert "Did you mean timezone?" in done.err
    assert "fmc: 3 answers are wrong in " in done.err
    assert_nothing_was_written(world)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "can't read {}: No such file or directory"),
        (b"", "{} is empty"),
        (b"# only a comment\n", "{} is empty"),
        (bytes(range(256)) * 40, "{} is not text in UTF-8 ({}:2)"),
        (b"name: home\n" + b"# padding\n" * (1 << 20), "{} is larger than 1 MiB"),
        (b"name: [home\n", "{} is not YAML: "),
        (b"- name\n", "{} is not a mapping ({}:1)"),
    ],
    ids=["missing", "empty", "comments", "binary", "10 MB", "broken", "list"],
)
def test_an_answers_file_that_cannot_be_used(world: World, content: bytes | None, message: str) -> None:
    given = world.folder / "given.yaml"
    if content is not None:
        given.write_bytes(content)
    started = time.monotonic()
    done = world.new("--push", answers=given)
    assert done.code == BAD_INPUT
    assert time.monotonic() - started < 10
    _, found, fix = done.err.rstrip().split("\n")
    assert found.startswith("fmc: " + message.format(given, given))
    assert fix.endswith(".")
    assert_nothing_was_written(world)


def test_an_answers_file_that_cannot_be_read(world: World) -> None:
    (world.folder / "loop.yaml").symlink_to("loop.yaml")
    for given, reason in (
        (world.folder, "Is a directory"),
        (world.folder / "loop.yaml", "Too many levels of symbolic links"),
    ):
        done = world.new("--push", answers=given)
        assert done.code == BAD_INPUT
        assert reason in done.err
        assert_nothing_was_written(world)


def test_answers_with_an_option_that_is_none(world: World) -> None:
    done = world.new("--set", "timezone")
    assert done.code == BAD_INPUT
    assert "is not NAME=VALUE" in done.err
    done = world.new("--set", "timezone=Mars/Base")
    assert done.code == BAD_INPUT
    assert "timezone" in done.err
    assert_nothing_was_written(world)


# -- The destination ---------------------------------------------------------------------------------------------------


def test_a_folder_with_other_files_is_refused(world: World) -> None:
    world.workspace.mkdir()
    (world.workspace / "thesis.txt").write_text("Chapter 1\n")
    unchanged = Unchanged(world)
    done = world.new("--push")
    assert done.code == BAD_INPUT
    assert "is not empty, and no workspace of fmc: it holds thesis.txt" in done.err
    assert "Choose an empty folder with --workspace" in done.err
    unchanged.check()


def test_a_file_as_destination_is_refused(world: World) -> None:
    world.workspace.write_text("")
    done = world.new("--push")
    assert done.code == BAD_INPUT
    assert "is not a folder" in done.err


def test_a_folder_that_is_no_repository_is_refused(world: World) -> None:
    (world.workspace / "apps").mkdir(parents=True)
    (world.workspace / "apps" / "mine.txt").write_text("mine\n")
    unchanged = Unchanged(world)
    done = world.new("--push")
    assert done.code == BAD_INPUT
    assert f"{world.workspace / 'apps'} is no Git repository" in done.err
    assert "move this one out of the workspace" in done.err
    unchanged.check()


def test_changes_that_are_not_committed_are_refused(pushed: World) -> None:
    (pushed.workspace / "infra" / "README.md").write_text("Mine.\n")
    (pushed.workspace / "apps" / "notes.txt").write_text("Mine.\n")
    unchanged = Unchanged(pushed)
    for verb in (pushed.command_new(answers(pushed.folder, timezone="Europe/Paris")), ("push",)):
        done = pushed.fmc(*verb, cwd=pushed.workspace)
        assert done.code == BAD_INPUT, verb
        assert "has changes that are not committed: README.md" in done.err
        assert "stash --include-untracked" in done.err
        unchanged.check()


def test_another_clusters_workspace_is_refused(pushed: World) -> None:
    unchanged = Unchanged(pushed)
    done = pushed.new("--push", answers=answers(pushed.folder, name="other"))
    assert done.code == BAD_INPUT
    assert "is a repository of the cluster home, not of other" in done.err
    assert "Choose another destination, or correct `name` in the answers." in done.err
    unchanged.check()


def test_another_branch_is_refused(pushed: World) -> None:
    pushed.git("switch", "--quiet", "--create", "experiment", cwd=pushed.workspace / "argocd")
    unchanged = Unchanged(pushed)
    done = pushed.new("--push")
    assert done.code == BAD_INPUT
    assert "is on the branch experiment, not on main" in done.err
    assert f"`git -C {pushed.workspace / 'argocd'} switch main`" in done.err
    unchanged.check()


# -- git and the remotes -----------------------------------------------------------------------------------------------


def test_without_a_git_identity_nothing_is_made(world: World) -> None:
    nobody = dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"), "")
    done = world.new("--push", env=nobody)
    assert done.code == BAD_INPUT
    assert "git doesn't know who commits" in done.err
    assert 'git config --global user.name "Your Name"' in done.err
    assert_nothing_was_written(world)


def test_without_git_nothing_is_made(world: World) -> None:
    (world.folder / "empty").mkdir()
    done = world.new("--push", env={"PATH": str(world.folder / "empty")})
    assert done.code == FAILED
    assert "git was not found on PATH" in done.err
    assert "Install git" in done.err
    assert_nothing_was_written(world)


def test_a_remote_that_is_missing(world: World) -> None:
    for part in ("infra", "argocd"):
        shutil.rmtree(world.remote(part))
    done = world.new("--push")
    assert done.code == FAILED
    for part in ("infra", "argocd"):
        assert f"there is no repository at https://git.example.com/home/{part}.git" in done.err
    assert "apps.git" not in done.err
    assert "Create it, empty" in done.err
    assert_nothing_was_written(world)


def test_a_remote_that_cannot_be_reached(world: World) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nowhere = answers(world.folder, git_base_url=f"http://127.0.0.1:{closed.getsockname()[1]}/home")
    token = "forge-token-of-mine"
    done = world.new("--push", answers=nowhere, env={"FMC_GIT_TOKEN": token})
    assert done.code == FAILED
    assert "can't be reached" in done.err
    assert "git_base_url" in done.err
    assert token not in done.all
    assert_nothing_was_written(world)


def test_a_remote_with_another_history(world: World) -> None:
    clone = world.folder / "clone"
    world.git("clone", "--quiet", str(world.remote("apps")), str(clone))
    (clone / "main.go").write_text("package main\n")
    world.git("add", ".", cwd=clone)
    world.git("commit", "--quiet", "--message", "First", cwd=clone)
    world.git("push", "--quiet", "origin", "HEAD:main", cwd=clone)
    references = world.references()
    done = world.new("--push")
    assert done.code == CONFLICT
    assert "https://git.example.com/home/apps.git has a branch main that holds something else" in done.err
    assert "Make an empty repository beside it" in done.err
    assert not world.workspace.exists()
    assert world.references() == references


def test_a_remote_that_declines(world: World) -> None:
    hook = world.remote("argocd") / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'policy: changes need a review' >&2\nexit 1\n")
    hook.chmod(0o755)
    done = world.new("--push")
    assert done.code == FAILED
    assert "policy: changes need a review" in done.err
    assert "https://git.example.com/home/argocd.git declined" in done.err
    assert "run the same command again" in done.err
    # No branch moved, not even where nothing was in the way.
    assert world.tips() == {}
    hook.unlink()
    assert world.new("--push").code == 0
    assert world.published() == world.local()


def test_a_remote_that_moved_on_in_the_meantime(pushed: World) -> None:
    clone = pushed.folder / "clone"
    pushed.git("clone", "--quiet", str(pushed.remote("apps")), str(clone))
    (clone / "colleague.txt").write_text("Mine.\n")
    pushed.git("add", ".", cwd=clone)
    pushed.git("commit", "--quiet", "--message", "Mine", cwd=clone)
    pushed.git("push", "--quiet", cwd=clone)
    references = pushed.references()
    changed = answers(pushed.folder, email="new@example.com")
    done = pushed.new("--push", answers=changed)
    assert done.code == CONFLICT
    assert "moved on: it has commits that" in done.err
    assert pushed.references() == references
    # What the message advises helps.
    command = f"git -C {pushed.workspace / 'apps'} pull --rebase origin main"
    assert command in done.err
    pushed.git(*command.split()[1:])
    assert pushed.new("--push", answers=changed).code == 0
    assert pushed.published() == pushed.local()
    assert pushed.published()["apps"]["colleague.txt"] == b"Mine.\n"


# -- The disk ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def own_mounts() -> tuple[str, ...]:
    """How to begin a command that may mount a small disk, which nobody else sees."""
    for command in (("unshare", "--mount"), ("unshare", "--user", "--map-root-user", "--mount")):
        if (
            shutil.which("unshare")
            and subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
        ):
            return command
    skip_or_fail("needs unshare(1) with mount namespaces")


@pytest.mark.parametrize("kilobytes", [100, 500, 700, 800, 1200, 1700])
def test_a_full_disk_under_the_workspace(world: World, own_mounts: tuple[str, ...], kilobytes: int) -> None:
    """From rendering to the last commit: there is always a disk that is too small for the next step."""
    world.workspace.mkdir()
    script = f"""
        mount -t tmpfs -o size={kilobytes}k none {world.workspace} || exit 99
        {FMC} {" ".join(world.command_new())} --push; code=$?
        ls -A {world.workspace}; ls -A {world.workspace}/.fmc
        exit $code"""
    done = world.run(*own_mounts, "sh", "-c", script)
    assert done.code == FAILED, done.all
    assert "Traceback" not in done.err
    assert "No space left on device" in done.err
    assert "Free some space" in done.err
    # Each is written whole, or not at all; what they are for appears behind them.
    written = {"vault.age", "answers.yaml", ".fmc", "answers.json"}
    assert set(done.out.split()) <= written, "nothing appears that is not whole"
    assert "".join(world.references().values()) == ""


def test_a_full_disk_under_the_remotes(world: World, own_mounts: tuple[str, ...]) -> None:
    remote = world.remote("argocd")
    script = f"""
        mount -t tmpfs -o size=100k none {remote} || exit 99
        git init --quiet --bare --initial-branch=main --template= {remote} || exit 99
        {FMC} {" ".join(world.command_new())} --push; code=$?
        git -C {remote} for-each-ref
        exit $code"""
    done = world.run(*own_mounts, "sh", "-c", script)
    assert done.code == FAILED, done.all
    world.require_presentable(done)
    assert "https://git.example.com/home/argocd.git" in done.err
    assert "No space left on device" in done.err
    assert done.out == ""
    assert world.tips() == {}
    assert world.new("--push").code == 0
    assert world.published() == world.local()


def test_a_limit_of_file_size(world: World) -> None:
    """Where nobody may mount anything, a limit makes writes fail as well."""
    command = f"trap '' XFSZ; ulimit -f 8; exec {FMC} {' '.join(world.command_new())} --push"
    done = world.run("bash", "-c", command)
    world.require_presentable(done)
    assert done.code == FAILED
    assert "File too large" in done.err
    assert not world.workspace.exists()
    assert "".join(world.references().values()) == ""


# -- Vault and certificate ---------------------------------------------------------------------------------------------


def test_a_missing_identity(pushed: World) -> None:
    pushed.identity.rename(pushed.folder / "kept-elsewhere.txt")
    unchanged = Unchanged(pushed)
    changed = answers(pushed.folder, timezone="Europe/Paris")
    for verb in ((*pushed.command_new(changed), "--push"), ("seal",)):
        done = pushed.fmc(*verb, cwd=pushed.workspace)
        assert done.code == FAILED, verb
        assert f"can't be opened: there is no identity at {pushed.identity}" in done.err
        assert "FMC_IDENTITY" in done.err
        unchanged.check()
    done = pushed.new("--push", answers=changed, env={"FMC_IDENTITY": str(pushed.folder / "kept-elsewhere.txt")})
    assert done.code == 0


def test_somebody_elses_identity(pushed: World, tmp_path: Path) -> None:
    other = World(tmp_path / "other").make()
    assert other.new("--set", "layout=argocd").code == 0
    unchanged = Unchanged(pushed)
    done = pushed.new("--push", env={"FMC_IDENTITY": str(other.identity)})
    assert done.code == FAILED
    assert f"no identity in {other.identity} opens the vault" in done.err
    unchanged.check()
    # And somebody else's certificate: what is sealed to it they could read.
    certificate = "secrets/sealing-cert.pem"
    pushed.commit("argocd", {certificate: (other.workspace / "argocd" / certificate).read_text()})
    unchanged = Unchanged(pushed)
    for verb in ((*pushed.command_new(), "--push"), ("seal",)):
        done = pushed.fmc(*verb, cwd=pushed.workspace)
        assert done.code == BAD_INPUT, verb
        assert "is none of the vault's" in done.err
        assert f"git log {certificate}" in done.err
        unchanged.check()
    assert pushed.fmc("push", cwd=pushed.workspace).code == 1
    unchanged.check()


def test_a_vault_that_is_gone(pushed: World) -> None:
    pushed.vault.unlink()
    unchanged = Unchanged(pushed)
    done = pushed.new("--push")
    assert done.code == FAILED
    assert "there is no vault at" in done.err
    assert "Bring the vault back from a backup" in done.err
    unchanged.check()


def test_a_vault_that_is_damaged(pushed: World) -> None:
    content = bytearray(pushed.vault.read_bytes())
    content[len(content) // 2] ^= 1
    pushed.vault.write_bytes(content)
    whole = pushed.identity.rename(pushed.folder / "identity")
    unchanged = Unchanged(pushed)
    done = pushed.new("--push", env={"FMC_IDENTITY": str(whole)})
    assert done.code == FAILED
    assert "the vault is damaged" in done.err
    assert "Restore the vault from a backup" in done.err
    unchanged.check()


# -- fmc itself --------------------------------------------------------------------------------------------------------


def test_a_second_fmc_in_the_workspace(pushed: World) -> None:
    unchanged = Unchanged(pushed)
    descriptor = os.open(pushed.workspace, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        for verb in ((*pushed.command_new(), "--push"), ("push",), ("seal",)):
            done = pushed.fmc(*verb, cwd=pushed.workspace)
            assert done.code == CONFLICT, verb
            assert f"another fmc is at work in {pushed.workspace}" in done.err
            assert "Wait until it has ended." in done.err
            unchanged.check()
    finally:
        os.close(descriptor)
    assert pushed.fmc("push", cwd=pushed.workspace).code == 0


def test_two_at_once(world: World) -> None:
    """Whichever comes first makes everything; the other one changes nothing."""
    command = [str(FMC), *world.command_new(), "--push"]
    both = [
        subprocess.Popen(
            command, cwd=world.folder, env=world.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    done = [Finished(process.wait(), *(text.decode() for text in process.communicate())) for process in both]
    for one in done:
        world.require_presentable(one)
    assert sorted(one.code for one in done) in ([0, 0], [0, CONFLICT])
    assert world.published() == world.local()
    for part in PARTS:
        assert world.git("rev-list", "--count", "main", cwd=world.remote(part)) == "1"


def test_a_missing_template(world: World) -> None:
    """A package that was installed without its template."""
    (world.folder / "site").mkdir()
    (world.folder / "site" / "generator").symlink_to(ROOT / "generator")
    program = "from generator.cli.main import main; main()"
    python = str(FMC.with_name("python"))
    done = world.run(
        python, "-c", program, *world.command_new(), "--push", env={"PYTHONPATH": str(world.folder / "site")}
    )
    world.require_presentable(done)
    assert done.code == BAD_INPUT
    assert "the template is missing: there is no copier.yml in" in done.err
    assert "Install flatcar-microcloud again." in done.err
    assert_nothing_was_written(world)


def processes_of_group(group: int) -> list[str]:
    """Return the command lines of the living processes of a group; proc_pid_stat(5) numbers the fields."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, its_group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state not in "ZX":
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


@pytest.fixture
def rendering(world: World) -> Iterator[subprocess.Popen[str]]:
    """`fmc new --push` in a process group of its own, as a terminal makes one, while it renders."""
    process = subprocess.Popen(
        [str(FMC), *world.command_new(), "--push"],
        cwd=world.folder,
        env=world.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell starts what it puts into the background without interrupts, and pytest may be such a process.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "render" in line:
            break
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.2])
def test_ctrl_c_during_rendering(world: World, rendering: subprocess.Popen[str], seconds: float) -> None:
    time.sleep(seconds)
    os.killpg(rendering.pid, signal.SIGINT)
    out, err = rendering.communicate(timeout=10)
    assert rendering.returncode == 130
    assert out == ""
    assert err.split() == [
        "fmc:",
        "interrupted",
        "The",
        "same",
        "command",
        "goes",
        "on",
        "where",
        "this",
        "one",
        "stopped.",
    ]
    assert_nothing_was_written(world)
    # A killed process stays in the table until its new parent has asked for it, which is not up to fmc.
    deadline = time.monotonic() + 5
    while left := processes_of_group(rendering.pid):
        assert time.monotonic() < deadline, left
        time.sleep(0.01)
    assert world.new().code == 0


def test_a_working_process_that_is_killed(world: World, rendering: subprocess.Popen[str]) -> None:
    workers = Path(f"/proc/{rendering.pid}/task/{rendering.pid}/children").read_text().split()
    os.kill(int(workers[0]), signal.SIGKILL)
    out, err = rendering.communicate(timeout=30)
    world.require_presentable(Finished(rendering.returncode, out, err))
    assert rendering.returncode == FAILED
    assert "a working process was killed" in err
    assert "Run the same command again." in err
    assert_nothing_was_written(world)
    assert world.new().code == 0


def test_a_reader_that_leaves_stops_nothing(world: World) -> None:
    """`fmc new --push | head`, with and without the progress in the pipe."""
    command = f"set -o pipefail; {FMC} {' '.join(world.command_new())} --push"
    done = world.run("bash", "-c", f"{command} 2>&1 | true")
    assert (done.code, done.all) == (0, "")
    assert world.published() == world.local()
    done = world.run("bash", "-c", f"{command} | true")
    assert done.code == 0
    world.require_presentable(done)
    assert "BrokenPipe" not in done.err


def test_output_that_cannot_be_written(pushed: World) -> None:
    for verb in ("doctor", "--help", f"check --workspace {pushed.workspace}"):
        done = pushed.run("bash", "-c", f"{FMC} {verb} > /dev/full")
        pushed.require_presentable(done)
        assert done.code == FAILED, verb
        assert "No space left on device" in done.err
        assert ("Free some space there, or send it elsewhere." in done.err) != ("Give it what it lacks" in done.err)
        findings = 1 if verb == "doctor" else 0  # as this machine has an operator's programs, or not
        assert pushed.run("bash", "-c", f"{FMC} {verb} > elsewhere").code <= findings


# -- Findings ----------------------------------------------------------------------------------------------------------


def test_a_broken_manifest_is_found_with_its_line_and_not_pushed(pushed: World) -> None:
    file = "apps/hello/base/service.yaml"
    text = (pushed.workspace / "apps" / file).read_text()
    line = next(number for number, content in enumerate(text.splitlines(), 1) if "port:" in content)
    pushed.commit("apps", {file: text.replace("port:", "prot:", 1)})
    unchanged = Unchanged(pushed)
    for verb in ("check", "push"):
        done = pushed.fmc(verb, cwd=pushed.workspace)
        assert done.code == 1, verb
        assert f"apps/{file}:{line}: error:" in done.err
        assert "prot" in done.err
        unchanged.check()
