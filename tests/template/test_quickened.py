"""What Copier does quicker while fmc renders: faster, and never another rendering."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import copier
import pytest
import yaml
from copier import _main, _template
from copier._jinja_ext import SandboxedEnvironment

from generator.errors import BadInputError
from generator.template.quickened import quickened
from generator.template.render import render_layout
from generator.template.source import TemplateSource
from tests.pipeline.world import tree

if TYPE_CHECKING:
    from pathlib import Path

CONFIGURATION = """
!include further.yml
---
_envops: {keep_trailing_newline: true}
old: {type: yaml, default: 010}
words: {type: yaml, default: '{yes: no, items: [1]}'}
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A template with what readers of YAML may differ in, and with keys that are names of methods."""
    folder = tmp_path / "template"
    folder.mkdir()
    (folder / "copier.yml").write_text(CONFIGURATION)
    (folder / "further.yml").write_text("name: {type: str, default: 'é: one'}\n")
    (folder / "file.txt.jinja").write_text("{{ name }} {{ old }} {{ words }} {{ words.items() }} {{ words['items'] }}")
    return folder


def run(template: Path, destination: Path) -> dict[str, bytes]:
    copier.run_copy(str(template), destination, defaults=True, quiet=True, settings=copier.Settings())
    return tree(destination)


def members() -> tuple[Any, ...]:
    sandbox = SandboxedEnvironment
    main: Any = _main
    readers = _template.load_template_config, yaml.SafeLoader
    return sandbox.getattr, sandbox.is_safe_attribute, main.is_git_available, *readers


def test_a_rendering_is_the_same(template: Path, tmp_path: Path) -> None:
    plain = run(template, tmp_path / "plain")
    with quickened():
        assert run(template, tmp_path / "quick") == plain
    assert plain["file.txt"].decode().startswith("é: one 8 {True: False, 'items': [1]} ")


def test_libyaml_reads_the_questions(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the reader in Python was asked")

    with quickened(), monkeypatch.context() as patch:
        patch.setattr(yaml.scanner.Scanner, "fetch_more_tokens", refuse)
        assert set(_template.load_template_config(template / "copier.yml")) >= {"name", "old", "words"}


def test_copier_refuses_what_it_always_refuses(template: Path, tmp_path: Path) -> None:
    (template / "file.txt.jinja").write_text("{{ name.__class__.__mro__ }}")
    with pytest.raises(Exception, match="unsafe"):
        run(template, tmp_path / "plain")
    with quickened(), pytest.raises(Exception, match="unsafe"):
        run(template, tmp_path / "quick")


@pytest.mark.parametrize("broken", ["copier.yml", "file.txt.jinja"])
def test_copier_is_as_before_where_a_rendering_fails(template: Path, tmp_path: Path, broken: str) -> None:
    before = members()
    (template / broken).write_text("name: {{ nobody.knows.this }")
    with pytest.raises(BadInputError, match="can't be rendered"):
        render_layout(TemplateSource(template, "", ""), {}, "one", tmp_path / "broken")
    assert members() == before
