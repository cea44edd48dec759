"""The wheel alone, in an environment of its own and far from any checkout, does everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from generator import __version__
from tests.copier.person import ANSWERS_FILE, of_sealing, recorded, snapshot
from tests.copier.releases import SECOND, TEMPLATE_URL
from tests.pipeline.world import EXAMPLE
from tests.template.conftest import render

if TYPE_CHECKING:
    from pathlib import Path

    from tests.copier.person import Person
    from tests.packaging.installation import Installation
    from tests.pipeline.world import Finished
    from tests.template.conftest import Render

__all__ = ["render"]


def fmc(person: Person, installed: Installation, *arguments: str, cwd: Path | None = None) -> Finished:
    """Run the installed command with a cache of its own: nothing that another fmc has kept is found there."""
    return person.run(str(installed.fmc), *arguments, cwd=cwd, env={"XDG_CACHE_HOME": str(person.folder / "fmc-cache")})


def new(person: Person, installed: Installation, *arguments: str) -> None:
    given = ("--answers", str(EXAMPLE), "--yes", "--workspace", str(person.workspace))
    done = fmc(person, installed, "new", *given, *arguments)
    assert done.code == 0, done.all


@pytest.mark.parametrize("name", ["generator", "kubernetes_validate", "pytest", "hatchling"])
def test_nothing_of_this_environment_is_seen(installed: Installation, person: Person, name: str) -> None:
    code = f"import importlib.util as u; found = u.find_spec({name!r}); print(found.origin if found else None)"
    expected = str(installed.packages / "generator/__init__.py") if name == "generator" else "None"
    assert person.run(str(installed.python), "-c", code).out.strip() == expected


def test_it_tells_its_version(installed: Installation, person: Person) -> None:
    assert fmc(person, installed, "--version").out == f"fmc {__version__}\n"


@pytest.mark.parametrize("layout", ["parts", "monorepo"])
def test_it_renders_the_same_repositories_and_checks_them(
    installed: Installation, person: Person, render: Render, layout: str
) -> None:
    new(person, installed, "--set", f"layout={layout}", "--template-url", TEMPLATE_URL)
    roots = sorted(path.parent for path in person.workspace.glob(f"*/{ANSWERS_FILE}"))
    assert len(roots) == (3 if layout == "parts" else 1)
    for root in roots:
        answers = recorded(root)
        assert (answers["_src_path"], answers["_commit"]) == (TEMPLATE_URL, f"v{__version__}")
        made = snapshot(root)
        expected = snapshot(render(yaml.safe_load(EXAMPLE.read_text()), answers["layout"]))
        apart = of_sealing(made).keys() | {ANSWERS_FILE}
        assert {name: file for name, file in made.items() if name not in apart} == {
            name: file for name, file in expected.items() if name != ANSWERS_FILE
        }
    checked = fmc(person, installed, "check", "--engine", "builtin", cwd=person.workspace)
    assert checked.code == 0, checked.all
    assert "0 errors" in checked.out


def test_plain_copier_goes_on_from_it(installed: Installation, person: Person) -> None:
    new(person, installed, "--set", "layout=apps", "--template-url", TEMPLATE_URL)
    person.newest = SECOND
    person.update(person.workspace / "apps")
    assert recorded(person.workspace / "apps")["_commit"] == SECOND
    assert (person.workspace / "apps" / "NEWS.md").is_file()


def test_without_an_address_nothing_of_this_machine_is_recorded(installed: Installation, person: Person) -> None:
    new(person, installed, "--set", "layout=apps")
    answers = recorded(person.workspace / "apps")
    assert (answers.get("_src_path"), answers["_commit"]) == (None, f"v{__version__}")
    assert not [name for name, (_, content) in snapshot(person.workspace).items() if b"/_template" in content]
