"""What fmc rendered is what Copier renders, and plain Copier goes on from there."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from generator.workspace import PARTS
from tests.copier.person import ANSWERS_FILE, LAYOUTS, make_person, of_sealing, recorded, snapshot
from tests.copier.releases import FIRST, SECOND, TEMPLATE_URL
from tests.pipeline.world import EXAMPLE, ROOT, answers
from tests.trees import copy_tree

if TYPE_CHECKING:
    from pathlib import Path

    from tests.copier.person import Person
    from tests.copier.releases import Releases
    from tests.pipeline.world import Finished

RUN_FMC = "from generator.cli.main import main; main()"


def fmc(person: Person, checkout: Path, *arguments: str) -> Finished:
    """Run the fmc of a checkout."""
    return person.run(sys.executable, "-c", RUN_FMC, *arguments, env={"PYTHONPATH": str(checkout)})


@pytest.fixture(scope="module")
def made(releases: Releases, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Both kinds of workspace, made by the fmc of the first version; not to be written into."""
    person = make_person(tmp_path_factory.mktemp("made") / "world", releases)
    checkout = releases.checkout(FIRST, person.folder / "fmc")
    for layout in ("parts", "monorepo"):
        given = ("--answers", str(EXAMPLE), "--set", f"layout={layout}", "--yes")
        where = ("--workspace", str(person.folder / layout), "--template-url", TEMPLATE_URL)
        done = fmc(person, checkout, "new", *given, *where)
        assert done.code == 0, done.all
    return person


@pytest.fixture
def mine(made: Person, tmp_path: Path) -> Person:
    """The same, to be worked on."""
    return replace(made, folder=copy_tree(made.folder, tmp_path / "world"))


def repositories(person: Person) -> dict[str, Path]:
    """Return the repository of each layout."""
    (monorepo,) = (path.parent for path in (person.folder / "monorepo").glob(f"*/{ANSWERS_FILE}"))
    return {part: person.folder / "parts" / part for part in PARTS} | {"monorepo": monorepo}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_fmc_and_copier_render_the_same_bytes(made: Person, person: Person, layout: str) -> None:
    root = repositories(made)[layout]
    made_by_fmc = snapshot(root)
    sealed = of_sealing(made_by_fmc)
    ours = {name: file for name, file in made_by_fmc.items() if name not in sealed}
    person.render(layout, person.folder / "copied")
    theirs = snapshot(person.folder / "copied")
    assert ours == theirs
    assert (recorded(root)["_src_path"], recorded(root)["_commit"]) == (TEMPLATE_URL, FIRST)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_copier_updates_what_fmc_made(mine: Person, layout: str) -> None:
    root = repositories(mine)[layout]
    before = snapshot(root)
    mine.newest = SECOND
    mine.update(root)
    after = snapshot(root)
    assert recorded(root)["_commit"] == SECOND
    assert {name.rpartition("/")[2] for name in after.keys() - before.keys()} == {"NEWS.md"}
    assert of_sealing(after) == of_sealing(before)
    assert bool(of_sealing(after)) == (layout in ("argocd", "monorepo"))


def test_without_an_address_the_checkout_itself_is_recorded(person: Person, releases: Releases) -> None:
    checkout = releases.checkout(FIRST, person.folder / "fmc")
    given = ("--answers", str(EXAMPLE), "--set", "layout=apps", "--yes", "--workspace", str(person.workspace))
    done = fmc(person, checkout, "new", *given)
    assert done.code == 0, done.all
    root = person.workspace / "apps"
    assert (recorded(root)["_src_path"], recorded(root)["_commit"]) == (str(checkout), FIRST)
    person.git("fetch", "--quiet", "--tags", str(releases.repository(SECOND)), cwd=checkout)
    person.update(root)
    assert recorded(root)["_commit"] == SECOND
    assert (root / "NEWS.md").is_file()


# -- fmc again, after Copier, or with another template -----------------------------------------------------------------


def fmc_again(person: Person, checkout: Path, *arguments: str, **changed: str) -> Finished:
    """Run `fmc new` in the workspace of three repositories once more, with changed answers."""
    given = ("--answers", str(answers(person.folder, **changed)), "--yes")
    where = ("--workspace", str(person.folder / "parts"), "--template-url", TEMPLATE_URL)
    return fmc(person, checkout, "new", *given, *where, *arguments)


def edit_readme(person: Person, root: Path) -> None:
    (root / "README.md").write_text(f"Mine.\n\n{(root / 'README.md').read_text()}")
    person.save(root, "Mine")


def test_an_answer_that_copier_updated_in_one_repository_is_no_conflict(mine: Person) -> None:
    """What is recorded was rendered last (faults B1). The answers that fmc is given count, and it says so."""
    root = repositories(mine)["infra"]
    edit_readme(mine, root)
    mine.update(root, "--defaults", "--data", "dns_upstream=[9.9.9.9]")
    mine.save(root, "Another name server")
    assert recorded(root)["dns_upstream"] == ["9.9.9.9"]
    done = fmc_again(mine, mine.folder / "fmc", timezone="Europe/Paris")
    assert done.code == 0, done.all
    assert "infra recorded other answers: dns_upstream; now those of this run count" in done.err
    assert mine.git("log", "-1", "--format=%s", cwd=root) == "Render the cluster home: dns_upstream, timezone"
    assert (root / "README.md").read_text().startswith("Mine.\n\n")
    expected = repositories(mine)["apps"]
    assert {name: value for name, value in recorded(root).items() if name != "layout"} == {
        name: value for name, value in recorded(expected).items() if name != "layout"
    }


