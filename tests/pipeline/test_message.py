"""Commits say what changed (faults E19)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator.pipeline.steps.message import next_message
from generator.pipeline.steps.recorded import answers_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A repository, and what is to be committed to it; nothing is recorded in either."""
    for name in ("repository", "staging"):
        (tmp_path / name).mkdir()
    return tmp_path / "repository", tmp_path / "staging"


def message(folders: tuple[Path, Path], before: str, after: str, sealed: tuple[str, ...] = ()) -> list[str]:
    for folder, text in zip(folders, (before, after), strict=True):
        (folder / ".copier-answers.yml").write_text(text)
    return next_message("home", *folders, sealed).splitlines()


@pytest.mark.parametrize(
    ("before", "after", "sealed", "subject"),
    [
        ("", "name: home\n", (), "Render the cluster home"),
        ("name: home\nzone: a\n", "name: home\nzone: b\nemail: c\n", (), "Render the cluster home: email, zone"),
        (
            "_commit: v1\nname: home\nzone: a\n",
            "_commit: v2\nname: home\n",
            (),
            "Render the cluster home: template v2, zone",
        ),
        ("_src_path: here\nname: home\n", "_src_path: there\nname: home\n", (), "Render the cluster home"),
        ("name: home\n", "name: home\n", ("argocd/git",), "Seal secrets: argocd/git"),
        ("name: home\nzone: a\n", "name: home\nzone: b\n", ("argocd/git",), "Render the cluster home: zone"),
        ("name: home\n", "name: home\n", (), "Render the cluster home"),
    ],
)
def test_the_subject_names_what_changed(
    folders: tuple[Path, Path], before: str, after: str, sealed: tuple[str, ...], subject: str
) -> None:
    assert message(folders, before, after, sealed) == [subject]


def test_many_names_are_listed_below_a_short_subject(folders: tuple[Path, Path]) -> None:
    names = [f"answer_{number}" for number in range(12)]
    lines = message(folders, "name: home\n", "name: home\n" + "".join(f"{name}: 1\n" for name in names))
    assert len(lines[0]) <= 72
    assert lines[0].endswith(" more")
    assert lines[1:] == ["", *(f"- {name}" for name in sorted(names))]


def test_without_recorded_answers_it_is_the_first_message(folders: tuple[Path, Path]) -> None:
    assert next_message("home", *folders, ()) == "Render the cluster home"


@pytest.mark.parametrize("content", [None, b"", b"- a\n", b"a: [\n", b"a: !!python/none\n"])
def test_what_is_no_answers_file_records_nothing(content: bytes | None) -> None:
    assert answers_of(content) == {}
