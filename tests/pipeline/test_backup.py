"""`fmc backup` and `fmc restore`: a workspace goes into one file, and comes back as it was."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from io import BytesIO
from typing import TYPE_CHECKING

import pyrage
import pytest

from generator.workspace import PARTS
from tests.conftest import require_tool
from tests.pipeline import kill_driver, spy_driver
from tests.pipeline.world import FMC, Finished, World, tree

if TYPE_CHECKING:
    from pathlib import Path

FirstRun = tuple[World, Finished]
BACKUP_MOMENTS = ["git bundle 3", "rename home.age 1", "rename backup.json 1"]
RESTORE_MOMENTS = ["git fetch 2", "rename vault.age 1", "rename workspace 1"]


def backed_up(world: World, *options: str) -> Path:
    """Back a workspace up; return the file."""
    file = world.folder / "home.age"
    done = world.fmc("backup", str(file), *options, cwd=world.workspace)
    assert done.code == 0, done.err
    return file


@pytest.fixture(scope="session")
def machine(first_run: FirstRun, tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path]:
    """A machine with a commit that nobody pushed, a tag, a branch, Terraform's state, and a backup of all that."""
    world = first_run[0].copy(tmp_path_factory.mktemp("machine") / "world")
    world.commit("apps", {"notes.md": "Mine.\n"})
    world.git("tag", "before", cwd=world.workspace / "infra")
    world.git("branch", "idea", "HEAD~0", cwd=world.workspace / "apps")
    (world.workspace / "infra" / "terraform" / "terraform.tfstate").write_text('{"serial": 7}\n')
    return world, backed_up(world)


def restore(world: World, file: Path, *options: str) -> Finished:
    """Restore a backup into the place of a workspace that is gone."""
    shutil.rmtree(world.workspace, ignore_errors=True)
    return world.fmc("restore", str(file), "--workspace", str(world.workspace), *options)


def committed(world: World) -> dict[str, dict[str, bytes]]:
    """The files of each repository, without Terraform's state, which Git must not have."""
    files = world.local()
    del files["infra"]["terraform/terraform.tfstate"]
    return files


def references(world: World) -> dict[str, str]:
    """Every reference of each repository, and what its HEAD is."""
    return {
        part: world.git("for-each-ref", cwd=world.workspace / part)
        + world.git("symbolic-ref", "HEAD", cwd=world.workspace / part)
        for part in PARTS
    }


def test_everything_comes_back_as_it_was(machine: tuple[World, Path], tmp_path: Path) -> None:
    before, file = machine
    world = before.copy(tmp_path / "world")
    done = restore(world, file)
    assert done.code == 0, done.err
    assert tree(world.workspace) == tree(before.workspace)
    assert references(world) == references(before)
    assert {path.name for path in world.workspace.iterdir()} == {path.name for path in before.workspace.iterdir()}
    for part in PARTS:
        folder = world.workspace / part
        assert world.git("config", "remote.origin.url", cwd=folder) == f"{world.base_url}{part}.git"
        assert world.git("status", "--porcelain", cwd=folder) == ""
    assert not list(world.folder.glob(".workspace*"))
    assert world.vault.stat().st_mode & 0o777 == 0o600


def test_a_restored_workspace_goes_on_where_the_old_one_stopped(machine: tuple[World, Path], tmp_path: Path) -> None:
    world = machine[0].copy(tmp_path / "world")
    assert restore(world, machine[1]).code == 0
    for verb in ("check", "push"):
        done = world.fmc(verb, cwd=world.workspace)
        assert done.code == 0, done.err
    assert world.published() == committed(world)
    assert world.published()["apps"]["notes.md"] == b"Mine.\n"
    assert "No change" in world.new("--push").out


def test_remotes_that_are_gone_come_back_too(machine: tuple[World, Path], tmp_path: Path) -> None:
    world = machine[0].copy(tmp_path / "world")
    shutil.rmtree(world.folder / "remotes")
    for part in PARTS:
        world.git("init", "--quiet", "--bare", "--initial-branch=main", str(world.remote(part)))
    assert restore(world, machine[1]).code == 0
    done = world.fmc("push", cwd=world.workspace)
    assert done.code == 0, done.err
    assert world.published() == committed(world)


def test_what_the_remotes_have_besides_is_said(machine: tuple[World, Path], tmp_path: Path) -> None:
    """Somebody pushed after the backup: nothing of theirs is overwritten."""
    world = machine[0].copy(tmp_path / "world")
    clone = world.folder / "colleague"
    world.git("clone", "--quiet", str(world.remote("apps")), str(clone))
    (clone / "theirs.md").write_text("Theirs.\n")
    world.git("add", ".", cwd=clone)
    world.git("commit", "--quiet", "--message", "Theirs", cwd=clone)
    world.git("push", "--quiet", cwd=clone)
    assert restore(world, machine[1]).code == 0
    done = world.fmc("push", cwd=world.workspace)
    assert done.code == 3
    assert "apps" in done.err
    assert b"Theirs.\n" in world.published()["apps"].values()


