"""The rules of the house: who imports whom, what a start costs, how long a module may be."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.copier.releases import project_files
from tests.pipeline.world import EXAMPLE, ROOT

_TIMEOUT = 60
_LONGEST = 300
_MARKS = re.compile(r"\b(TODO|FIXME|XXX)\b")
# Checksums are not prose.
_SUMS = (".sum", ".lock")

LOADED = """
import sys
from generator.cli.main import main
sys.argv[0] = "fmc"
try:
    main()
finally:
    print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def loaded_by(tmp_path: Path, *arguments: str) -> set[str]:
    """Return the top-level packages that a run of fmc has imported at its end."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


def test_the_import_contract_is_kept() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=_TIMEOUT)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_every_module_has_its_place_in_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (
        contract["layers"] for contract in contracts if contract["type"] == "layers" and "containers" not in contract
    )
    placed = {name for layer in layers for name in re.findall(r"generator\.(\w+)", layer)}
    there = {Path(name).parts[1].removesuffix(".py") for name in project_files("generator/*.py")}
    assert there == placed | {"__init__"}


def imported(path: Path) -> set[str]:
    """Return what a module imports when it runs; for types alone does not count."""
    found = set()
    waiting: list[ast.AST] = [ast.parse(path.read_text())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        waiting += ast.iter_child_nodes(node)
    return found


@pytest.mark.parametrize(
    ("package", "room"),
    [
        ("copier", "template"),
        ("git", "delivery"),
        ("pyrage", "secrets"),
        ("subprocess", "tools"),
        ("urllib.request", "tools"),
    ],
)
def test_what_only_one_room_may_use_is_imported_there_alone(package: str, room: str) -> None:
    rooms = {
        Path(name).parts[1]
        for name in project_files("generator/*.py")
        if any(f"{item}.".startswith(f"{package}.") for item in imported(ROOT / name))
    }
    assert rooms == {room}


def starts_of_git(path: Path) -> set[str]:
    """Return the calls in a module by which git could be started: as a program, or through GitPython's `.git`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        words = [part for argument in node.args for part in (argument, *getattr(argument, "elts", ()))]
        names = {word.value if isinstance(word, ast.Constant) else getattr(word, "id", "") for word in words}
        is_program = ast.unparse(node.func).rpartition(".")[2] in {"Command", "run", "Popen"} and names & {
            "git",
            "PROGRAM",
        }
        if is_program or re.search(r"\.git\.\w+$|^(git\.)?(Git|Repo)$", ast.unparse(node.func)):
            found.add(ast.unparse(node.func))
    return found


def test_there_is_one_door_to_git() -> None:
    """Faults B4: whoever starts git by themselves forgets to clean the environment."""
    starts = {name: found for name in project_files("generator/*.py") if (found := starts_of_git(ROOT / name))}
    assert starts == {
        "generator/delivery/git/command.py": {"Git", "Repo"},
        "generator/tools/git.py": {"Command"},
    }


@pytest.mark.parametrize("arguments", [("--help",), ("--version",)])
def test_the_help_does_not_pay_for_the_work(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    heavy = {
        "copier",
        "cryptography",
        "git",
        "jinja2",
        "jsonschema_rs",
        "msgspec",
        "pydantic",
        "questionary",
        "rich",
        "ruamel",
        "yaml",
    }
    loaded = loaded_by(tmp_path, *arguments)
    assert {"click", "generator"} <= loaded
    assert loaded & heavy == set()


def test_checking_answers_needs_neither_copier_nor_git(tmp_path: Path) -> None:
    loaded = loaded_by(tmp_path, "check", "--answers", str(EXAMPLE))
    assert "jinja2" in loaded
    assert loaded & {"copier", "git", "questionary", "rich"} == set()


def test_no_module_is_longer_than_one_reads_at_a_time() -> None:
    lengths = {name: len((ROOT / name).read_text().splitlines()) for name in project_files("generator/*.py")}
    assert len(lengths) > 80
    assert {name: length for name, length in lengths.items() if length > _LONGEST} == {}


def test_nothing_is_put_off() -> None:
    found = []
    for name in project_files():
        if not name.endswith(_SUMS) and ROOT / name != Path(__file__):
            text = (ROOT / name).read_bytes().decode(errors="replace")
            found += [f"{name}: {match[0]}" for match in _MARKS.finditer(text)]
    assert found == []
