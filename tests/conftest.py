"""What all tests share: the way to real external programs, and a list at the end of those that were missing."""

from __future__ import annotations

import gc
import os
import re
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from tests.side_by_side import common_folder
from tests.toolchain.build import tools_folder
from tests.toolchain.tool import how_to_get
from tests.warm_python import ANSIBLE_IMPORTS, KEEPING_PLAYBOOK, PLAYBOOK_IMPORTS, warm_python

if TYPE_CHECKING:
    from collections.abc import Iterator

# They need the bed, which `make e2e` makes, or the lab of `make lab`; the bed's own tests in e2e/bed_tests do not.
_SEPARATE = {"FMC_E2E": ("e2e/test_*.py",), "FMC_LAB": ("lab/*test_*.py",)}
collect_ignore_glob = [
    files for variable, all_files in _SEPARATE.items() if os.environ.get(variable) != "1" for files in all_files
]
# Read when pytest starts: tests give themselves another HOME and other variables.
_FOLDER = tools_folder()
_REQUIRED = os.environ.get("FMC_REQUIRE_TOOLS") == "1"
_REASON = re.compile(r"needs the program (?P<program>\S+), which is neither in .* \(to get it: (?P<command>.*)\)")
_MEMORY = Path("/dev/shm")
_ROOM = 8 << 30
# Most of what is there is pytest's and ours, and lives to the end.
gc.set_threshold(100_000)


def _write_to_memory() -> None:
    """Have tests write to memory where there is room: they make and remove some hundred thousand files.

    Bed and lab are none of them: their memory is their own and ends with it, and the logs of a failed run have to stay.
    """
    if (
        not any(os.environ.get(variable) == "1" for variable in _SEPARATE)
        and "TMPDIR" not in os.environ
        and _MEMORY.is_dir()
    ):
        system = os.statvfs(_MEMORY)
        if system.f_bavail * system.f_frsize >= _ROOM and not system.f_flag & os.ST_NOEXEC:
            os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)


_write_to_memory()
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


def require_tool(name: str) -> Path:
    """Return the path of a real external program.

    It is looked for in $FMC_TOOLS_DIR (default `~/.cache/fmc/tools`), then on PATH. Where it is absent, the test is
    skipped, or fails under FMC_REQUIRE_TOOLS=1.

    Args:
        name: What it is called, e.g. `kubeseal`.
    """
    found = shutil.which(name, path=str(_FOLDER)) or shutil.which(name)
    if found:
        return Path(found)
    reason = f"needs the program {name}, which is neither in {_FOLDER} nor on PATH (to get it: {how_to_get(name)})"
    skip_or_fail(reason)


def skip_or_fail(reason: str) -> NoReturn:
    """Skip a test for what the machine lacks; under FMC_REQUIRE_TOOLS=1, where nothing may be skipped, fail."""
    if _REQUIRED:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def ansible_python() -> Iterator[Path]:
    """An interpreter that has imported what Ansible's modules import."""
    shebang = require_tool("ansible-playbook").read_text().partition("\n")[0]
    with warm_python(shebang.removeprefix("#!"), ANSIBLE_IMPORTS) as python:
        yield python


@pytest.fixture(scope="session")
def ansible_playbook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ...]]:
    """The command `ansible-playbook` in an interpreter that has imported what it needs; see `started_playbook`."""
    python, *arguments = started_playbook(tmp_path_factory)
    with warm_python(python, PLAYBOOK_IMPORTS) as script:
        yield str(script), *arguments


def started_playbook(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Return the command in a process of its own, which can be killed; see `tests/warm_python/playbook.py`."""
    program = require_tool("ansible-playbook")
    kept = common_folder(tmp_path_factory) / "ansible-playbook"
    kept.mkdir(exist_ok=True)
    return str(program.resolve().with_name("python")), str(KEEPING_PLAYBOOK), str(kept)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the programs for want of which tests were skipped."""
    reasons = (str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", []))
    missing = Counter(match.groups() for reason in reasons if (match := _REASON.search(reason)))
    if not missing:
        return
    terminalreporter.section("programs that were missing")
    for (program, command), count in sorted(missing.items()):
        terminalreporter.line(f"{program}: {count} test{'s' * (count != 1)} skipped; to get it: {command}")
