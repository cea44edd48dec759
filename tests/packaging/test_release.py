"""`make release` in a throw-away clone: the commit, the tag, the files, and what follows a tag from then on."""

from __future__ import annotations

import os
import sys
import zipfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from generator.errors import ToolError
from release.checkout import Checkout
from release.steps import pass_gate, refusals, release
from tests.copier.person import Person, make_person, recorded, snapshot
from tests.copier.releases import TEMPLATE_URL, Releases
from tests.packaging.installation import copy_work_tree, make_environment
from tests.pipeline.world import EXAMPLE, Finished, World

FIRST, SECOND = "7.0.0", "7.1.0"
TODAY = date(2026, 11, 28)
CHANGELOG = "# Changelog\n\n## Unreleased\n\n### Added\n\n- Something.\n\n## 1.0.0 - 2026-01-01\n\n- The first.\n"


@dataclass
class Maintainer(World):
    """Somebody with a clone of this repository, and a bare remote of it."""

    @property
    def clone(self) -> Path:
        return self.folder / "clone"

    @property
    def checkout(self) -> Checkout:
        return Checkout(self.clone)

    def release(self, version: str) -> Finished:
        """Run `make release` with the environment of these tests instead of a `.venv` of its own.

        As from a hook of git, a variable names another repository: it must not be the one that is tagged.
        """
        own = f"BIN={Path(sys.executable).parent}"
        command = ("make", "--old-file=.venv/.ready", own, "release", f"VERSION={version}")
        return self.run(*command, cwd=self.clone, env={"GIT_DIR": str(self.remote("fmc"))})

    def save(self, message: str) -> None:
        self.git("add", "--all", cwd=self.clone)
        self.git("commit", "--quiet", "--message", message, cwd=self.clone)

    def note(self, line: str) -> None:
        """Add a line to the changelog, and commit everything."""
        file = self.clone / "CHANGELOG.md"
        file.write_text(file.read_text().replace("## Unreleased\n", f"## Unreleased\n\n- {line}\n"))
        self.save(line)


@dataclass(frozen=True)
class History:
    """Two releases, the second with a file more in the template.

    Attributes:
        maintainer: Who made them.
        said: What each run printed.
        releases: The remote after each of them.
        wheel: The first one's wheel.
    """

    maintainer: Maintainer
    said: tuple[Finished, Finished]
    releases: Releases
    wheel: Path


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    maintainer = Maintainer(tmp_path_factory.mktemp("maintainer"))
    maintainer.make("fmc")
    copy_work_tree(maintainer.clone)
    maintainer.git("init", "--quiet", "--initial-branch=main", cwd=maintainer.clone)
    maintainer.git("remote", "add", "origin", str(maintainer.remote("fmc")), cwd=maintainer.clone)
    maintainer.note("A first thing.")
    releases = Releases(maintainer.folder / "offered")
    said = []
    for version in (FIRST, SECOND):
        said.append(maintainer.release(version))
        assert said[-1].code == 0, said[-1].all
        push = next(line for line in said[-1].out.splitlines() if line.startswith("  git push"))
        assert f"v{version}" not in maintainer.git("tag", "--list", cwd=maintainer.remote("fmc"))
        maintainer.git(*push.split()[1:], cwd=maintainer.clone)
        maintainer.git(
            "clone", "--quiet", "--bare", str(maintainer.remote("fmc")), str(releases.repository(f"v{version}"))
        )
        (maintainer.clone / "templates/apps/NEWS.md.jinja").write_text("# News of #{ name }#\n")
        maintainer.note(f"News after {version}.")
    (wheel,) = (maintainer.clone / "dist").glob(f"*-{FIRST}-*.whl")
    return History(maintainer, (said[0], said[1]), releases, wheel)


@pytest.fixture
def person(history: History, tmp_path: Path) -> Person:
    person = make_person(tmp_path / "world", history.releases)
    person.newest = f"v{FIRST}"
    return person


def test_a_release_is_one_commit_with_an_annotated_tag(history: History) -> None:
    maintainer, tag = history.maintainer, f"v{FIRST}"
    assert maintainer.git("cat-file", "-t", tag, cwd=maintainer.clone) == "tag"
    assert maintainer.git("log", "-1", "--format=%s", tag, cwd=maintainer.clone) == f"Release {tag}"
    changed = maintainer.git("diff", "--name-only", f"{tag}~", tag, cwd=maintainer.clone).split()
    assert changed == ["CHANGELOG.md", "generator/__init__.py"]
    assert maintainer.git("worktree", "list", cwd=maintainer.clone).count("\n") == 0


