"""What Copier prepares once for a rendering: faster, and never another rendering."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import copier
import pytest
from copier._main import Worker

from generator.errors import BadInputError
from generator.template.prepared import prepared_once
from generator.template.render import render_layout
from generator.template.source import TemplateSource
from tests.pipeline.world import tree
from tests.template.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

ANSWERS = {"ssh_public_key": "ssh-ed25519 AAAA", "checked": True}
CONFIGURATION = """
_answers_file: .answers-of-{{ name }}.yml
name: {type: str, default: one}
greeting: {type: str, default: 'hello {{ name }}'}
"""


def run(template: Path, destination: Path, **data: Any) -> dict[str, bytes]:
    copier.run_copy(str(template), destination, data=data, defaults=True, quiet=True, settings=copier.Settings())
    return tree(destination)


@pytest.fixture
def gathered(monkeypatch: pytest.MonkeyPatch) -> list[Worker]:
    """Who gathered what texts are rendered with, each time."""
    workers: list[Worker] = []
    original = Worker._render_context

    def gather(worker: Worker) -> Any:
        workers.append(worker)
        return original(worker)

    monkeypatch.setattr(Worker, "_render_context", gather)
    return workers


def test_it_is_gathered_for_questions_and_once_for_all_files(gathered: list[Worker], tmp_path: Path) -> None:
    render_layout(TemplateSource(ROOT, "", ""), ANSWERS, "argocd", tmp_path / "argocd")
    questions, once = len(gathered[0].template.questions_data), 10
    assert sum(path.is_file() for path in (tmp_path / "argocd").rglob("*")) > 2 * once
    assert len(gathered) < questions + once


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A template that uses all of it: in paths, in contents, and for the name of the answers file."""
    folder = tmp_path / "template"
    (folder / "{{ name }}").mkdir(parents=True)
    (folder / "copier.yml").write_text(CONFIGURATION)
    (folder / "{{ name }}" / "{{ greeting }}.txt.jinja").write_text(
        "{{ greeting }} in {{ _folder_name }} {{ _copier_phase }} {{ _copier_conf.answers_file }}\n"
    )
    (folder / "{{ _copier_conf.answers_file }}.jinja").write_text("{{ _copier_answers | to_nice_yaml }}")
    return folder


def test_each_rendering_has_its_own(template: Path, tmp_path: Path) -> None:
    plain = {name: run(template, tmp_path / "plain" / name, name=name) for name in ("one", "two")}
    with prepared_once():
        prepared = {name: run(template, tmp_path / "prepared" / name, name=name) for name in ("one", "two")}
    assert prepared == plain
    assert plain["two"]["two/hello two.txt"] == b"hello two in two render .answers-of-two.yml\n"
    assert b"greeting: hello two" in plain["two"][".answers-of-two.yml"]


def test_copier_is_as_before_where_a_rendering_fails(template: Path, tmp_path: Path) -> None:
    before = members()
    (template / "broken.jinja").write_text("{{ nobody.knows.this }}")
    with pytest.raises(BadInputError, match="nobody"):
        render_layout(TemplateSource(template, "", ""), {}, "one", tmp_path / "broken")
    assert members() == before


def members() -> tuple[Any, ...]:
    return Worker._render_template, Worker._render_context, Worker._render_string, Worker.answers_relpath


def test_names_are_rendered_once_and_those_of_a_loop_each_time(template: Path, tmp_path: Path) -> None:
    names = "{% yield one from ['a', 'b'] %}{{ one }}{% endyield %}"
    for file in (f"{names}/{{{{ name }}}}.txt", f"{names}/plain", f"{{{{ name }}}}/{names}.txt", "{{ name }}/plain"):
        (template / file).parent.mkdir(exist_ok=True)
        (template / file).write_text("text")
    plain = run(template, tmp_path / "plain" / "here", name="x")
    assert {"a/x.txt", "b/x.txt", "a/plain", "b/plain", "x/a.txt", "x/b.txt", "x/plain"} <= plain.keys()
    with prepared_once():
        assert run(template, tmp_path / "prepared" / "here", name="x") == plain
