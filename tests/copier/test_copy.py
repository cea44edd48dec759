"""Plain Copier alone makes the same repositories, and fmc goes on from there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator.workspace import PARTS
from tests.copier.person import COPIER, LAYOUTS, recorded
from tests.copier.releases import FIRST, OWNED, TEMPLATE_URL
from tests.pipeline.world import EXAMPLE, ROOT

if TYPE_CHECKING:
    from tests.copier.person import Person


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_copy_records_where_it_is_from_and_says_what_comes_next(person: Person, layout: str) -> None:
    done = person.render(layout, person.folder / "copied")
    answers = recorded(person.folder / "copied")
    assert (answers["_src_path"], answers["_commit"], answers["layout"]) == (TEMPLATE_URL, FIRST, layout)
    assert f"Rendered {layout} of the cluster home" in done.err
    # A repository with secrets says how they come into being, at once and in its README.
    readmes = (person.folder / "copied").rglob("README.md")
    catalogues = list((person.folder / "copied").rglob("secrets/catalogue.yaml"))
    assert ("`fmc seal`" in done.err) == bool(catalogues) == (layout in ("argocd", "monorepo"))
    assert not catalogues or any("fmc seal" in readme.read_text() for readme in readmes)


def test_three_copies_side_by_side_are_sealed_checked_and_pushed(person: Person) -> None:
    for part in PARTS:
        person.render(part, person.workspace / part)
    unsealed = person.fmc("check", cwd=person.workspace)
    assert "Run `fmc seal`" in unsealed.all
    # As the README of argocd says it.
    sealed = person.fmc("seal", cwd=person.workspace, env={"FMC_GIT_READ_TOKEN": "a-token-that-may-read"})
    assert sealed.code == 0, sealed.all
    checked = person.fmc("check", cwd=person.workspace / "apps")
    assert (checked.code, "0 errors, 0 warnings" in checked.out) == (0, True), checked.all
    pushed = person.fmc("push", cwd=person.workspace / "argocd")
    assert pushed.code == 0, pushed.all
    assert person.published() == person.local()
    manifests = [name for name in person.published()["argocd"] if name.endswith(".sealed.yaml")]
    assert len(manifests) == 6


def test_three_repositories_at_once_are_refused(person: Person) -> None:
    given = ("--defaults", "--data-file", str(EXAMPLE), "--data", "layout=parts")
    done = person.run(str(COPIER), "copy", *given, TEMPLATE_URL, str(person.folder / "copied"))
    assert done.code != 0
    assert "three repositories take three runs: choose infra, argocd and apps in turn, or run `fmc new`" in done.err
    assert not (person.folder / "copied").exists()


def test_the_files_that_belong_to_people_say_so_and_only_they() -> None:
    templates = ROOT / "templates"
    says = {path for path in templates.rglob("*") if path.is_file() and b"# Yours: " in path.read_bytes()}
    assert says == {path for pattern in OWNED for path in templates.glob(pattern)}