def test_the_changelog_tells_each_version_with_what_was_new_in_it(history: History) -> None:
    text = history.maintainer.git("show", f"v{SECOND}:CHANGELOG.md", cwd=history.maintainer.clone)
    unreleased, second, first = text.split("\n## ")[1:4]
    assert unreleased.strip() == "Unreleased"
    assert second.startswith(f"{SECOND} - 20")
    assert f"News after {FIRST}." in second
    assert first.startswith(f"{FIRST} - 20")
    assert "A first thing." in first


def test_nothing_is_pushed_until_the_printed_command_does_it(history: History) -> None:
    """That it isn't there before, and that the command works, is tried where the history is made."""
    remote = history.maintainer.remote("fmc")
    tagged = history.maintainer.git("rev-parse", f"v{SECOND}^{{commit}}", cwd=remote)
    assert history.maintainer.git("rev-parse", "main", cwd=remote) == tagged


def test_wheel_and_source_distribution_have_the_version_and_lie_in_dist(history: History) -> None:
    for version in (FIRST, SECOND):
        names = {path.name for path in (history.maintainer.clone / "dist").glob(f"*{version}*")}
        assert names == {f"flatcar_microcloud-{version}-py3-none-any.whl", f"flatcar_microcloud-{version}.tar.gz"}
    with zipfile.ZipFile(history.wheel) as wheel:
        assert f'__version__ = "{FIRST}"' in wheel.read("generator/__init__.py").decode()


def test_without_an_address_of_the_template_the_maintainer_is_told(history: History) -> None:
    named = "Template" in (history.maintainer.clone / "pyproject.toml").read_text()
    assert all(("FMC_TEMPLATE_URL" in said.out) != named for said in history.said)


def test_copier_update_follows_what_the_wheel_rendered_from_tag_to_tag(
    history: History, person: Person, tmp_path: Path
) -> None:
    installed = make_environment(history.wheel, tmp_path / "venv")
    given = ("--answers", str(EXAMPLE), "--yes", "--workspace", str(person.workspace), "--template-url", TEMPLATE_URL)
    made = person.run(str(installed.fmc), "new", *given, env={"XDG_CACHE_HOME": str(tmp_path / "cache")})
    assert made.code == 0, made.all
    for part in ("infra", "argocd", "apps"):
        answers = recorded(person.workspace / part)
        assert (answers["_src_path"], answers["_commit"]) == (TEMPLATE_URL, f"v{FIRST}")
    apps = person.workspace / "apps"
    before = snapshot(apps)
    person.update(apps)
    assert snapshot(apps) == before
    person.newest = f"v{SECOND}"
    person.update(apps)
    assert recorded(apps)["_commit"] == f"v{SECOND}"
    assert (apps / "NEWS.md").is_file()


