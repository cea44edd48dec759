"""`fmc new` without a file, in a real terminal: questions, plan, one confirmation, repositories."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.answers.conftest import SSH_KEY
from tests.answers.terminal import CLEAR, CTRL_C, ENTER, Terminal
from tests.pipeline.world import FMC, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Open = Callable[..., Terminal]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "clusters"
    made.mkdir()
    return made


@pytest.fixture
def opened(folder: Path) -> Iterator[Open]:
    terminals: list[Terminal] = []

    def run(*arguments: str) -> Terminal:
        environment = World(folder.parent).environment
        answers = folder / "answers.yaml"
        command = [str(FMC), "new", *arguments]
        terminals.append(Terminal(answers, command=command, cwd=folder, columns=130, lines=90, **environment))
        return terminals[-1]

    yield run
    for terminal in terminals:
        terminal.close()


def answer_all(terminal: Terminal) -> None:
    """Name the cluster, give the key, and take the defaults of everything else."""
    terminal.sees("1/12 Name of the cluster")
    terminal.type(CLEAR, "attic", ENTER)
    for number in range(2, 13):
        terminal.sees(f"{number}/12")
        if number == 8:
            terminal.type(SSH_KEY)
        terminal.type(ENTER)


def test_the_plan_is_shown_and_confirmed_once(opened: Open, folder: Path) -> None:
    terminal = opened()
    answer_all(terminal)
    terminal.sees("Write this?", seconds=30)
    for line in (
        r"infra +attic/infra +https://git\.attic\.home\.arpa/attic/infra\.git +main",
        r"cluster +nat_network_03 +10\.17\.4\.0/24",
        r"master1 +master +10\.17\.4\.21/24 +2 +4096 MiB +30 GiB",
        r"Kubernetes API +api\.attic\.home\.arpa +10\.17\.5\.10",
        r"argocd/argocd-secret +Password of the Argo CD user admin",
    ):
        assert re.search(line, terminal.screen), (line, terminal.screen)
    assert not (folder / "attic").exists(), "something was written before it was confirmed"
    terminal.type(ENTER)
    terminal.sees("Next: fmc push --workspace attic", seconds=60)
    assert terminal.ends() == 0
    assert {path.name for path in (folder / "attic").iterdir()} >= {"infra", "argocd", "apps", "vault.age"}
    assert (folder / "attic" / "answers.yaml").read_bytes() == (folder / "answers.yaml").read_bytes()


def test_who_declines_has_written_nothing_but_the_answers(opened: Open, folder: Path) -> None:
    terminal = opened()
    answer_all(terminal)
    terminal.sees("Write this?", seconds=30)
    terminal.type("n", ENTER)
    terminal.sees("nothing was written")
    assert terminal.ends() == 130
    assert [path.name for path in folder.iterdir()] == ["answers.yaml"]
    terminal.sees("The same command shows the plan again.")
    opened().sees("Write this?", seconds=30)


def test_the_kept_answers_are_taken_the_next_time(opened: Open, folder: Path) -> None:
    terminal = opened()
    terminal.sees("1/12")
    terminal.type(CLEAR, "attic", ENTER)
    terminal.sees("2/12")
    terminal.type(CTRL_C)
    terminal.sees("what you have answered is kept in answers.yaml")
    assert terminal.ends() == 130
    assert yaml.safe_load((folder / "answers.yaml").read_text()) == {"name": "attic"}

    terminal = opened()
    terminal.sees("Going on with the 1 answers in answers.yaml")
    terminal.sees("2/12")
    assert "1/12" not in terminal.screen


CLUSTER = '{api: "https://k8s.example.com:6443", version: v1.36.4, pod_cidr: 10.244.0.0/16, ingress: 203.0.113.7}'


def test_a_cluster_that_is_there_already_is_an_option_and_no_machine_is_asked_for(opened: Open, folder: Path) -> None:
    terminal = opened("--set", f"existing_cluster={CLUSTER}")
    terminal.sees("1/9 Name of the cluster")
    terminal.type(CLEAR, "attic", ENTER)
    for number in range(2, 10):
        terminal.sees(f"{number}/9")
        terminal.type(ENTER)
    terminal.sees("Write this?", seconds=30)
    for line in (
        r"apps +attic/apps +https://git\.attic\.home\.arpa/attic/apps\.git +main",
        r"Kubernetes API +k8s\.example\.com",
        r"ingress +hello\.attic\.home\.arpa +203\.0\.113\.7",
    ):
        assert re.search(line, terminal.screen), (line, terminal.screen)
    assert not re.search(r"attic/infra|Machines|Networks", terminal.screen)
    terminal.type(ENTER)
    terminal.sees("Next: fmc push --workspace attic", seconds=60)
    assert terminal.ends() == 0
    assert {path.name for path in (folder / "attic").iterdir()} == {
        "argocd", "apps", "vault.age", "answers.yaml", ".fmc",
    }  # fmt: skip
    kept = yaml.safe_load((folder / "answers.yaml").read_text())
    assert kept["existing_cluster"] == yaml.safe_load(CLUSTER)
    assert "ssh_public_key" not in kept
