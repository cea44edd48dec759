"""Three trees become one: what people changed stays, what is rendered differently is taken, overlaps are named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.delivery.local.commits import commit_tree
from generator.delivery.local.staged import Decisions
from generator.delivery.model import Target
from generator.errors import OverlapError
from tests.delivery.workspace import RUN, git, make_tree, rendered_again

TEXT = "".join(f"line {number}\n" for number in range(1, 21))


@pytest.fixture
def committed(tree: Target) -> Target:
    """A repository in which fmc rendered once, and whose person can then go on."""
    (tree.path / "text.md").write_text(TEXT)
    (tree.path / "values.user.yaml").write_text("# Yours.\n")
    (tree.path / "folder").mkdir()
    (tree.path / "folder" / "a.yaml").write_text("a: 1\n")
    commit_tree(tree, author=None, subject="feat: render", run_id=RUN)
    return tree


@pytest.fixture
def rendered(committed: Target, tmp_path: Path) -> Path:
    """The same tree rendered again, to be changed by the test."""
    folder = tmp_path / "again" / "infra"
    shutil.copytree(committed.path, folder, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    return folder


def save(target: Target) -> None:
    """Commit everything, as a person would."""
    git(target.path, "add", "--all")
    git(target.path, "commit", "--quiet", "--message=mine")


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def overlaps(target: Target, rendered: Path) -> list[str]:
    """Render again, and return the places of the overlaps; nothing may be written then."""

    def state() -> tuple[str, ...]:
        asked = (("rev-parse", "HEAD"), ("status", "--porcelain", "--ignored"), ("count-objects", "-v"))
        return tuple(git(target.path, *arguments) for arguments in asked)

    before = state()
    with pytest.raises(OverlapError) as caught:
        rendered_again((target, rendered))
    assert state() == before
    return [finding.where for finding in caught.value.findings]


def test_changes_in_different_places_of_a_text_are_both_there(committed: Target, rendered: Path) -> None:
    edit(committed.path / "text.md", "line 3\n", "line 3, mine\n")
    save(committed)
    edit(rendered / "text.md", "line 15\n", "line 15, rendered\n")
    assert rendered_again((committed, rendered))[0].changed
    text = TEXT.replace("line 3\n", "line 3, mine\n").replace("line 15\n", "line 15, rendered\n")
    assert (committed.path / "text.md").read_text() == text
    assert git(committed.path, "status", "--porcelain") == ""
    assert not rendered_again((committed, rendered))[0].changed


def test_a_later_rendering_starts_from_the_last_one(committed: Target, rendered: Path) -> None:
    """The base is what was rendered, not what was committed: an edit stays one through many renderings."""
    edit(committed.path / "text.md", "line 3\n", "line 3, mine\n")
    save(committed)
    for number in (15, 16, 15):
        (rendered / "text.md").write_text(TEXT.replace(f"line {number}\n", "rendered\n"))
        rendered_again((committed, rendered))
        expected = TEXT.replace("line 3\n", "line 3, mine\n").replace(f"line {number}\n", "rendered\n")
        assert (committed.path / "text.md").read_text() == expected


def test_an_overlap_names_the_line_in_the_persons_file(committed: Target, rendered: Path) -> None:
    edit(committed.path / "text.md", "line 3\n", "line 3\nadded\nadded\n")
    edit(committed.path / "text.md", "line 9\n", "line 9, mine\n")
    edit(committed.path / "text.md", "line 18\nline 19\n", "")
    save(committed)
    edit(rendered / "text.md", "line 1\n", "a title\n\nline 1\n")
    edit(rendered / "text.md", "line 9\n", "line 9, rendered\n")
    edit(rendered / "text.md", "line 18\n", "line 18, rendered\n")
    assert overlaps(committed, rendered) == ["infra/text.md:11", "infra/text.md:20"]


def test_what_both_sides_say_is_shown(committed: Target, rendered: Path) -> None:
    edit(committed.path / "text.md", "line 9\n", "line 9, \x1b[31mmine\n")
    save(committed)
    edit(rendered / "text.md", "line 9\n", "line 9, rendered\n")
    with pytest.raises(OverlapError) as caught:
        rendered_again((committed, rendered))
    (finding,) = caught.value.findings
    assert finding.message == "you have `line 9, mine` here, and `line 9, rendered` is rendered now"
    assert "`--keep infra/text.md`" in finding.fix
    assert "`--take infra/text.md`" in finding.fix


@pytest.mark.parametrize(("side", "line"), [("keep", "line 9, mine"), ("take", "line 9, rendered")])
@pytest.mark.parametrize("name", ["infra/text.md", "infra", "infra/"])
def test_a_decision_holds_where_the_sides_overlap_and_nowhere_else(
    committed: Target, rendered: Path, side: str, line: str, name: str
) -> None:
    edit(committed.path / "text.md", "line 9\n", "line 9, mine\n")
    edit(committed.path / "text.md", "line 1\n", "line 1, mine\n")
    save(committed)
    edit(rendered / "text.md", "line 9\n", "line 9, rendered\n")
    edit(rendered / "text.md", "line 19\n", "line 19, rendered\n")
    rendered_again((committed, rendered), decisions=Decisions(**{side: (name,)}))
    text = (committed.path / "text.md").read_text().splitlines()
    assert [text[0], text[8], text[18]] == ["line 1, mine", line, "line 19, rendered"]
    # What was decided once is no question any more.
    edit(rendered / "text.md", "line 15\n", "line 15, rendered\n")
    assert rendered_again((committed, rendered))[0].changed


def test_a_decision_for_another_file_does_not_count(committed: Target, rendered: Path) -> None:
    edit(committed.path / "text.md", "line 9\n", "line 9, mine\n")
    save(committed)
    edit(rendered / "text.md", "line 9\n", "line 9, rendered\n")
    with pytest.raises(OverlapError):
        rendered_again((committed, rendered), decisions=Decisions(keep=("infra/text", "apps/text.md", "text.md")))


def test_files_that_were_never_rendered_are_no_conflict(committed: Target, rendered: Path) -> None:
    (committed.path / "folder" / "mine.yaml").write_text("mine: 1\n")
    (committed.path / "main" / ".terraform.lock.hcl").parent.mkdir()
    (committed.path / "main" / ".terraform.lock.hcl").write_text("locked\n")
    save(committed)
    edit(rendered / "text.md", "line 9\n", "line 9, rendered\n")
    rendered_again((committed, rendered))
    assert (committed.path / "folder" / "mine.yaml").read_text() == "mine: 1\n"
    assert (committed.path / "main" / ".terraform.lock.hcl").read_text() == "locked\n"
    assert "rendered" in (committed.path / "text.md").read_text()


def test_a_mode_and_a_content_are_merged(committed: Target, rendered: Path) -> None:
    (committed.path / "text.md").chmod(0o755)
    save(committed)
    edit(rendered / "text.md", "line 9\n", "line 9, rendered\n")
    edit(rendered / "scripts" / "run.sh", "true", "false")
    (rendered / "scripts" / "run.sh").chmod(0o644)
    rendered_again((committed, rendered))
    assert (committed.path / "text.md").stat().st_mode & 0o100
    assert "rendered" in (committed.path / "text.md").read_text()
    assert not (committed.path / "scripts" / "run.sh").stat().st_mode & 0o100


def test_a_file_that_a_person_moved_takes_the_change_along(committed: Target, rendered: Path) -> None:
    (committed.path / "text.md").rename(committed.path / "moved.md")
    edit(committed.path / "moved.md", "line 3\n", "line 3, mine\n")
    (committed.path / "other.md").write_text("something else\n")
    save(committed)
    edit(rendered / "text.md", "line 15\n", "line 15, rendered\n")
    rendered_again((committed, rendered))
    assert not (committed.path / "text.md").exists()
    text = (committed.path / "moved.md").read_text()
    assert "line 3, mine" in text
    assert "line 15, rendered" in text
    assert (committed.path / "other.md").exists()


def test_an_edit_follows_a_file_that_is_rendered_in_another_place(committed: Target, rendered: Path) -> None:
    edit(committed.path / "text.md", "line 3\n", "line 3, mine\n")
    save(committed)
    (rendered / "elsewhere").mkdir()
    (rendered / "text.md").rename(rendered / "elsewhere" / "text.md")
    rendered_again((committed, rendered))
    assert not (committed.path / "text.md").exists()
    assert "line 3, mine" in (committed.path / "elsewhere" / "text.md").read_text()


def test_a_moved_file_that_is_not_rendered_any_more_stays_where_it_is(committed: Target, rendered: Path) -> None:
    (committed.path / "text.md").rename(committed.path / "moved.md")
    save(committed)
    (rendered / "text.md").unlink()
    rendered_again((committed, rendered))
    assert (committed.path / "moved.md").read_text() == TEXT


def test_the_true_origin_of_a_moved_file_is_found(committed: Target, tmp_path: Path) -> None:
    """Two files are much alike; the person moved one of them, and removed the other, which is rendered differently."""
    alike = tmp_path / "alike"
    shutil.copytree(committed.path, alike, ignore=shutil.ignore_patterns(".git"))
    (alike / "text2.md").write_text(TEXT.replace("line 20", "line twenty"))
    rendered_again((committed, alike))
    (committed.path / "text2.md").rename(committed.path / "moved.md")
    (committed.path / "text.md").unlink()
    save(committed)
    edit(alike / "text.md", "line 9\n", "line 9, rendered\n")
    assert overlaps(committed, alike) == ["infra/text.md"]


def _removed_and_rendered_differently(mine: Path, rendered: Path) -> None:
    (mine / "text.md").unlink()
    edit(rendered / "text.md", "line 9\n", "line 9, rendered\n")


def _changed_and_not_rendered_any_more(mine: Path, rendered: Path) -> None:
    edit(mine / "text.md", "line 9\n", "line 9, mine\n")
    (rendered / "text.md").unlink()


def _added_on_both_sides(mine: Path, rendered: Path) -> None:
    (mine / "text.md").write_text("mine\n")
    (rendered / "text.md").write_text("rendered\n")


def _no_text(mine: Path, rendered: Path) -> None:
    (mine / "text.md").write_bytes(b"\0mine")
    (rendered / "text.md").write_bytes(b"\0rendered")


def _a_link_and_a_text(mine: Path, rendered: Path) -> None:
    (mine / "text.md").unlink()
    (mine / "text.md").symlink_to("README.md")
    edit(rendered / "text.md", "line 9\n", "line 9, rendered\n")


def _a_file_where_a_folder_is_rendered(mine: Path, rendered: Path) -> None:
    (mine / "text.md").write_text("mine\n")
    (rendered / "text.md").unlink()
    (rendered / "text.md").mkdir()
    (rendered / "text.md" / "inner.md").write_text("rendered\n")


Change = Callable[[Path, Path], None]
OVERLAPPING = [
    _removed_and_rendered_differently,
    _changed_and_not_rendered_any_more,
    _added_on_both_sides,
    _no_text,
    _a_link_and_a_text,
    _a_file_where_a_folder_is_rendered,
]


def state_of(file: Path) -> tuple[object, ...]:
    if file.is_symlink():
        return ("link", str(file.readlink()))
    if file.is_dir():
        return ("folder", sorted(path.name for path in file.iterdir()))
    return ("file", file.read_bytes()) if file.exists() else ("nothing",)


@pytest.mark.parametrize("change", OVERLAPPING)
def test_an_overlap_stops_and_a_decision_goes_on(committed: Target, rendered: Path, change: Change) -> None:
    change(committed.path, rendered)
    save(committed)
    edit(rendered / "folder" / "a.yaml", "1", "2")
    (place,) = overlaps(committed, rendered)
    assert place.partition(":")[0] == "infra/text.md"
    sides = {"keep": state_of(committed.path / "text.md"), "take": state_of(rendered / "text.md")}
    for side, expected in sides.items():
        copy = Target("infra", committed.path.with_name(side) / "infra", committed.url, "main")
        shutil.copytree(committed.path, copy.path, symlinks=True)
        rendered_again((copy, rendered), decisions=Decisions(**{side: ("infra/text.md",)}))
        assert state_of(copy.path / "text.md") == expected
        assert (copy.path / "folder" / "a.yaml").read_text() == "a: 2\n"
        assert git(copy.path, "status", "--porcelain") == ""
        assert not rendered_again((copy, rendered))[0].changed


def test_a_file_of_a_person_in_the_way_of_a_new_folder(committed: Target, rendered: Path) -> None:
    (committed.path / "new").write_text("mine\n")
    save(committed)
    (rendered / "new").mkdir()
    (rendered / "new" / "one.yaml").write_text("a: 1\n")
    (rendered / "new" / "two.yaml").write_text("a: 1\n")
    assert overlaps(committed, rendered) == ["infra/new"]
    rendered_again((committed, rendered), decisions=Decisions(keep=("infra/new",)))
    assert (committed.path / "new").read_text() == "mine\n"


@pytest.mark.parametrize("is_edited", [True, False])
@pytest.mark.parametrize("is_rendered", [True, False])
def test_files_that_belong_to_people(committed: Target, rendered: Path, is_edited: bool, is_rendered: bool) -> None:
    """One that is rendered no more goes if nobody has written into it; another text of the template changes none."""
    if is_edited:
        (committed.path / "values.user.yaml").write_text("replicas: 3\n")
        save(committed)
    edit(rendered / "text.md", "line 9\n", "line 9, rendered\n")
    (rendered / "values.user.yaml").write_text("# Yours, in other words.\n")
    if not is_rendered:
        (rendered / "values.user.yaml").unlink()
    before = state_of(committed.path / "values.user.yaml")
    for number in (10, 11):
        rendered_again((committed, rendered))
        assert "rendered" in (committed.path / "text.md").read_text()
        wanted = before if is_edited or is_rendered else ("nothing",)
        assert state_of(committed.path / "values.user.yaml") == wanted
        edit(rendered / "text.md", f"line {number}\n", "rendered\n")


def test_a_file_of_theirs_that_people_removed_does_not_come_back(committed: Target, rendered: Path) -> None:
    (committed.path / "values.user.yaml").unlink()
    save(committed)
    (rendered / "values.user.yaml").write_text("# Yours, in other words.\n")
    (rendered / "new.user.yaml").write_text("# Yours.\n")
    rendered_again((committed, rendered))
    assert not (committed.path / "values.user.yaml").exists()
    assert (committed.path / "new.user.yaml").exists()


def test_sealed_manifests_are_left_to_sealing(committed: Target, rendered: Path) -> None:
    (committed.path / "one.sealed.yaml").write_text("sealed: 1\n")
    save(committed)
    edit(rendered / "text.md", "line 9\n", "line 9, rendered\n")
    rendered_again((committed, rendered))
    assert (committed.path / "one.sealed.yaml").read_text() == "sealed: 1\n"


def test_the_last_rendering_may_be_given_where_git_has_it_no_more(committed: Target, rendered: Path) -> None:
    edit(committed.path / "text.md", "line 3\n", "line 3, mine\n")
    git(committed.path, "commit", "--quiet", "--all", "--amend", "--message=a title of a forge")
    again = shutil.copytree(rendered, rendered.with_name("last"))
    edit(rendered / "text.md", "line 15\n", "line 15, rendered\n")
    rendered_again((committed, rendered), again=again)
    text = (committed.path / "text.md").read_text()
    assert "line 3, mine" in text
    assert "line 15, rendered" in text


def test_settings_and_submodules_of_a_person_are_left_alone(committed: Target, rendered: Path, tmp_path: Path) -> None:
    make_tree(tmp_path / "library")
    git(tmp_path / "library", "init", "--quiet")
    git(tmp_path / "library", "add", "--all")
    git(tmp_path / "library", "commit", "--quiet", "--message=x")
    git(committed.path, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "library"))
    edit(committed.path / "text.md", "line 3\n", "line 3, mine\n")
    save(committed)
    for name, value in {
        "merge.renames": "false",
        "merge.conflictStyle": "diff3",
        "merge.directoryRenames": "true",
    }.items():
        git(committed.path, "config", name, value)
    edit(rendered / "text.md", "line 15\n", "line 15, rendered\n")
    rendered_again((committed, rendered))
    assert git(committed.path, "status", "--porcelain") == ""
    assert "160000" in git(committed.path, "ls-tree", "HEAD", "library")
    edit(rendered / "text.md", "line 3\n", "line 3, rendered\n")
    assert overlaps(committed, rendered) == ["infra/text.md:3"]
