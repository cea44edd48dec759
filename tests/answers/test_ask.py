"""The questionnaire in a real terminal: what a person sees, what is refused while typing, and what Ctrl-C keeps."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.answers.load import load
from generator.answers.questionnaire import Questionnaire

from .conftest import ROOT, SSH_KEY
from .terminal import CLEAR, CTRL_B, CTRL_C, CTRL_D, DOWN, ENTER, SPACE, Terminal

Open = Callable[..., Terminal]
COLOR = re.compile(rb"\x1b\[[0-9;]*(?:3[0-79]|4[0-79]|38|48|9[0-7])[0-9;]*m")


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    return tmp_path / "answers.yaml"


@pytest.fixture
def opened(answers: Path) -> Iterator[Open]:
    terminals: list[Terminal] = []

    def run(**options: object) -> Terminal:
        terminals.append(Terminal(answers, **options))  # type: ignore[arg-type]
        return terminals[-1]

    yield run
    for terminal in terminals:
        terminal.close()


def test_all_questions_are_answered_with_their_defaults(
    opened: Open, answers: Path, questionnaire: Questionnaire
) -> None:
    terminal = opened()
    asked = [question for question in questionnaire.questions if question.ask is not False]
    assert len(asked) == 12
    for number, question in enumerate(asked, start=1):
        terminal.sees(f"{number}/12 {question.help}")
        if question.name == "ssh_public_key":
            terminal.type(SSH_KEY)
        terminal.type(ENTER)
    terminal.sees("complete")
    assert terminal.ends() == 0
    by_default = answers.with_name("by-default.yaml")
    by_default.write_text(f"ssh_public_key: {SSH_KEY}\n")
    assert load(answers, ROOT).data == load(by_default, ROOT).data
    assert not answers.read_text().startswith("# Unfinished")


def test_defaults_are_shown_and_follow_from_earlier_answers(opened: Open) -> None:
    terminal = opened()
    terminal.sees("1/12 Name of the cluster")
    terminal.sees("characters) lab")
    terminal.type(CLEAR, "attic", ENTER)
    terminal.sees("names below it attic.home.arpa")
    terminal.type(ENTER)
    terminal.sees("» ha: 3 masters")
    terminal.type(ENTER)
    terminal.sees("» parts: three repositories")
    terminal.type(ENTER)
    terminal.sees("https://git.attic.home.arpa/attic")


def test_mistake_is_told_while_it_is_typed_and_is_not_accepted(opened: Open, answers: Path) -> None:
    terminal = opened()
    terminal.sees("1/12")
    terminal.type("!")
    terminal.sees('"!" is not a name of at most 30 lower-case letters')
    terminal.type(CLEAR, "la")
    terminal.no_longer_sees("is not a name")
    terminal.type("!", ENTER)
    terminal.sees('"la!" is not a name of at most 30 lower-case letters')
    assert not answers.exists()
    terminal.type(CLEAR, "la", ENTER)
    terminal.sees("2/12")
    assert yaml.safe_load(answers.read_text()) == {"name": "la"}


@pytest.mark.parametrize(
    ("question", "number", "typed", "told"),
    [
        ("domain", 2, ["home"], "is not a domain in lower case with at least one dot"),
        ("git_base_url", 5, ["https://me:hunter2@git.example.com"], "holds a user name or a password"),
        ("timezone", 7, ["Europe/Madird"], "there is no time zone Europe/Madird. Did you mean Europe/Madrid"),
        ("ssh_public_key", 8, [SSH_KEY[:60]], "this SSH public key does not parse"),
        ("edge", 9, ["192.168.0.7/24"], "has host bits set; did you mean 192.168.0.0/24?"),
        ("edge", 9, ["10.42.0.0/24"], "10.42.0.0/16 of kubernetes.pod_cidr"),
        ("dns_upstream", 10, ["1.1.1.1, one"], '"one" is not an IPv4 address'),
        ("dns_upstream", 10, ["[1.1.1.1"], "dns_upstream is not YAML; check brackets and quotes"),
        ("timezone", 7, ["madrid"], "Did you mean Europe/Madrid?"),
        ("dns_upstream", 10, ["[10.17.3.11]"], "10.17.3.11 is the machine infra1 of this cluster"),
    ],
)
def test_each_kind_of_mistake_is_told_while_it_is_typed(
    opened: Open, answers: Path, question: str, number: int, typed: list[str], told: str
) -> None:
    keep(answers, without=question)
    terminal = opened(columns=140)
    terminal.sees(f"{number}/12")
    terminal.type(CLEAR, *typed)
    terminal.sees(told)
    terminal.type(ENTER)
    terminal.type(CTRL_C)
    assert terminal.ends() == 130
    assert question not in yaml.safe_load(answers.read_text())


def test_choice_that_contradicts_an_earlier_answer_is_asked_again(opened: Open, answers: Path) -> None:
    keep(answers, without="exposure", domain="lab.home.arpa")
    terminal = opened()
    terminal.sees("» private: your networks only")
    terminal.type(DOWN, ENTER)
    terminal.sees("Let's Encrypt makes no certificates for lab.home.arpa")
    terminal.type(ENTER)
    assert terminal.ends() == 0
    assert yaml.safe_load(answers.read_text())["exposure"] == "private"


def test_components_are_ticked_and_checked_together(opened: Open, answers: Path, questionnaire: Questionnaire) -> None:
    keep(answers, without="components")
    terminal = opened()
    terminal.sees("● traefik: ingress and TLS")
    terminal.sees("● hello: a sample application")
    terminal.type(SPACE, ENTER)
    terminal.sees("hello needs traefik")
    choices = [choice.value for choice in questionnaire["components"].choices]
    terminal.type(*[DOWN] * (choices.index("hello") - choices.index("traefik")), SPACE, ENTER)
    assert terminal.ends() == 0
    assert yaml.safe_load(answers.read_text())["components"] == []


@pytest.mark.parametrize(
    "typed", ["[8.8.8.8, 192.168.0.1]", "8.8.8.8, 192.168.0.1", "8.8.8.8 192.168.0.1", " 8.8.8.8,192.168.0.1, "]
)
def test_list_is_typed_as_people_type_lists(opened: Open, answers: Path, typed: str) -> None:
    """Faults E17."""
    keep(answers, without="dns_upstream")
    terminal = opened()
    terminal.sees("[1.1.1.1, 9.9.9.9]")
    terminal.type(typed, ENTER)
    assert terminal.ends() == 0
    assert yaml.safe_load(answers.read_text())["dns_upstream"] == ["8.8.8.8", "192.168.0.1"]


def test_key_pasted_with_blanks_around_it_is_taken(opened: Open, answers: Path) -> None:
    keep(answers, without="ssh_public_key")
    terminal = opened()
    terminal.sees("ssh-ed25519 AAAA... you@laptop")
    terminal.type(f"  {SSH_KEY} ", ENTER)
    assert terminal.ends() == 0
    assert yaml.safe_load(answers.read_text())["ssh_public_key"] == SSH_KEY


@pytest.mark.parametrize("name", ["id_ecdsa.pub", "id_ed25519_NAME.pub"])
def test_own_ssh_key_is_offered(name: str, opened: Open, answers: Path) -> None:
    """One that `fmc keys ssh` made for this cluster comes first."""
    keep(answers, without="ssh_public_key")
    cluster = yaml.safe_load(answers.read_text())["name"]
    home = answers.parent / ".ssh"
    home.mkdir()
    (home / "id_ed25519.pub").write_text("not a key\n" if name == "id_ecdsa.pub" else f"{SSH_KEY} another\n")
    (home / name.replace("NAME", cluster)).write_text(f"{SSH_KEY}\n")
    terminal = opened(columns=160)
    terminal.sees(SSH_KEY)
    terminal.type(ENTER)
    assert terminal.ends() == 0
    assert yaml.safe_load(answers.read_text())["ssh_public_key"] == SSH_KEY


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D], ids=["ctrl-c", "ctrl-d"])
def test_stopping_keeps_what_was_answered_and_the_next_run_asks_for_the_rest(
    opened: Open, answers: Path, key: str
) -> None:
    terminal = opened()
    terminal.sees("1/12")
    terminal.type(CLEAR, "attic", ENTER)
    terminal.sees("2/12")
    terminal.type(CLEAR, "attic.example.com", ENTER)
    terminal.sees("3/12")
    terminal.type(CTRL_C if key == CTRL_C else ENTER + ENTER + CLEAR + CTRL_D)
    assert terminal.ends() == 130
    terminal.sees(f"error: stopped; what you have answered is kept in {answers}")
    terminal.sees("Run `fmc new` again in the same place: it asks for the rest.")
    kept = yaml.safe_load(answers.read_text())
    assert (kept["name"], kept["domain"]) == ("attic", "attic.example.com")

    again = opened()
    again.sees("3/12 Size" if key == CTRL_C else "5/12 Where")
    assert "1/12" not in again.screen


def test_stopping_at_once_writes_nothing(opened: Open, answers: Path) -> None:
    terminal = opened()
    terminal.sees("1/12")
    terminal.type(CTRL_C)
    assert terminal.ends() == 130
    terminal.sees("nothing was answered and nothing was written")
    assert not answers.exists()


def test_spoilt_answer_of_an_unfinished_file_is_asked_again(opened: Open, answers: Path) -> None:
    keep(answers, without="name", timezone="Nowhere/Land", email="ops@example.com")
    terminal = opened()
    terminal.sees("1/12")
    terminal.type(ENTER)
    terminal.sees("7/12 Time zone")
    assert "6/12" not in terminal.screen


def test_narrow_terminal_shows_the_whole_help(opened: Open, answers: Path) -> None:
    keep(answers, without="edge")
    terminal = opened(columns=60, COLUMNS="200")
    terminal.sees(
        "nat is a network of its own on the host; or write your LAN (192.168.0.0/24), joined by the bridge br0"
    )


def test_what_is_typed_takes_the_place_of_the_default(opened: Open, answers: Path) -> None:
    """Faults E17: `home` became `labhome`."""
    terminal = opened()
    terminal.sees("characters) lab")
    terminal.type("home", ENTER)
    terminal.sees("names below it home.home.arpa")
    terminal.type(CTRL_C)
    assert terminal.ends() == 130
    assert yaml.safe_load(answers.read_text()) == {"name": "home"}


def test_key_leads_back_to_the_questions_before(opened: Open, answers: Path) -> None:
    """Faults E17: from text, from choices, twice, and not beyond the first question."""
    terminal = opened()
    terminal.sees("1/12")
    terminal.sees("Ctrl-B: back")
    terminal.type(CTRL_B, "attic", ENTER)
    terminal.sees("2/12")
    terminal.type("attic.example.com", ENTER)
    terminal.sees("3/12")
    terminal.sees("Ctrl-B: back")
    terminal.type(CTRL_B)
    terminal.sees("names below it attic.example.com")
    terminal.type(CTRL_B)
    terminal.sees("at most 30 characters) attic")
    terminal.type("loft", ENTER, ENTER)
    terminal.sees("» ha: 3 masters")
    terminal.type(CTRL_C)
    assert terminal.ends() == 130
    assert yaml.safe_load(answers.read_text()) == {"name": "loft", "domain": "attic.example.com"}


@pytest.mark.parametrize("columns", [60, 100])
def test_whole_message_is_on_the_screen_while_typing(opened: Open, answers: Path, columns: int) -> None:
    """Faults E17: it was one line, cut at the edge."""
    keep(answers, without="ssh_public_key")
    terminal = opened(columns=columns)
    terminal.sees("8/12")
    terminal.type("ssh-dss AAAA")
    terminal.sees("DSA keys are refused by today's sshd; make another one with ssh-keygen -t ed25519.")
    assert max(map(len, terminal.screen.splitlines())) <= columns


@pytest.mark.parametrize("columns", [60, 100])
def test_choices_are_readable_in_a_narrow_terminal(opened: Open, answers: Path, columns: int) -> None:
    keep(answers, without="layout")
    terminal = opened(columns=columns)
    terminal.sees("parts: three repositories, infra, argocd and apps (fmc new; plain Copier copies them one by one)")
    terminal.type(DOWN, ENTER)
    assert terminal.ends() == 0
    assert yaml.safe_load(answers.read_text())["layout"] == "monorepo"


@pytest.mark.parametrize(
    ("lan", "moved"),
    [
        ("10.17.3.0/24", {"networks": {"infra": {"cidr": "10.60.3.0/24"}}}),
        ("10.42.0.0/16", {"kubernetes": {"pod_cidr": "10.60.0.0/16"}}),
    ],
)
def test_lan_that_overlaps_what_is_never_asked_has_a_way_out(
    opened: Open, answers: Path, lan: str, moved: dict[str, Any]
) -> None:
    """Faults E17: the message named an answer that no question leads to."""
    keep(answers, without="edge")
    terminal = opened(columns=100)
    terminal.sees("9/12")
    terminal.type(lan, ENTER)
    terminal.sees("The cluster's own networks can move out of its way")
    terminal.type("n")
    terminal.sees("Do that? No 9/12 Where users reach the cluster")
    terminal.type(ENTER, "y")
    assert terminal.ends() == 0
    written = yaml.safe_load(answers.read_text())
    assert {name: written[name] for name in moved} == moved
    assert load(answers, ROOT).data["edge"] == lan


def test_colours_are_left_out_on_request(opened: Open) -> None:
    colourful = opened()
    colourful.sees("1/12")
    colourful.type(ENTER)
    colourful.sees("2/12")
    assert COLOR.search(colourful.raw)
    plain = opened(NO_COLOR="1")
    plain.sees("2/12")
    plain.type(ENTER)
    plain.sees("3/12")
    assert not COLOR.search(plain.raw)


def test_without_a_terminal_the_way_out_is_named(answers: Path) -> None:
    command = [sys.executable, "-m", "tests.answers.driver", str(answers)]
    done = subprocess.run(command, cwd=ROOT, input="home\n", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "there is no terminal to ask the questions in" in done.stdout
    assert "fmc new --answers FILE" in done.stdout
    assert not answers.exists()


def test_a_cluster_that_is_there_already_is_asked_about_no_machine(opened: Open, answers: Path) -> None:
    cluster = {"api": "https://k8s.example.com:6443", "version": "v1.36.4", "pod_cidr": "10.244.0.0/16"}
    cluster["ingress"] = "203.0.113.7"
    unfinished = "# Unfinished: `fmc new` asks for what is missing.\n"
    answers.write_text(unfinished + yaml.safe_dump({"existing_cluster": cluster}))
    terminal = opened()
    for number, asked in enumerate(
        ("Name of the cluster", "Domain", "Size", "What is rendered", "Where the repositories", "E-mail", "Time zone"),
        1,
    ):
        terminal.sees(f"{number}/9 {asked}")
        terminal.type(ENTER)
    terminal.sees("8/9 Who can reach the services")
    terminal.type(ENTER)
    terminal.sees("9/9 What runs on the cluster")
    terminal.type(ENTER)
    terminal.sees("complete")
    assert terminal.ends() == 0
    loaded = load(answers, ROOT)
    assert (loaded.plan.existing, loaded.data["existing_cluster"]) == (True, cluster)
    assert "ssh_public_key" not in yaml.safe_load(answers.read_text())


def keep(path: Path, *, without: str, **changed: str) -> None:
    """Write what an interrupted run would have kept, had it asked everything but one question."""
    finished = load(Path(__file__).parent / "valid" / "minimal.yaml", ROOT).data | changed
    del finished[without]
    path.write_text("# Unfinished: `fmc new` asks for what is missing.\n" + yaml.safe_dump(finished))
