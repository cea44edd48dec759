"""Which address of the template is recorded, and which is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator.errors import BadInputError
from generator.template.source import ENVIRONMENT_VARIABLE, find_template

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "address",
    [
        "https://git.example.com/fmc.git",
        "git+https://git.example.com/fmc",
        "ssh://git@git.example.com/fmc.git",
        "git@git.example.com:tools/fmc.git",
        "file:///srv/git/fmc.git",
    ],
)
def test_git_address_is_recorded_as_it_is(address: str) -> None:
    assert find_template(address).origin["_src_path"] == address


def test_address_comes_from_the_environment_where_no_option_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, "https://git.example.com/fmc.git")
    assert find_template().url == "https://git.example.com/fmc.git"
    assert find_template("https://git.example.com/other.git").url == "https://git.example.com/other.git"


def test_folder_is_recorded_with_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "template").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_template("./template").url == str(tmp_path / "template")


@pytest.mark.parametrize("address", ["https://me:hunter2@git.example.com/fmc", "https://hunter2@git.example.com/fmc"])
def test_address_with_a_password_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(BadInputError, match="user name or password") as refused:
        find_template(address)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("address", ["nowhere", "./nowhere", "not a url", "https://"])
def test_what_git_does_not_know_is_refused(address: str) -> None:
    with pytest.raises(BadInputError, match="no Git address"):
        find_template(address)