def test_stock_programs_open_it(machine: tuple[World, Path], tmp_path: Path) -> None:
    """`age` and `tar`, as the help says; `git clone` and `age` once more, as the README in it says."""
    age, (world, file) = require_tool("age"), machine
    opened = subprocess.run([age, "--decrypt", "--identity", world.identity, file], capture_output=True, check=True)
    subprocess.run(["tar", "--extract"], input=opened.stdout, cwd=tmp_path, check=True)
    top = tmp_path / "fmc-backup"
    assert (top / "answers.yaml").read_bytes() == (world.workspace / "answers.yaml").read_bytes()
    assert (top / "terraform.tfstate").read_text() == '{"serial": 7}\n'
    readme = (top / "README.txt").read_text()
    assert "age --decrypt --identity identity.txt vault.age" in readme
    vault = [str(age), "--decrypt", "--identity", str(world.identity), str(top / "vault.age")]
    assert subprocess.run(vault, capture_output=True, check=True).stdout.startswith(b'{"')
    for part in PARTS:
        assert f"git clone repositories/{part}.bundle {part}\n" in readme
        world.git("clone", "--quiet", f"repositories/{part}.bundle", part, cwd=top)
        assert tree(top / part) == committed(world)[part]


def test_what_stock_age_wrote_is_read(machine: tuple[World, Path], tmp_path: Path) -> None:
    """The recipients changed since, so a person encrypted the backup anew."""
    age, world = require_tool("age"), machine[0].copy(tmp_path / "world")
    again = tmp_path / "again.age"
    public = [line.split()[-1] for line in world.identity.read_text().splitlines() if "public key" in line]
    subprocess.run([age, "--recipient", public[0], "--output", again], input=opened(machine), check=True)
    assert restore(world, again).code == 0


def opened(machine: tuple[World, Path]) -> bytes:
    """The archive inside of a backup."""
    world, file = machine
    lines = [line for line in world.identity.read_text().splitlines() if not line.startswith("#")]
    plain: bytes = pyrage.decrypt(file.read_bytes(), [pyrage.x25519.Identity.from_str(lines[0])])
    return plain


def test_the_same_workspace_gives_the_same_files_in_the_same_order(machine: tuple[World, Path]) -> None:
    with tarfile.open(fileobj=BytesIO(opened(machine))) as archive:
        names = [member.name.removeprefix("fmc-backup/") for member in archive]
        assert {(member.mode, member.uid, member.uname, member.isreg()) for member in archive} == {(0o600, 0, "", True)}
        content = archive.extractfile("fmc-backup/manifest.json")
        assert content is not None
        manifest = json.load(content)
    assert names == ["manifest.json", *sorted(names[1:])]
    assert names[1:] == [file["name"] for file in manifest["files"]]


def test_the_recovery_identity_opens_it_and_another_one_does_not(machine: tuple[World, Path], tmp_path: Path) -> None:
    world = machine[0].copy(tmp_path / "world")
    recovery = world.identity.with_name("recovery-identity.txt").rename(tmp_path / "recovery.txt")
    stranger = tmp_path / "stranger.txt"
    stranger.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    done = restore(world, machine[1], "--identity", str(stranger))
    assert done.code == 4
    assert f"no identity in {stranger} opens {machine[1]}" in done.err
    assert not world.workspace.exists()
    # As its remedy says.
    assert (
        world.fmc(
            "restore", str(machine[1]), "--workspace", str(world.workspace), env={"FMC_IDENTITY": str(recovery)}
        ).code
        == 0
    )


def test_nothing_is_restored_over_something(machine: tuple[World, Path], tmp_path: Path) -> None:
    world = machine[0].copy(tmp_path / "world")
    before = tree(world.folder)
    done = world.fmc("restore", str(machine[1]), "--workspace", str(world.workspace))
    assert (done.code, "is not empty: it holds .fmc, answers.yaml, apps, argocd, infra" in done.err) == (2, True)
    assert tree(world.folder) == before
    empty = world.folder / "empty"
    empty.mkdir(mode=0o750)
    assert world.fmc("restore", str(machine[1]), "--workspace", str(empty)).code == 0
    assert empty.stat().st_mode & 0o777 == 0o750
    file = world.folder / "a-file"
    file.touch()
    assert world.fmc("restore", str(machine[1]), "--workspace", str(file)).code == 2


