"""What files of the template import is evaluated once: faster, and never another module."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from jinja2 import DictLoader, Template, nodes
from jinja2.sandbox import SandboxedEnvironment

from generator.errors import BadInputError
from generator.template.imported import imported_once
from generator.template.render import render_layout
from generator.template.source import TemplateSource
from tests.template.components import environment
from tests.template.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

ANSWERS = {"ssh_public_key": "ssh-ed25519 AAAA", "checked": True}
TEMPLATES = {
    "name.jinja": "{% set told = 'of ' ~ name %}{% macro late() %}{{ place }}{% endmacro %}",
    "over.jinja": "{% import 'name.jinja' as inner with context %}{% set told = inner.told %}",
    "count.jinja": "{% set a = namespace(n=0) %}{% macro one() %}{% set a.n = a.n + 1 %}{{ a.n }}{% endmacro %}",
    "shows.jinja": "{% include 'part.jinja' %}{% set told = 1 %}",
    "part.jinja": "{{ name }}",
    "text.jinja": "{% set told = name ~ ' in nobody.jinja' ~ 'nobody.jinja' %}",
    "any.jinja": "{% include [part] %}{% set told = 1 %}",
}


def rendered(text: str, **given: Any) -> list[str]:
    """Return what a text renders to plainly, and twice with what imports evaluate once."""
    environment = SandboxedEnvironment(loader=DictLoader(TEMPLATES))
    plain = environment.from_string(text).render(given)
    with imported_once():
        return [plain, *(environment.from_string(text).render(given) for _ in range(2))]


@pytest.mark.parametrize(
    "text",
    [
        # The context is another one, by a variable or a local one.
        "{% for name in ('a', 'b', 'a') %}{% import 'over.jinja' as m with context %}{{ m.told }} {% endfor %}",
        "{% set name = 'c' %}{% import 'name.jinja' as m with context %}{{ m.told }}",
        # What a macro looks up when it is called.
        "{% for place in (1, 2) %}{% import 'name.jinja' as m with context %}{{ m.late() }}{% endfor %}",
        # A module that changes.
        "{% for _ in (1, 2) %}{% import 'count.jinja' as m with context %}{{ m.one() }}{{ m.one() }}{% endfor %}",
        "{% for name in 'ab' %}{% import 'shows.jinja' as m with context %}{{ m }}{% endfor %}",
        "{% for name in 'ab' %}{% import 'any.jinja' as m with context %}{{ m }}{% endfor %}",
        "{% for name in 'ab' %}{% import 'text.jinja' as m with context %}{{ m.told }}{% endfor %}",
        # A local variable that has no value yet.
        "{% for _ in (1,) %}{% import 'name.jinja' as m with context %}{{ m.told }}{% set name = 1 %}{% endfor %}",
    ],
)
def test_a_module_is_that_of_its_context(text: str) -> None:
    results = rendered(text, name="x", place="y", part="part.jinja")
    assert len(set(results)) == 1, results


def test_a_module_of_the_same_context_is_evaluated_once() -> None:
    asked: list[str] = []
    text = "{% import 'over.jinja' as m with context %}{{ m.told }}{% set _ = ask() %}"
    rendered(text, name="x", ask=lambda: asked.append("here"))
    assert len(asked) == 3
    counted = TEMPLATES["name.jinja"] + "{% set _ = ask() %}"
    environment = SandboxedEnvironment(loader=DictLoader({"name.jinja": counted}))
    with imported_once():
        template = environment.from_string("{% import 'name.jinja' as m with context %}{{ m.told }}")
        given = {"name": "x", "ask": lambda: asked.append("there")}
        assert {template.render(given) for _ in range(3)} == {"of x"}
    assert asked.count("there") == 1


def test_the_plan_is_worked_out_once_for_all_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    evaluated: Counter[str | None] = Counter()
    make = Template.make_module

    def count(template: Template, *given: Any) -> Any:
        evaluated[template.name] += 1
        return make(template, *given)

    monkeypatch.setattr(Template, "make_module", count)
    render_layout(TemplateSource(ROOT, "", ""), ANSWERS, "argocd", tmp_path / "argocd")
    # For the questions, for the names of files, and for the files; a few of which call something else `name`.
    assert 1 <= evaluated["lib/plan.jinja"] <= 8
    assert 1 <= evaluated["lib/platform.jinja"] <= 8


def test_jinja_is_as_before_where_a_rendering_fails(tmp_path: Path) -> None:
    before = Template.make_module
    (tmp_path / "broken.jinja").write_text("{{ nobody.knows.this }}")
    with pytest.raises(BadInputError, match="nobody"):
        render_layout(TemplateSource(tmp_path, "", ""), {}, "one", tmp_path / "broken")
    assert Template.make_module is before


def test_the_template_names_what_it_imports() -> None:
    """What a name is made of when it is rendered would not be known ahead."""
    jinja = environment(ROOT)
    files = [path for folder in ("lib", "templates") for path in (ROOT / folder).rglob("*.jinja") if path.is_file()]
    trees = [jinja.parse(path.read_text()) for path in files]
    imported = [
        *(node.template for tree in trees for node in tree.find_all(nodes.Import)),
        *(node.template for tree in trees for node in tree.find_all(nodes.FromImport)),
    ]
    assert len(imported) > 200
    assert [node for node in imported if not isinstance(node, nodes.Const) or not node.value.endswith(".jinja")] == []
