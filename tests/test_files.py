"""Writing files: whole or not at all, for the right owner, where a link leads, and nothing left behind."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from generator.errors import WriteError
from generator.files import followed, remove_leftovers, write_atomic, write_new
from tests.conftest import as_root

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_link_is_followed_where_that_is_wanted(tmp_path: Path) -> None:
    """Faults E8: the link to a vault elsewhere became a plain file."""
    real, link = tmp_path / "drive" / "vault.age", tmp_path / "vault.age"
    real.parent.mkdir()
    real.write_bytes(b"old")
    link.symlink_to(real)
    write_atomic(link, b"new", mode=0o600, follow=True)
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert [path.name for path in real.parent.iterdir()] == ["vault.age"]


def test_a_link_that_came_with_a_repository_is_replaced_itself(tmp_path: Path) -> None:
    victim, link = tmp_path / "authorized_keys", tmp_path / "manifest.yaml"
    victim.write_bytes(b"mine")
    link.symlink_to(victim)
    write_atomic(link, b"new")
    assert (victim.read_bytes(), link.is_symlink()) == (b"mine", False)


def test_a_link_to_nothing_makes_the_file_there(tmp_path: Path) -> None:
    link = tmp_path / "vault.age"
    link.symlink_to(tmp_path / "later.age")
    write_atomic(link, b"new", follow=True)
    assert (tmp_path / "later.age").read_bytes() == b"new"


def test_a_link_that_leads_to_itself_is_said(tmp_path: Path) -> None:
    link = tmp_path / "vault.age"
    link.symlink_to(link)
    with pytest.raises(WriteError, match=r"can't write .*vault\.age"):
        write_atomic(link, b"new", follow=True)


@as_root
def test_root_does_not_follow_the_link_of_another_user(tmp_path: Path) -> None:
    victim, link = tmp_path / "shadow", tmp_path / "vault.age"
    victim.write_bytes(b"root's")
    link.symlink_to(victim)
    os.chown(link, 65534, 65534, follow_symlinks=False)
    with pytest.raises(WriteError, match="a symbolic link of another user"):
        followed(link)


@as_root
def test_root_leaves_files_and_folders_of_the_one_whose_folder_it_is(tmp_path: Path) -> None:
    """Faults E8: `sudo fmc` in a user's workspace left files that the user could not write any more."""
    os.chown(tmp_path, 65534, 65534)
    write_atomic(tmp_path / "a" / "b" / "state.json", b"{}")
    write_new(tmp_path / "c" / "identity.txt", b"key")
    assert {path.stat().st_uid for path in tmp_path.rglob("*")} == {65534}
    os.chown(tmp_path / "a" / "b" / "state.json", 65533, 65533)
    write_atomic(tmp_path / "a" / "b" / "state.json", b"{} ")
    assert (tmp_path / "a" / "b" / "state.json").stat().st_uid == 65533


@pytest.mark.parametrize(
    ("before", "after"), [(0o600, 0o600), (0o640, 0o640), (0o660, 0o660), (0o644, 0o600), (0o666, 0o600)], ids=oct
)
def test_a_private_file_stays_shared_with_its_group_and_with_nobody_else(
    tmp_path: Path, before: int, after: int
) -> None:
    path = tmp_path / "vault.age"
    path.write_bytes(b"old")
    path.chmod(before)
    write_atomic(path, b"new", mode=0o600)
    assert mode(path) == after


def test_the_folder_of_a_private_file_is_private(tmp_path: Path) -> None:
    """Faults E13."""
    previous = os.umask(0)
    try:
        write_new(tmp_path / "fmc" / "keys" / "identity.txt", b"key")
    finally:
        os.umask(previous)
    assert [mode(path) for path in (tmp_path / "fmc", tmp_path / "fmc/keys", tmp_path / "fmc/keys/identity.txt")] == [
        0o700,
        0o700,
        0o600,
    ]


def test_a_new_file_never_replaces_another_one_not_even_a_broken_link(tmp_path: Path) -> None:
    link = tmp_path / "identity.txt"
    link.symlink_to(tmp_path / "on-a-drive-that-is-not-there")
    assert not write_new(link, b"second")
    assert link.is_symlink()


def test_a_new_file_needs_no_hard_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults E13: FAT and some network file systems have none."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert write_new(tmp_path / "identity.txt", b"key")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_leaves_no_second_copy_of_an_identity(tmp_path: Path, moment: str) -> None:
    """Faults E13: SIGKILL between link and unlink left a hidden hard link for good."""
    path = tmp_path / "recovery-identity.txt"
    program = f"""
import os, signal, sys
from pathlib import Path
from generator.files import write_new
rename = Path.replace
def killed(self, target):
    if {moment!r} == "after":
        rename(self, target)
    os.kill(os.getpid(), signal.SIGKILL)
Path.replace = killed
write_new(Path(sys.argv[1]), b"key")
"""
    done = subprocess.run([sys.executable, "-c", program, str(path)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    write_new(path, b"key")
    assert [(file.name, file.stat().st_nlink) for file in tmp_path.iterdir()] == [("recovery-identity.txt", 1)]


def test_leftovers_of_other_files_stay(tmp_path: Path) -> None:
    for name in (".vault.age.abcdefgh", ".vault.age.bak", ".other.abcdefgh"):
        (tmp_path / name).touch()
    remove_leftovers(tmp_path / "vault.age")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.abcdefgh", ".vault.age.bak"]


def test_a_folder_is_read_once_for_all_leftovers_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a search for each file a thousand manifests of a namespace took over a second of each `fmc seal`."""
    read: list[Path] = []
    iterdir = Path.iterdir

    def counted(self: Path) -> Iterator[Path]:
        read.append(self)
        return iterdir(self)

    monkeypatch.setattr(Path, "iterdir", counted)
    for number in range(20):
        (tmp_path / f".{number}.sealed.yaml.abcdefgh").touch()
    remove_leftovers(*(tmp_path / f"{number}.sealed.yaml" for number in range(20)), tmp_path / "none" / "x")
    assert read == [tmp_path, tmp_path / "none"]
    assert list(iterdir(tmp_path)) == []


def test_nothing_that_fmc_makes_can_be_written_by_everybody() -> None:
    """Faults B14: with umask 000, Ansible dropped the configuration of a folder that everybody may write to."""
    program = """
import os, sys
os.umask(0)
sys.argv = ["fmc", "--version"]
from generator.cli.main import main
try:
    main()
except SystemExit:
    print(oct(os.umask(0)))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == oct(0o002)
