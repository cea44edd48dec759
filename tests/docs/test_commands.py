"""The pages in docs/commands/ say what `--help` says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest

from docs import generate
from generator.cli.verbs import VERBS

if TYPE_CHECKING:
    from pathlib import Path


def test_the_pages_are_what_make_docs_writes() -> None:
    lying_there = {path.name: path.read_text() for path in generate.FOLDER.iterdir()}
    assert lying_there == generate.pages(), "run `make docs`, and commit docs/commands/"


def test_each_command_has_a_section_with_each_of_its_options() -> None:
    pages = generate.pages()
    for name, command in generate.commands().items():
        if not name:
            continue
        page = pages[f"{name.split()[0]}.md"]
        _, _, section = page.partition(f"# fmc {name}\n")
        assert section, name
        options = [option for option in command.params if isinstance(option, click.Option)]
        assert all(f"`{option.opts[0]}" in section for option in options)


def test_the_index_leads_to_every_page() -> None:
    index = generate.pages()["README.md"]
    assert all(f"[`fmc {verb}`]({verb}.md) | {line} |" in index for verb, (_, line) in VERBS.items())


def test_make_docs_removes_the_page_of_a_verb_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "FOLDER", tmp_path / "commands")
    monkeypatch.setattr(generate, "RULES", tmp_path / "rules.md")
    generate.write()
    (tmp_path / "commands" / "gone.md").write_text("# fmc gone\n")
    (tmp_path / "commands" / "new.md").write_text("another text\n")
    generate.write()
    assert {path.name: path.read_text() for path in (tmp_path / "commands").iterdir()} == generate.pages()
