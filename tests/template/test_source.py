"""Which address of the template is recorded, and which is refused."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from generator.errors import BadInputError
from generator.template.source import ENVIRONMENT_VARIABLE, find_template
from tests.pipeline.world import FMC, ROOT

IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main")


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *IDENTITY, *arguments], cwd=folder, env=clean_environment(), capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Make somebody's repository with a tag, and a linked worktree of it beside."""
    folder = tmp_path / "other"
    folder.mkdir()
    git(folder, "init", "--quiet")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=theirs")
    git(folder, "tag", "v9.9.9")
    git(folder, "worktree", "add", "--quiet", str(tmp_path / "linked"))
    return folder


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


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("GIT_DIR", ".git"),
        ("GIT_WORK_TREE", "."),
        ("GIT_INDEX_FILE", ".git/index"),
        ("GIT_COMMON_DIR", ".git"),
        ("GIT_OBJECT_DIRECTORY", ".git/objects"),
        ("GIT_ALTERNATE_OBJECT_DIRECTORIES", ".git/objects"),
        ("GIT_CONFIG", ".git/config"),
        ("GIT_NAMESPACE", "."),
    ],
)
def test_the_repository_of_a_hook_is_not_taken_for_the_template(
    other: Path, monkeypatch: pytest.MonkeyPatch, name: str, place: str
) -> None:
    """Faults B4: another repository's tag was recorded as the template's version."""
    monkeypatch.setenv(name, str(other / place))
    assert find_template().version == git(ROOT, "describe", "--tags", "--always")
    assert find_template().url == str(ROOT)


def test_doctor_in_a_hook_of_a_linked_worktree_names_the_templates_own_version(other: Path) -> None:
    """Faults B4: git gives a hook there GIT_DIR, GIT_INDEX_FILE and more."""
    linked = other.parent / "linked"
    told = other.parent / "told"
    hook = other / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    variables = f"env > {shlex.quote(str(other.parent / 'variables'))}"
    call = f"{shlex.quote(str(FMC))} doctor --output json > {shlex.quote(str(told))} || true"
    hook.write_text(f"#!/bin/sh\n{variables}\n{call}\n")
    hook.chmod(0o755)
    git(linked, "commit", "--quiet", "--allow-empty", "--message=more")
    assert "GIT_DIR=" in (other.parent / "variables").read_text()
    (template,) = (tool for tool in json.loads(told.read_text())["tools"] if tool["name"] == "template")
    assert template["found"] == f"{ROOT} ({git(ROOT, 'describe', '--tags', '--always')})"


def test_a_checkout_of_another_user_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults E9: git's refusal was taken for a checkout without versions."""
    # What git's own tests set, for want of a second user (t0033-safe-directory.sh).
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(BadInputError, match="belongs to another user") as refused:
        find_template()
    assert refused.value.fix is not None
    assert f"safe.directory {ROOT}" in refused.value.fix