def test_an_answer_that_copier_updated_in_a_monorepo_stays(mine: Person) -> None:
    """Faults E5: answers.yaml had the old one, and the next `fmc new` rendered it again."""
    root = repositories(mine)["monorepo"]
    mine.update(root, "--defaults", "--data", "dns_upstream=[9.9.9.9]")
    mine.save(root, "Another name server")
    given = ("--set", "timezone=Europe/Paris", "--yes", "--workspace", str(mine.folder / "monorepo"))
    done = fmc(mine, mine.folder / "fmc", "new", "--answers", str(mine.folder / "monorepo/answers.yaml"), *given)
    assert done.code == 0, done.all
    assert "dns_upstream is" in done.err
    assert "was changed in the repositories" in done.err
    assert {"dns_upstream": ["9.9.9.9"], "timezone": "Europe/Paris"}.items() <= recorded(root).items()
    assert "9.9.9.9" in (mine.folder / "monorepo" / "answers.yaml").read_text()


@pytest.fixture
def newer(mine: Person, releases: Releases) -> Path:
    """The fmc of the second version; in a clone of infra, where Git does not hold what the first one rendered last."""
    root = repositories(mine)["infra"]
    edit_readme(mine, root)
    assert fmc_again(mine, mine.folder / "fmc", timezone="Europe/Paris").code == 0
    mine.git("clone", "--quiet", f"file://{root}", str(mine.folder / "clone"))
    # Not as this machine is sent elsewhere.
    origin = mine.git("config", "remote.origin.url", cwd=root)
    mine.git("remote", "set-url", "origin", origin, cwd=mine.folder / "clone")
    shutil.rmtree(root)
    (mine.folder / "clone").rename(root)
    mine.newest = SECOND
    return releases.checkout(SECOND, mine.folder / "newer")


def test_a_rendering_of_an_older_template_is_fetched_as_the_base(mine: Person, newer: Path) -> None:
    root = repositories(mine)["infra"]
    done = fmc_again(mine, newer, timezone="Europe/Rome")
    assert done.code == 0, done.all
    assert (root / "README.md").read_text().startswith("Mine.\n\n")
    assert (root / "NEWS.md").is_file()
    assert (recorded(root)["_commit"], recorded(root)["timezone"]) == (SECOND, "Europe/Rome")
    assert mine.git("log", "-1", "--format=%s", cwd=root) == f"Render the cluster home: template {SECOND}, timezone"


def test_without_the_older_template_a_person_decides_and_the_remedy_works(mine: Person, newer: Path) -> None:
    root = repositories(mine)["infra"]
    mine.git("tag", "--delete", FIRST, cwd=mine.releases.repository(SECOND))
    try:
        done = fmc_again(mine, newer, timezone="Europe/Rome")
        assert done.code == 3
        assert f"which can't be had from {TEMPLATE_URL}" in done.err
        assert mine.git("log", "-1", "--format=%s", cwd=root) == "Render the cluster home: timezone"
        assert "`--take infra`" in done.err
        done = fmc_again(mine, newer, "--take", "infra", timezone="Europe/Rome")
        assert done.code == 0, done.all
        assert "-Mine." in mine.git("diff", "HEAD~1", cwd=root)
    finally:
        mine.git("tag", FIRST, f"{SECOND}~1", cwd=mine.releases.repository(SECOND))


# -- how it renders ----------------------------------------------------------------------------------------------------

RENDER = """
import sys
from pathlib import Path
from generator.answers.load import load
from generator.template.render import render_layout
from generator.template.source import TemplateSource

root, answers, layout, destination = sys.argv[1:]
source = TemplateSource(Path(root), "", "")
render_layout(source, load(Path(answers), source.root, {}).data, layout, Path(destination))
"""


@pytest.fixture
def recorder(tmp_path: Path) -> Path:
    """A folder with a `git` that writes down how it was called, and fails."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "git").write_text(f'#!/bin/sh\necho "$@" >> {folder}/calls\nexit 1\n')
    (folder / "git").chmod(0o755)
    return folder


@pytest.mark.parametrize("layout", LAYOUTS)
def test_rendering_calls_no_git(person: Person, recorder: Path, layout: str) -> None:
    arguments = (str(ROOT), str(EXAMPLE), layout, str(person.folder / "rendered"))
    done = person.run(sys.executable, "-c", RENDER, *arguments, env={"PATH": str(recorder)})
    assert done.code == 0, done.err
    assert (person.folder / "rendered" / "README.md").is_file()
    assert not (recorder / "calls").exists()


def test_the_recorder_would_see_git(person: Person, recorder: Path) -> None:
    code = f"import copier; copier.run_copy({str(ROOT)!r}, 'rendered')"
    assert person.run(sys.executable, "-c", code, env={"PATH": str(recorder)}).code != 0
    assert (recorder / "calls").read_text()
