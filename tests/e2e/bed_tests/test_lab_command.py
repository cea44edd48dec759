"""`python -m tests.lab` runs several labs, and none of them fails unseen."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.lab import __main__ as command
from tests.lab import bench, preflight, sessions
from tests.lab.operator import Play

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("codes", "expected"),
    [((0, 0, 0), 0), ((1, 0, 0), 1), ((0, 1, 0), 1), ((0, 0, 1), 1), ((-9, 0, 0), -9), ((0, 0, -9), -9)],
)
def test_the_exit_code_is_that_of_a_session_that_failed(
    codes: Sequence[int], expected: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    named = dict(zip("abc", codes, strict=True))
    monkeypatch.setenv("FMC_LAB", "")
    monkeypatch.setattr(command, "require_all", lambda: None)
    for name in ("make_image", "make_guest_image"):
        monkeypatch.setattr(command, name, lambda _: None)
    monkeypatch.setattr(sessions, "SESSIONS", {name: (name,) for name in named})
    monkeypatch.setattr(sessions, "run_session", lambda name, _: named[name])
    monkeypatch.setattr(command, "SESSIONS", named)
    assert command.main([]) == expected
    printed = capfd.readouterr().out
    for name, code in named.items():
        assert f"{name:9} | ended with exit code {code} after 0 s\n" in printed


def test_every_file_of_the_lab_is_in_one_session() -> None:
    folder = ROOT / "tests/lab"
    named = [ROOT / path for paths in sessions.SESSIONS.values() for path in paths]
    files = [file for path in named for file in (path.glob("test_*.py") if path.is_dir() else [path])]
    assert sorted(files) == sorted(folder.rglob("test_*.py"))


def test_lines_of_a_session_have_its_name_and_its_exit_code_comes_back(capfd: pytest.CaptureFixture[str]) -> None:
    script = "import sys; print('one'); print('two', file=sys.stderr); sys.exit(3)"
    assert sessions.run_session("trial", [sys.executable, "-u", "-c", script]) == 3
    assert capfd.readouterr().out == "trial     | one\ntrial     | two\n"


def test_the_table_has_minutes_changes_and_the_seconds_of_each_role_slowest_first() -> None:
    recap = "a : ok=9 changed={0} unreachable=0 failed=0\nb : ok=9 changed={0} unreachable=0 failed=0\n"
    plays = {
        "first": Play(0, recap.format(3), "", 90.0, {"": 1.0, "haproxy": 20.04}),
        "again": Play(0, recap.format(0), "", 30.0, {"": 0.5}),
    }
    assert [" ".join(line.split()) for line in bench.table(plays)] == [
        "site.yml first again",
        "minutes 1.5 0.5",
        "changed tasks 6 0",
        "haproxy, s 20.0 -",
        "outside of roles, s 1.0 0.5",
    ]


def test_a_limit_of_watchers_that_is_too_low_is_raised_and_a_higher_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = tmp_path / "max_user_instances"
    monkeypatch.setattr(preflight, "_INSTANCES", limit)
    for before, after in (("128", str(preflight.INSTANCES)), ("8192", "8192")):
        limit.write_text(before)
        assert preflight.watchers() == []
        assert limit.read_text() == after


def test_a_limit_of_watchers_that_cannot_be_raised_is_said_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path, __: str) -> int:
        raise PermissionError(errno.EROFS, "Read-only file system")

    limit = tmp_path / "max_user_instances"
    limit.write_text("128")
    monkeypatch.setattr(preflight, "_INSTANCES", limit)
    monkeypatch.setattr(Path, "write_text", refuse)
    ((problem, fix),) = preflight.watchers()
    assert problem.endswith("is below 4096, and can't be raised: Read-only file system")
    assert "`sysctl -w fs.inotify.max_user_instances=4096`" in fix
