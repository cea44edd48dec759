"""What was rendered from the same answers is not rendered again, and from nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from datetime import date
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

from generator.answers import remembered
from generator.answers.parts import load_parts
from generator.answers.questionnaire import load_once
from generator.answers.remembered import MOST, SUFFIX, Remembered
from generator.errors import AnswersError
from tests.pipeline.world import EXAMPLE, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from generator.answers.load import LoadedAnswers


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    load_once.cache_clear()
    yield tmp_path / "cache" / "fmc" / "templates"
    load_once.cache_clear()


@pytest.fixture
def template(tmp_path: Path) -> Path:
    folder = tmp_path / "template"
    shutil.copytree(ROOT / "lib", folder / "lib")
    shutil.copy(ROOT / "copier.yml", folder)
    return folder


def _load(template: Path, path: Path = EXAMPLE) -> LoadedAnswers:
    load_once.cache_clear()
    (loaded,) = load_parts([path], template, ())
    return loaded


def _kept(cache: Path) -> list[Path]:
    return sorted(cache.glob(f"*{SUFFIX}"))


def _changed(tmp_path: Path, before: str, after: str) -> Path:
    text = EXAMPLE.read_text()
    assert before in text
    path = tmp_path / "changed.yaml"
    path.write_text(text.replace(before, after))
    return path


def test_the_same_answers_need_no_engine_again(cache: Path) -> None:
    code = (
        "import pathlib, sys\n"
        "from generator.answers.parts import load_parts\n"
        "load_parts([pathlib.Path(sys.argv[1])], pathlib.Path(sys.argv[2]), ())\n"
        "print('jinja2' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(EXAMPLE), str(ROOT)]
    said = [subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout for _ in range(2)]
    assert said == ["True\n", "False\n"]
    assert len(_kept(cache)) == 1


def test_the_verdict_is_the_same(cache: Path) -> None:
    first, second = _load(ROOT), _load(ROOT)
    assert (second.data, second.plan, second.plan_data, second.warnings) == (
        first.data,
        first.plan,
        first.plan_data,
        first.warnings,
    )
    assert len(_kept(cache)) == 1


def test_other_answers_are_rendered(tmp_path: Path, cache: Path) -> None:
    changed = _changed(tmp_path, "name: home", "name: attic")
    assert _load(ROOT, changed).data["name"] == "attic"
    assert _load(ROOT).data["name"] == "home"
    assert len(_kept(cache)) == 2


def test_an_edited_template_is_rendered(template: Path, cache: Path) -> None:
    before = _load(template).plan.k3s.version
    for file in (template / "lib").rglob("*.jinja"):
        file.write_text(file.read_text().replace(before, "v9.9.9+k3s1"))
    copier = template / "copier.yml"
    copier.write_text(copier.read_text().replace(before, "v9.9.9+k3s1"))
    assert _load(template).plan.k3s.version == "v9.9.9+k3s1"
    assert len(_kept(cache)) == 2


def test_wrong_answers_are_not_remembered_as_good(tmp_path: Path) -> None:
    wrong = _changed(tmp_path, "name: home", "name: 'no name'")
    for _ in range(2):
        with pytest.raises(AnswersError):
            _load(ROOT, wrong)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"a": 1}', b"\xff"])
def test_a_broken_memory_is_made_anew(cache: Path, content: bytes) -> None:
    expected = _load(ROOT).data
    (file,) = _kept(cache)
    file.write_bytes(content)
    assert _load(ROOT).data == expected
    assert file.read_bytes() != content


def test_a_folder_of_others_is_not_used(cache: Path) -> None:
    cache.mkdir(parents=True)
    cache.chmod(0o777)
    _load(ROOT)
    assert _kept(cache) == []


def test_values_that_look_alike_are_told_apart(tmp_path: Path) -> None:
    memory = Remembered()
    with memory.about(ROOT, {"name": "home"}):
        contexts: list[Mapping[str, object]] = [{"a": 1}, {"a": True}, {"a": "1"}, {"a": 1.0}, {"a": [1]}, {"a": (1,)}]
        texts = [memory.rendered("#{ a }#", one, partial(str, number)) for number, one in enumerate(contexts)]
    assert texts == list("012345")


def test_what_is_of_no_plain_value_is_rendered_each_time() -> None:
    memory = Remembered()
    with memory.about(ROOT, {}):
        for value in (date(2026, 1, 1), MappingProxyType({}), object()):
            assert [memory.rendered("", {"a": value}, partial(str, text)) for text in "xy"] == ["x", "y"]


def test_without_a_subject_nothing_is_remembered() -> None:
    memory = Remembered()
    assert [memory.rendered("", {}, partial(str, text)) for text in "xy"] == ["x", "y"]


def test_the_oldest_are_dropped(cache: Path) -> None:
    memory = Remembered()
    for number in range(MOST + 3):
        with memory.about(ROOT, number):
            memory.rendered("", {}, str)
    assert len(_kept(cache)) == MOST


def test_fmcs_own_code_around_jinja_is_part_of_the_key() -> None:
    own = Path(remembered.__file__).parents[1]
    using = {
        file.relative_to(own).as_posix()
        for file in own.rglob("*.py")
        if re.search(r"SandboxedEnvironment\b|QuickSandbox\(", file.read_text())
    }
    assert set(remembered._OWN) == using - {"template/quickened.py"}


def test_no_text_depends_on_more_than_the_answers() -> None:
    """Neither on time or chance, nor on a file that is not part of the key."""
    texts = [ROOT / "copier.yml", *(ROOT / "lib").rglob("*.jinja")]
    for file in texts:
        tags = " ".join(re.findall(r"#%.*?%#|#\{.*?\}#", file.read_text(), re.DOTALL))
        assert not re.search(r"\bnow\(|\brandom\b|\bshuffle\b|\blookup\(|\bstrftime\b", tags), file
        for name in re.findall(r"#%-?\s*(?:import|include|from|extends)\s+(\S+)", tags):
            assert re.fullmatch(r"'lib/[\w/-]+\.jinja'", name), (file, name)