def test_a_backup_that_is_due_is_a_warning(machine: tuple[World, Path], tmp_path: Path) -> None:
    """A pipeline, which has no vault, is reminded of nothing."""
    world = machine[0].copy(tmp_path / "world")
    note = world.workspace / ".fmc" / "backup.json"
    note.write_text('{"made": "2026-01-31T00:00:00+00:00"}\n')
    done = world.fmc("check", cwd=world.workspace)
    assert done.code == 0
    assert "backup.json: warning: the last backup was made on 2026-01-31 [backup/due]" in done.err
    world.vault.rename(world.folder / "elsewhere.age")
    assert "backup/due" not in world.fmc("check", cwd=world.workspace).err
    (world.folder / "elsewhere.age").rename(world.vault)
    file = tmp_path / "newer.age"
    assert world.fmc("backup", str(file), cwd=world.workspace).code == 0
    assert "backup/due" not in world.fmc("check", cwd=world.workspace).err
    # A workspace out of an old backup has no newer one.
    assert json.loads(note.read_text())["made"] > "2026-02"


@pytest.mark.parametrize("damage", ["cut", "one bit", "no age file", "missing"])
def test_what_is_damaged_leaves_nothing(machine: tuple[World, Path], tmp_path: Path, damage: str) -> None:
    world, file = machine[0].copy(tmp_path / "world"), tmp_path / "damaged.age"
    content = bytearray(machine[1].read_bytes())
    content[len(content) // 2] ^= damage == "one bit"
    if damage != "missing":
        file.write_bytes({"cut": bytes(content[:-100]), "no age file": b"hello"}.get(damage, bytes(content)))
    done = restore(world, file)
    assert done.code == 2
    assert (f"can't read {file}" if damage == "missing" else f"{file} is damaged") in done.err
    assert not world.workspace.exists()
    assert not list(world.folder.glob(".workspace*"))
    assert restore(world, machine[1]).code == 0


def test_a_bundle_of_other_commits_is_refused(machine: tuple[World, Path], tmp_path: Path) -> None:
    """Whoever has the public keys can write such a file: it is compared with itself, and leaves nothing."""
    world, forged = machine[0].copy(tmp_path / "world"), tmp_path / "forged.age"
    apps, infra = (world.git("rev-parse", "HEAD", cwd=world.workspace / part).encode() for part in ("apps", "infra"))
    public = [line.split()[-1] for line in world.identity.read_text().splitlines() if "public key" in line]
    recipients = [pyrage.x25519.Recipient.from_str(public[0])]
    manifest, rest = opened(machine).split(b"README.txt\0", 1)
    content = manifest.replace(apps, infra) + b"README.txt\0" + rest
    forged.write_bytes(pyrage.encrypt(opened(machine)[:-20_000], recipients))
    done = restore(world, forged)
    assert (done.code, "the backup is damaged: its end is missing" in done.err) == (2, True)
    forged.write_bytes(pyrage.encrypt(content, recipients))
    done = restore(world, forged)
    assert (done.code, "the bundle of apps does not have the commit" in done.err) == (2, True)
    assert not world.workspace.exists()
    assert restore(world, machine[1]).code == 0


def test_a_file_that_is_there_is_kept_until_told_otherwise(machine: tuple[World, Path], tmp_path: Path) -> None:
    world = machine[0].copy(tmp_path / "world")
    file = tmp_path / "home.age"
    file.write_text("precious")
    done = world.fmc("backup", str(file), cwd=world.workspace)
    assert (done.code, "is there already" in done.err) == (2, True)
    assert file.read_text() == "precious"
    assert world.fmc("backup", str(file), "--force", cwd=world.workspace).code == 0
    assert restore(world, file).code == 0


@pytest.mark.parametrize(
    ("place", "said"), [(".", "is a folder"), ("apps/home.age", "would lie in the repository apps")]
)
def test_a_backup_does_not_lie_in_what_it_is_of(
    machine: tuple[World, Path], tmp_path: Path, place: str, said: str
) -> None:
    world = machine[0].copy(tmp_path / "world")
    done = world.fmc("backup", place, cwd=world.workspace)
    assert (done.code, said in done.err) == (2, True)
    assert world.git("status", "--porcelain", cwd=world.workspace / "apps") == ""
    assert world.fmc("backup", f"{tmp_path}/home.age", cwd=world.workspace).code == 0


def test_what_cannot_be_read_is_named(machine: tuple[World, Path], tmp_path: Path) -> None:
    world, file = machine[0].copy(tmp_path / "world"), tmp_path / "home.age"
    state = world.workspace / "infra" / "terraform" / "terraform.tfstate"
    state.unlink()
    state.mkdir()
    done = world.fmc("backup", str(file), cwd=world.workspace)
    assert (done.code, f"can't read {state}" in done.err, file.exists()) == (2, True, False)
    state.rmdir()
    state.write_text("{}")
    assert world.fmc("backup", str(file), cwd=world.workspace).code == 0


def test_what_nobody_committed_is_named(machine: tuple[World, Path], tmp_path: Path) -> None:
    world = machine[0].copy(tmp_path / "world")
    (world.workspace / "apps" / "draft.md").write_text("Later.\n")
    file = tmp_path / "draft.age"
    done = world.fmc("backup", str(file), cwd=world.workspace)
    assert "not committed, and not in the backup: apps/draft.md" in done.err
    assert "as in the last commit: apps/draft.md" in restore(world, file).err
    assert not (world.workspace / "apps" / "draft.md").exists()


def test_a_shallow_clone_is_completed_first(machine: tuple[World, Path], tmp_path: Path) -> None:
    world = machine[0].copy(tmp_path / "world")
    apps = world.workspace / "apps"
    world.commit("apps", {"more.md": "More.\n"})
    world.git("push", "--quiet", cwd=apps)
    shutil.rmtree(apps)
    world.git("clone", "--quiet", "--depth=1", f"file://{world.remote('apps')}", str(apps))
    world.git("remote", "set-url", "origin", f"{world.base_url}apps.git", cwd=apps)
    file = tmp_path / "shallow.age"
    done = world.fmc("backup", str(file), cwd=world.workspace)
    assert (done.code, f"`git -C {apps} fetch --unshallow`" in done.err, file.exists()) == (2, True, False)
    world.git("fetch", "--unshallow", cwd=apps)
    assert world.fmc("backup", str(file), cwd=world.workspace).code == 0


def test_a_vault_that_does_not_open_is_no_backup(machine: tuple[World, Path], tmp_path: Path) -> None:
    world = machine[0].copy(tmp_path / "world")
    vault = world.vault.read_bytes()
    world.vault.write_bytes(vault[:-200])
    file = tmp_path / "home.age"
    done = world.run(str(FMC), "backup", str(file), cwd=world.workspace)
    assert (done.code, "the vault is damaged" in done.err) == (4, True)
    assert not file.exists()


def drive(world: World, moment: str, *arguments: str) -> Finished:
    record = world.folder / "acts"
    record.unlink(missing_ok=True)
    return world.run(sys.executable, kill_driver.__file__, str(record), moment, *arguments, cwd=world.folder)


@pytest.mark.parametrize("moment", BACKUP_MOMENTS)
def test_a_killed_backup_is_the_old_file_or_the_new_one(
    machine: tuple[World, Path], tmp_path: Path, moment: str
) -> None:
    world = machine[0].copy(tmp_path / "world")
    file = world.folder / "home.age"
    old = file.read_bytes()
    world.commit("apps", {"newer.md": "Newer.\n"})
    command = ("backup", str(file), "--force", "--workspace", str(world.workspace))
    assert drive(world, moment, *command).code == -signal.SIGKILL
    is_new = file.read_bytes() != old
    assert is_new == (moment == "rename backup.json 1")
    assert world.fmc(*command).code == 0
    assert [path.name for path in world.folder.iterdir() if path.name.startswith((".home", "home.age"))] == ["home.age"]
    assert restore(world, file).code == 0
    assert (world.workspace / "apps" / "newer.md").exists()


@pytest.mark.parametrize("moment", RESTORE_MOMENTS)
def test_a_killed_restore_has_made_nothing(machine: tuple[World, Path], tmp_path: Path, moment: str) -> None:
    before, file = machine
    world = before.copy(tmp_path / "world")
    shutil.rmtree(world.workspace)
    command = ("restore", str(file), "--workspace", str(world.workspace))
    assert drive(world, moment, *command).code == -signal.SIGKILL
    assert not world.workspace.exists()
    assert world.fmc(*command).code == 0
    assert not list(world.folder.glob(".workspace*"))
    assert tree(world.workspace) == tree(before.workspace)


def test_no_secret_gets_out(machine: tuple[World, Path], tmp_path: Path) -> None:
    """Not into arguments or variables of a program, nor into the output, nor onto a disk in the clear."""
    world = machine[0].copy(tmp_path / "world")
    record, file = world.folder / "record", tmp_path / "home.age"
    shown = b""
    spied = (sys.executable, spy_driver.__file__, str(record))
    for command in (
        ("backup", str(file), "--workspace", str(world.workspace)),
        ("restore", str(file), "--workspace", str(world.folder / "again")),
    ):
        done = world.run(*spied, *command)
        assert done.code == 0, done.err
        shown += os.fsencode(done.all)
    needles = world.needles()
    assert len(needles) > 50
    places = [shown, *(path.read_bytes() for path in world.folder.rglob("*") if path.is_file())]
    assert sum(needle in place for needle in needles for place in places) == 0
    assert b"bundle" in record.read_bytes()
