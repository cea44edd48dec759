"""What is kept of compiling: faster, and never another rendering."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from jinja2 import Environment

from generator.errors import BadInputError
from generator.template.render import render_layout
from generator.template.source import TemplateSource
from tests.pipeline.world import tree
from tests.template.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

ANSWERS = {"ssh_public_key": "ssh-ed25519 AAAA", "checked": True}
EDITED = "templates/apps/README.md.jinja"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "fmc" / "templates"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A template of one's own."""
    folder = tmp_path / "source"
    folder.mkdir()
    shutil.copy(ROOT / "copier.yml", folder)
    for name in ("lib", "templates"):
        shutil.copytree(ROOT / name, folder / name, symlinks=True)
    return folder


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that Jinja had to compile."""
    texts: list[str] = []
    original = Environment._parse

    def parse(environment: Environment, text: str, *rest: Any) -> Any:
        texts.append(text)
        return original(environment, text, *rest)

    monkeypatch.setattr(Environment, "_parse", parse)
    return texts


def rendered(source: Path, destination: Path, layout: str = "apps") -> dict[str, bytes]:
    render_layout(TemplateSource(source, "", ""), ANSWERS, layout, destination)
    return tree(destination)


@pytest.mark.usefixtures("cache")
def test_the_second_rendering_compiles_nothing_and_gives_the_same(tmp_path: Path, parsed: list[str]) -> None:
    first = rendered(ROOT, tmp_path / "first", "monorepo")
    assert len(parsed) > 200
    parsed.clear()
    assert rendered(ROOT, tmp_path / "second", "monorepo") == first
    assert parsed == []


@pytest.mark.usefixtures("cache")
def test_an_edited_template_is_compiled_anew(source: Path, tmp_path: Path, parsed: list[str]) -> None:
    first = rendered(source, tmp_path / "first")
    parsed.clear()
    (source / EDITED).write_text("Now #{ name }#\n")
    assert rendered(source, tmp_path / "second") == {**first, "README.md": b"Now lab\n"}
    assert parsed == ["Now #{ name }#\n"]


@pytest.mark.usefixtures("cache")
def test_a_fault_is_placed_where_the_template_lies_now(source: Path, tmp_path: Path) -> None:
    (source / EDITED).write_text("Fine\n#{ name.missing.further }#\n")
    for folder in ("here", "elsewhere"):
        source = source.rename(tmp_path / folder)
        with pytest.raises(BadInputError) as caught:
            rendered(source, tmp_path / "rendered" / folder)
        assert caught.value.where == f"{source / EDITED}:2"


def test_what_can_not_be_read_is_made_anew(cache: Path, tmp_path: Path) -> None:
    first = rendered(ROOT, tmp_path / "first")
    (kept,) = cache.glob("*.compiled")
    size = kept.stat().st_size
    for damage in (b"", b"not compiled", kept.read_bytes()[:1000]):
        kept.write_bytes(damage)
        assert rendered(ROOT, tmp_path / str(len(damage))) == first
        assert kept.stat().st_size == size


def test_what_others_can_write_is_neither_run_nor_written(cache: Path, tmp_path: Path, parsed: list[str]) -> None:
    rendered(ROOT, tmp_path / "first")
    (kept,) = cache.glob("*.compiled")
    before = kept.stat()
    cache.chmod(0o777)
    parsed.clear()
    rendered(ROOT, tmp_path / "second")
    assert len(parsed) > 50
    assert kept.stat().st_mtime_ns == before.st_mtime_ns


def test_a_disk_that_can_not_be_written_costs_speed_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    assert "README.md" in rendered(ROOT, tmp_path / "rendered")
