"""Remedies about programs, files, pipes and addresses, followed."""

from __future__ import annotations

import io
import os
import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest

from generator.answers.ask import ask
from generator.answers.load import load
from generator.answers.questionnaire import Questionnaire
from generator.answers.write import dump, save
from generator.checks.reading.source_files import LARGEST_NEW, list_files
from generator.checks.run import check_trees
from generator.files import write_atomic
from generator.inputs import read_bounded
from generator.pipeline.explain import explain
from generator.template.source import recordable
from generator.tools.download import download_program
from generator.tools.git import git as run_git
from tests.checks.cases import cases
from tests.conftest import as_root
from tests.delivery.workspace import git
from tests.pipeline.world import EXAMPLE, ROOT
from tests.remedies.walk import advice, advised, commands, do
from tests.tools.conftest import ReleaseServer, digest
from tests.tools.test_download import ARCHIVE, PROGRAM

if TYPE_CHECKING:
    from pathlib import Path


def test_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    put = partial(ask, Questionnaire.load(ROOT), {}, lambda _: None, kept_in=tmp_path / "answers.yaml")
    assert commands(advice(put, "Give the answers as a file")) == ["fmc new --answers FILE"]
    assert load(EXAMPLE, ROOT).answers.name == "home"


@pytest.mark.parametrize("way", ["use", "move away"])
def test_an_answers_file_that_is_there(tmp_path: Path, way: str) -> None:
    questionnaire, file = Questionnaire.load(ROOT), tmp_path / "my answers.yaml"
    data = load(EXAMPLE, ROOT).data
    file.write_text(dump(data, questionnaire))
    fix = advice(partial(save, file, data, questionnaire), "Use it with")
    if way == "use":
        named = do(f"printf '%s\n' {commands(fix)[0]}", tmp_path).splitlines()[-1]
        assert load(file.with_name(named.rpartition("/")[2]), ROOT).answers.name == "home"
    else:
        file.rename(tmp_path / "away.yaml")
        save(file, data, questionnaire)


def test_a_file_that_can_not_be_read(tmp_path: Path) -> None:
    file = tmp_path / "answers.yaml"
    advice(partial(read_bounded, file, 10), "Check the path and its permissions")
    file.write_text("name: home")
    assert read_bounded(file, 10)
    advice(partial(read_bounded, tmp_path / "a\0b", 10), "Check the path")


