"""What fmc rendered last is recognised by its content, whatever became of the commit (faults B1)."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from generator.delivery.git.command import repository_at
from generator.delivery.git.objects import entries_of_folder
from generator.delivery.local.commits import commit_tree
from generator.delivery.local.rendered import LastRendering, last_rendering
from generator.delivery.model import Target
from tests.delivery.workspace import RUN, git, hook, make_tree, rendered_again


@pytest.fixture
def second(tmp_path: Path) -> Path:
    """Make what a second rendering gives."""
    path = make_tree(tmp_path / "again" / "infra")
    (path / "README.md").write_text("# second\n")
    (path / "new.yaml").write_text("a: 1\n")
    return path


def commit_first(tree: Target) -> Target:
    commit_tree(tree, author=None, subject="feat: render", run_id=RUN)
    return tree


@pytest.fixture
def committed(tree: Target) -> Target:
    return commit_first(tree)


@pytest.fixture
def merged(committed: Target, second: Path) -> Target:
    """Commit an edit of a person, and then a second rendering, which is merged with it."""
    save(committed.path, "scripts/run.sh", "#!/bin/sh\nmine\n")
    rendered_again((committed, second))
    return committed


def save(repository: Path, name: str, text: str, *arguments: str) -> None:
    """Commit a file, as a person would."""
    (repository / name).write_text(text)
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", *(arguments or ("--message=mine",)))


def found(path: Path) -> LastRendering:
    repo = repository_at(path)
    assert repo is not None
    head = git(path, "rev-parse", "HEAD") if git(path, "rev-list", "--all", "--max-count=1") else None
    return last_rendering(path, repo, head)


def is_found(path: Path, rendered: Path) -> bool:
    return found(path).entries == entries_of_folder(rendered, "sha1")


def test_nothing_was_rendered_before_the_first_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "empty")
    assert found(tmp_path / "empty") == LastRendering({}, None, None)


def test_a_history_without_a_rendering_tells_nothing(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "theirs")
    save(tmp_path / "theirs", "README.md", "theirs\n")
    assert found(tmp_path / "theirs") == LastRendering(None, None, None)


def test_it_is_found_below_commits_of_people(committed: Target, tmp_path: Path) -> None:
    save(committed.path, "README.md", "mine\n")
    assert is_found(committed.path, make_tree(tmp_path / "same" / "infra"))


def test_it_is_found_where_it_was_merged_with_an_edit(merged: Target, second: Path) -> None:
    assert git(merged.path, "log", "-1", "--format=%T") not in git(merged.path, "log", "-1", "--format=%B")
    assert is_found(merged.path, second)
    # Any user's gc leaves it alone.
    git(merged.path, "reflog", "expire", "--expire=now", "--all")
    git(merged.path, "gc", "--quiet", "--prune=now")
    assert is_found(merged.path, second)
    assert git(merged.path, "fsck", "--strict") == ""


def test_it_is_found_behind_a_merge(committed: Target, second: Path) -> None:
    git(committed.path, "switch", "--quiet", "--create", "other")
    rendered_again((dataclasses.replace(committed, branch="other"), second))
    git(committed.path, "switch", "--quiet", "main")
    git(committed.path, "merge", "--quiet", "--no-ff", "--message=Merge request", "other")
    assert is_found(committed.path, second)


def test_it_is_found_after_a_rebase(committed: Target, second: Path) -> None:
    git(committed.path, "branch", "colleague")
    rendered_again((committed, second))
    git(committed.path, "switch", "--quiet", "colleague")
    save(committed.path, "theirs.md", "theirs\n")
    git(committed.path, "switch", "--quiet", "main")
    git(committed.path, "rebase", "--quiet", "colleague")
    assert is_found(committed.path, second)


def test_it_is_found_in_an_amended_commit(committed: Target, second: Path, tmp_path: Path) -> None:
    save(committed.path, "README.md", "slipped in\n", "--amend", "--no-edit")
    assert is_found(committed.path, make_tree(tmp_path / "same" / "infra"))


@pytest.mark.parametrize("squashed", ["git", "forge"])
def test_it_is_found_in_a_squashed_commit(committed: Target, second: Path, squashed: str) -> None:
    """With the message that `git merge --squash` proposes (newest first), and with that of a forge (oldest first)."""
    git(committed.path, "switch", "--quiet", "--create", "request")
    request = dataclasses.replace(committed, branch="request")
    third = second.with_name("third")
    shutil.copytree(second, third)
    (third / "README.md").write_text("# third\n")
    rendered_again((request, second))
    save(committed.path, "mine.md", "mine\n")
    rendered_again((request, third))
    messages = git(committed.path, "log", "--reverse", "--format=* %B", "main..request")
    git(committed.path, "switch", "--quiet", "main")
    git(committed.path, "merge", "--quiet", "--squash", "request")
    git(committed.path, "commit", "--quiet", *(["--no-edit"] if squashed == "git" else ["--message", messages]))
    assert git(committed.path, "rev-list", "--count", "HEAD") == "2"
    assert is_found(committed.path, third)


def test_it_is_found_on_another_machine(merged: Target, second: Path, tmp_path: Path) -> None:
    """A clone has what was committed as it was rendered; of a merged one it has the answers alone."""
    git(tmp_path, "clone", "--quiet", f"file://{merged.path}", "clone")
    assert found(tmp_path / "clone") == LastRendering(None, None, (second / ".copier-answers.yml").read_bytes())
    git(tmp_path / "clone", "reset", "--quiet", "--hard", "HEAD~1")
    assert is_found(tmp_path / "clone", make_tree(tmp_path / "same" / "infra"))


def test_answers_that_were_recorded_later_are_told_from_those_of_the_rendering(merged: Target, second: Path) -> None:
    rendered = (second / ".copier-answers.yml").read_bytes()
    save(merged.path, ".copier-answers.yml", "layout: infra\nname: lab\ntimezone: Europe/Paris\n")
    told = found(merged.path)
    assert (told.answers, told.recorded) == (rendered, (merged.path / ".copier-answers.yml").read_bytes())


def test_where_nothing_names_it_the_recorded_answers_are_the_last_ones(committed: Target) -> None:
    git(committed.path, "commit", "--quiet", "--amend", "--message=squashed by a forge, with a title of its own")
    assert found(committed.path) == LastRendering(None, None, (committed.path / ".copier-answers.yml").read_bytes())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("core.commentChar", "F"),
        ("commit.cleanup", "strip"),
        ("commit.template", "/dev/null"),
        ("grep.patternType", "perl"),
        ("grep.extendedRegexp", "true"),
        ("log.showSignature", "true"),
        ("log.decorate", "full"),
        ("trailer.separators", "#"),
        ("i18n.logOutputEncoding", "UTF-16"),
    ],
)
def test_no_setting_hides_it(tree: Target, second: Path, name: str, value: str) -> None:
    git(tree.path, "config", "--global", name, value)
    commit_first(tree)
    save(tree.path, "mine.md", "mine\n")
    rendered_again((tree, second))
    assert is_found(tree.path, second)
    assert git(tree.path, "status", "--porcelain") == ""


def test_a_hook_that_rewrites_messages_hides_no_commit(committed: Target, second: Path) -> None:
    """The files follow, and the recorded answers tell what was rendered."""
    hook(committed.path, "commit-msg", 'echo "house style" > "$1"')
    rendered_again((committed, second))
    assert git(committed.path, "log", "-1", "--format=%B") == "house style"
    assert git(committed.path, "status", "--porcelain") == ""
    assert (committed.path / "README.md").read_text() == "# second\n"