@pytest.fixture
def maintainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Maintainer:
    """A clone of what a release changes, and of what can be built in no time."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    maintainer = Maintainer(tmp_path)
    maintainer.make("fmc")
    (maintainer.clone / "generator").mkdir(parents=True)
    (maintainer.clone / "generator/__init__.py").write_text('__version__ = "1.0.0"\n')
    (maintainer.clone / "CHANGELOG.md").write_text(CHANGELOG)
    (maintainer.clone / "README.md").write_text("# fmc\n")
    (maintainer.clone / ".gitignore").write_text("/dist/\n")
    (maintainer.clone / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "flatcar-microcloud"\ndynamic = ["version"]\n'
        '[tool.hatch.version]\npath = "generator/__init__.py"\n'
        '[tool.hatch.build.targets.wheel]\npackages = ["generator"]\n'
    )
    maintainer.git("init", "--quiet", "--initial-branch=main", cwd=maintainer.clone)
    maintainer.git("config", "user.name", "Ada", cwd=maintainer.clone)
    maintainer.git("config", "user.email", "ada@example.com", cwd=maintainer.clone)
    maintainer.save("Start")
    maintainer.git("tag", "v1.0.0", cwd=maintainer.clone)
    return maintainer


def messages(maintainer: Maintainer, version: str) -> list[str]:
    return [error.message for error in refusals(maintainer.checkout, version)]


def test_what_is_ready_is_not_refused(maintainer: Maintainer) -> None:
    assert messages(maintainer, "1.1.0") == []


def test_every_reason_is_told_at_once(maintainer: Maintainer) -> None:
    (maintainer.clone / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n")
    (maintainer.clone / "generator/__init__.py").write_text("")
    assert [message[:21] for message in messages(maintainer, "v1.1")] == [
        "a release holds what ",
        "'v1.1' is no version:",
        "__version__ is assign",
        "nothing stands under ",
    ]


@pytest.mark.parametrize("version", ["", "1", "1.1", "v1.1.0", "1.1.0rc1", "01.1.0", "1.0.0", "0.9.0"])
def test_a_version_is_three_numbers_above_what_is_released(maintainer: Maintainer, version: str) -> None:
    assert len(messages(maintainer, version)) == 1


def test_versions_are_compared_as_numbers(maintainer: Maintainer) -> None:
    maintainer.git("tag", "v1.10.0", cwd=maintainer.clone)
    maintainer.git("tag", "v9-of-somebody", cwd=maintainer.clone)
    assert messages(maintainer, "1.9.0") == ["1.9.0 is not higher than v1.10.0, which is released"]
    assert messages(maintainer, "1.11.0") == []


@pytest.mark.parametrize(
    "prepare", [("switch", "--quiet", "--create", "topic"), ("mv", "README.md", "READ.md")], ids=["branch", "change"]
)
def test_the_remedy_for_another_branch_and_for_changes_is_a_command_that_helps(
    maintainer: Maintainer, prepare: tuple[str, ...]
) -> None:
    maintainer.git(*prepare, cwd=maintainer.clone)
    (error,) = refusals(maintainer.checkout, "1.1.0")
    assert error.fix
    _, _, command = error.fix.rpartition("git ")
    maintainer.git(*command.split(), cwd=maintainer.clone)
    assert messages(maintainer, "1.1.0") == []


def test_a_run_that_was_killed_before_the_tag_is_completed(maintainer: Maintainer) -> None:
    release(maintainer.checkout, "1.1.0", TODAY)
    whole = maintainer.checkout.head()
    maintainer.git("tag", "--delete", "v1.1.0", cwd=maintainer.clone)
    assert messages(maintainer, "1.1.0") == []
    released = release(maintainer.checkout, "1.1.0", TODAY)
    assert maintainer.git("rev-parse", "v1.1.0^{commit}", cwd=maintainer.clone) == maintainer.checkout.head() == whole
    assert all(file.is_file() for file in released.files)


def test_a_build_that_fails_changes_nothing(maintainer: Maintainer) -> None:
    (maintainer.clone / "pyproject.toml").write_text("[project]\n")
    maintainer.save("Break the build")
    before = maintainer.git("for-each-ref", cwd=maintainer.clone)
    with pytest.raises(ToolError, match="exit code"):
        release(maintainer.checkout, "1.1.0", TODAY)
    assert maintainer.git("for-each-ref", cwd=maintainer.clone) == before
    assert maintainer.git("status", "--porcelain", cwd=maintainer.clone) == ""
    assert maintainer.git("worktree", "list", cwd=maintainer.clone).count("\n") == 0
    assert not (maintainer.clone / "dist").exists()


def test_files_that_are_ignored_do_not_reach_the_distribution(maintainer: Maintainer) -> None:
    (maintainer.clone / ".git/info/exclude").write_text("local.py\n")
    (maintainer.clone / "generator/local.py").write_text("")
    released = release(maintainer.checkout, "1.1.0", TODAY)
    (wheel,) = (file for file in released.files if file.suffix == ".whl")
    with zipfile.ZipFile(wheel) as archive:
        assert [name for name in archive.namelist() if name.startswith("generator/")] == ["generator/__init__.py"]


@pytest.mark.parametrize(("recipe", "passes"), [("true", True), ("false", False)])
def test_the_gate_is_make_test(maintainer: Maintainer, recipe: str, passes: bool) -> None:
    (maintainer.clone / "Makefile").write_text(f"test:\n\t{recipe}\n")
    if passes:
        pass_gate(maintainer.checkout)
    else:
        with pytest.raises(ToolError, match="make test"):
            pass_gate(maintainer.checkout)


def test_make_release_without_a_version_says_how_to_give_one(history: History) -> None:
    done = history.maintainer.release("")
    assert done.code == 2
    assert "make release VERSION=1.2.3" in done.err