@pytest.mark.parametrize("way", ["program", "file"])
def test_a_pipe_that_nobody_writes_into(tmp_path: Path, way: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    advice(partial(read_bounded, pipe, 10, patience=0.1), "Start the program that writes into it, or name a file")
    if way == "program":
        writer = threading.Thread(target=pipe.write_bytes, args=(b"name: home",))
        writer.start()
        assert read_bounded(pipe, 10) == b"name: home"
        writer.join()
    else:
        (tmp_path / "file").write_text("name: home")
        assert read_bounded(tmp_path / "file", 10) == b"name: home"


def test_a_place_that_can_not_be_written(tmp_path: Path) -> None:
    """A folder that is a file stands for all that the system refuses; root may write everywhere else."""
    (tmp_path / "folder").write_text("in the way\n")
    write = partial(write_atomic, tmp_path / "folder" / "file", b"content")
    advice(write, "Free some space or correct the permissions, then run the same command again")
    (tmp_path / "folder").unlink()
    write()
    assert (tmp_path / "folder" / "file").read_bytes() == b"content"


@as_root
@pytest.mark.parametrize("way", ["file", "own link"])
def test_a_link_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    target, link = tmp_path / "elsewhere", tmp_path / "vault.age"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write = partial(write_atomic, link, b"new", follow=True)
    with monkeypatch.context() as another:
        another.setattr(os, "geteuid", lambda: 12345)
        os.chown(link, 54321, -1, follow_symlinks=False)
        advice(write, "Put the file itself there, or make the link yourself")
    link.unlink()
    if way == "own link":
        link.symlink_to(target)
    write()
    assert link.read_bytes() == b"new"


def test_a_rule_that_is_not_there() -> None:
    meant = (
        advice(partial(explain, ["argocd/sync-wav"]), "Did you mean").removeprefix("Did you mean ").removesuffix("?")
    )
    assert explain([meant])
    advice(partial(explain, ["something/else-altogether"]), "See `fmc explain` for all of them")
    assert explain([])


@pytest.mark.parametrize(
    ("given", "said", "corrected"),
    [
        ("no address", "Give the template's address as git knows it", "https://git.example.com/fmc.git"),
        ("https://me:secret@git.example.com/fmc.git", "Leave them out", "https://git.example.com/fmc.git"),
    ],
)
def test_an_address_of_the_template(given: str, said: str, corrected: str) -> None:
    advice(partial(recordable, given), said)
    assert recordable(corrected) == corrected


def test_git_fails(tmp_path: Path) -> None:
    call = partial(run_git, tmp_path, "rev-parse", "HEAD")
    advice(call, "Correct what it names, then run the same command again")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message=first")
    assert call().stdout


# What validates manifests.


def test_an_engine_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = next(case for case in cases("passed") if case.name == "schema")
    trees = case.write(tmp_path)
    check = partial(check_trees, trees, kubernetes_version=case.kubernetes)
    advice(partial(check, engine="kubeconfrom"), "Choose auto, builtin or kubeconform")
    advice(partial(check, engine="auto", kubeconform=tmp_path / "nowhere"), "Correct the path")
    monkeypatch.setattr("generator.checks.run.find_tool", lambda _: None)
    advice(partial(check, engine="kubeconform"), "or use the built-in engine")
    assert check(engine="builtin").engine == check(engine="auto").engine == "builtin"


@pytest.mark.parametrize("answer", ["echo nonsense", 'echo \'{"resources": [], "summary": {}}\''])
def test_a_kubeconform_that_is_another_one(tmp_path: Path, answer: str) -> None:
    case = next(case for case in cases("passed") if case.name == "schema")
    trees = case.write(tmp_path)
    program = tmp_path / "kubeconform"
    program.write_text(f"#!/bin/sh\n{answer}\n")
    program.chmod(0o755)
    check = partial(check_trees, trees, kubernetes_version=case.kubernetes)
    advice(partial(check, engine="auto", kubeconform=program), "or use the built-in engine")
    assert check(engine="builtin").findings == ()


# Files that are too large to be looked into, or can't be.


@pytest.mark.parametrize("way", ["ignore", "move", "commit"])
def test_a_large_file_that_is_not_committed(tmp_path: Path, way: str) -> None:
    git(tmp_path, "init", "--quiet")
    large = tmp_path / "model.bin"
    with large.open("wb") as file:
        file.truncate(LARGEST_NEW + 1)
    fix = advised(list_files({"apps": tmp_path})[1], "files/too-large")
    assert "Name it in .gitignore, or move it elsewhere; where it belongs here, commit it" in fix
    if way == "ignore":
        (tmp_path / ".gitignore").write_text("model.bin\n")
    elif way == "move":
        large.rename(tmp_path.parent / f"{tmp_path.name}.bin")
    else:
        git(tmp_path, "add", "model.bin")
        git(tmp_path, "commit", "--quiet", "--message=Mine")
    assert list_files({"apps": tmp_path})[1] == []


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    advice(partial(list_files, {"apps": tmp_path / "nowhere"}), "Name the cluster's workspace")
    (tmp_path / "somewhere").mkdir()
    assert list_files({"apps": tmp_path / "somewhere"}) == ([], [])


def test_a_file_that_the_checks_can_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root reads all files: one that goes meanwhile stands for one that may not be read."""
    notes = tmp_path / "apps" / "notes.md"
    notes.parent.mkdir()
    notes.write_text("mine\n")
    (file,), _ = list_files({"apps": notes.parent})
    notes.rename(tmp_path / "aside")
    advice(lambda: file.content, "Correct its permissions, or remove it")
    assert list_files({"apps": notes.parent}) == ([], [])
    (tmp_path / "aside").rename(notes)
    (file,), _ = list_files({"apps": notes.parent})
    assert file.content


# Downloads.


def test_a_download_that_fails(release_server: ReleaseServer, tmp_path: Path) -> None:
    """What is in the way is put right, and the same command succeeds."""
    target = tmp_path / "tools" / "kubeconform"
    download = partial(download_program, f"{release_server.url}/archive.tar.gz", digest(ARCHIVE), target)
    advice(download, "Look at the network, and at the proxy in HTTPS_PROXY")
    release_server.serve(b"<html>Please log in</html>")
    advice(download, "Find out what changes downloads on the way here")
    release_server.serve(ARCHIVE)
    download()
    assert target.read_bytes() == PROGRAM
