"""Single values, held against who has the last word: git, the database of time zones, fmc's own files.

Faults B8, B14, E18.
"""

from __future__ import annotations

import re
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.answers.questionnaire import Questionnaire
from generator.answers.timezones import near_time_zones, time_zone_fault
from generator.answers.values import check_value
from generator.workspace import ANSWERS_FILE, Workspace

from .conftest import ROOT

QUESTIONS = Questionnaire.load(ROOT)
RULES = files("tzdata").joinpath("zoneinfo", "tzdata.zi").read_text("utf-8")
LINKS = dict(reversed(pair) for pair in re.findall(r"^L (\S+) (\S+)", RULES, re.MULTILINE))
# Names that the Debian package tzdata had, and that tzdata-legacy has now.
MOVED = ["Asia/Calcutta", "Brazil/East", "EST5EDT", "Egypt", "Etc/UCT", "GB", "NZ", "US/Eastern", "W-SU", "Zulu"]


def faults(question: str, value: str) -> list[str]:
    return [fault.message for fault in check_value(QUESTIONS, QUESTIONS[question], value, {})]


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.lists(
            st.sampled_from(
                [
                    "a",
                    "Main",
                    "HEAD",
                    "refs",
                    "heads",
                    ".",
                    "..",
                    "/",
                    "-",
                    "_",
                    ".lock",
                    "@",
                    "{",
                    "~",
                    "^",
                    ":",
                    "\\",
                    " ",
                    "*",
                    "\x7f",
                    "é",
                ]
            ),
            max_size=5,
        ).map("".join),
        st.text(max_size=6),
    )
)
def test_branch_that_git_refuses_is_refused(branch: str) -> None:
    if not faults("git_branch", branch):
        done = subprocess.run(["git", "check-ref-format", "--branch", branch], capture_output=True, check=False)
        assert done.returncode == 0, branch


@pytest.mark.parametrize(
    "branch", ["main", "gitops/prod", "release-1.0", "feature/a.b", "fmc-clusters", "HEADS", "refs"]
)
def test_usual_branches_are_taken(branch: str) -> None:
    assert not faults("git_branch", branch)


@pytest.mark.parametrize(
    "name", [ANSWERS_FILE, Workspace(Path("x")).vault.name, Workspace(Path("x")).state.parent.name]
)
def test_no_repository_is_called_like_a_file_of_the_workspace(name: str) -> None:
    assert check_value(QUESTIONS, QUESTIONS["repositories"], {"monorepo": name.upper()}, {})


@pytest.mark.parametrize("port", ["1", "22", "443", "9999", "59999", "64999", "65499", "65529", "65535"])
def test_ports_that_exist_are_taken(port: str) -> None:
    assert not faults("git_base_url", f"https://git.example.com:{port}/team")


@pytest.mark.parametrize("port", ["0", "00", "080", "65536", "65540", "65600", "66000", "70000", "99999", "123456"])
def test_ports_that_do_not_exist_are_refused(port: str) -> None:
    for url in (f"https://git.example.com:{port}/team", f"ssh://git@git.example.com:{port}/team"):
        assert [f"the port {port};" in fault for fault in faults("git_base_url", url)] == [True]
    assert faults("chart_mirror", f"https://charts.example.com:{port}/stable")


@pytest.mark.parametrize(
    "url",
    [
        "https://git..example.com/team",
        "https://git-.example.com/team",
        f"https://{'a' * 64}.example.com/team",
        "https://1.2.3/team",
        "https://git.example.com/./team",
        "https://git.example.com/%zz",
        "ssh://-oProxyCommand=x@git.example.com/team",
        "-oProxyCommand@git.example.com:team",
        "git@git.example.com:../team",
        "file:///srv/../etc",
    ],
)
def test_urls_that_lead_elsewhere_or_nowhere_are_refused(url: str) -> None:
    assert faults("git_base_url", url)


@pytest.mark.parametrize("name", MOVED)
def test_old_name_of_a_time_zone_is_refused(name: str) -> None:
    message, fix = time_zone_fault(name)
    assert message
    assert name not in LINKS or re.fullmatch(r"Use [A-Z]\w+/[\w/+-]+\.", fix)


def test_every_link_is_a_place_or_names_the_zone_to_use() -> None:
    for name, target in LINKS.items():
        message, fix = time_zone_fault(name)
        if message:
            assert not time_zone_fault(fix.removeprefix("Use ").removesuffix("."))[0], (name, target, fix)


@pytest.mark.parametrize(
    "name", ["Europe/Madrid", "Etc/UTC", "Europe/Amsterdam", "America/Argentina/Buenos_Aires", "Etc/GMT+5"]
)
def test_names_of_places_are_taken(name: str) -> None:
    assert time_zone_fault(name) == ("", "")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("madrid", "Europe/Madrid"),
        ("New York", "America/New_York"),
        ("Kiev", "Europe/Kyiv"),
        ("Europe/Madird", "Europe/Madrid"),
        ("calcutta", "Asia/Kolkata"),
        ("berl", "Europe/Berlin"),
    ],
)
def test_near_names_are_offered_best_first(typed: str, offered: str) -> None:
    assert near_time_zones(typed)[0] == offered


def test_nothing_is_offered_for_nothing() -> None:
    assert near_time_zones("") == near_time_zones("xyzzy" * 1000) == ()


@pytest.mark.parametrize(
    "registry",
    [
        "docker.io/home",
        "ghcr.io/some-org/some__team",
        "registry.example.com",
        "registry.example.com:5000/team/apps",
        "10.17.5.7:5000/apps",
        "localhost:5000",
    ],
)
def test_usual_registries_are_taken(registry: str) -> None:
    assert not faults("registry", registry)


@pytest.mark.parametrize(
    "registry",
    [
        *("", "home/app", "docker.io", "docker.io/", "docker.io/home/app", "docker.io/-home", "Docker.io/home"),
        *("registry.example.com:0/team", "registry.example.com/team:v1", "registry.example.com/team@sha256:0"),
        *("oci://registry.example.com/team", "registry.example.com/my team", "registry.example.com/team\n", "a" * 201),
    ],
)
def test_what_no_image_could_be_pushed_to_is_refused(registry: str) -> None:
    assert len(faults("registry", registry)) == 1
