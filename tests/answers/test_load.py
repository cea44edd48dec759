"""Loading answers: where findings point, options, defaults, and what a check may cost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.answers.load import load, load_kept, recorded
from generator.answers.questionnaire import Questionnaire, load_once
from generator.errors import AnswersError
from generator.findings import Finding

from .conftest import ROOT, SSH_KEY, Write


def findings(path: Path, overrides: dict[str, str] | None = None) -> tuple[Finding, ...]:
    with pytest.raises(AnswersError) as caught:
        load(path, ROOT, overrides or {})
    return caught.value.findings


@pytest.fixture
def read_anew() -> Iterator[None]:
    """Read the questionnaire for the first time, and leave it to nobody."""
    load_once.cache_clear()
    yield
    load_once.cache_clear()


@pytest.fixture
def cache(read_anew: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "fmc" / "templates"


def test_finding_names_answer_line_reason_owner_and_fix(write: Write) -> None:
    path = write("networks:\n  infra:\n    cidr: 10.20.0.1/24\n")
    (finding,) = findings(path)
    assert finding.where == f"{path}:4"
    assert finding.path == "networks.infra.cidr"
    assert finding.message == '"10.20.0.1/24" has host bits set; did you mean 10.20.0.0/24?'
    assert finding.owner == "answer networks.infra.cidr"
    assert finding.fix.startswith("Expected: Networks: {cluster: {cidr: 10.17.4.0/24")


def test_derived_value_points_to_the_answer_that_it_follows_from(write: Write) -> None:
    path = write(
        "networks:\n  cluster:\n    cidr: 10.20.0.0/27\n    dhcp_start: 10.20.0.25\n    dhcp_end: 10.20.0.29\n"
    )
    found = {finding.path: finding for finding in findings(path)}
    assert found["nodes.storage1.address"].where == f"{path}:4"
    assert found["nodes.storage1.address"].owner == "derived from networks.cluster.cidr"


def test_written_address_is_blamed_and_not_the_derived_one(write: Write) -> None:
    path = write("nodes:\n- {name: infra2, role: infra, address: 10.17.3.11}\n- {name: lb1, address: 10.17.5.12}\n")
    assert [(finding.path, finding.line) for finding in findings(path)] == [
        ("nodes.infra2.address", 3),
        ("nodes.lb1.address", 4),
    ]


def test_item_of_a_list_is_found_by_its_name_or_its_number(write: Write) -> None:
    path = write("nodes:\n- name: worker1\n  cpus: 8\n- name: worker2\n  mac: xyz\nvault_recipients:\n- age1abc\n")
    assert [(finding.path, finding.line) for finding in findings(path)] == [
        ("nodes.worker2.mac", 6),
        ("vault_recipients.0", 8),
    ]


def test_all_findings_come_at_once_and_in_the_order_of_the_file(write: Write) -> None:
    path = write("name: Home\ndomian: x\ncounts: {masters: 4, workers: many}\nedge: lan\ntimezone: Nowhere\n")
    assert [finding.line for finding in findings(path)] == [2, 3, 4, 4, 5, 6]
    with pytest.raises(AnswersError, match="6 answers are wrong"):
        load(path, ROOT)


def test_malformed_answer_does_not_drag_others_along(write: Write) -> None:
    """Without their real value, no address in that network can be judged."""
    (finding,) = findings(write("edge: 10.0.0.1/8\nvips:\n  api: {address: 10.17.9.10}\n"))
    assert finding.path == "edge"


def test_warnings_come_with_the_errors(write: Write) -> None:
    found = findings(write("git_base_url: http://git.example.com/home\nname: Home\n"))
    assert [(finding.rule, str(finding.severity)) for finding in found] == [
        ("answers/git-plain", "warning"),
        ("answers/name", "error"),
    ]


def test_empty_overrides_are_the_defaults(write: Write) -> None:
    assert load(write("counts: {}\nnodes: []\n"), ROOT).data == load(write(""), ROOT).data


def test_defaults_follow_from_the_answers_before_them(write: Write) -> None:
    data = load(write("name: attic\n"), ROOT).data
    assert data["domain"] == "attic.home.arpa"
    assert data["git_base_url"] == "https://git.attic.home.arpa/attic"
    assert data["email"] == "ops@attic.home.arpa"
    assert data["layout"] == "parts"
    assert data["git_read"] == "token"


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("https://git.example.com/x", "token"),
        ("ssh://git@git.example.com/x", "deploy-key"),
        ("forgejo@git.example.com:x", "deploy-key"),
        ("file:///srv/git", "anonymous"),
    ],
)
def test_argo_cd_reads_as_the_git_url_allows(write: Write, url: str, read: str) -> None:
    assert load(write(f"git_base_url: {url}\n"), ROOT).data["git_read"] == read


def test_options_replace_answers(write: Write) -> None:
    loaded = load(write("name: home\nlayout: parts\n"), ROOT, {"layout": "monorepo", "dns_upstream": "[8.8.8.8]"})
    assert loaded.answers.layout == "monorepo"
    assert loaded.data["dns_upstream"] == ["8.8.8.8"]
    assert loaded.answers.name == "home"


def test_findings_on_options_say_so(write: Write) -> None:
    path = write("name: home\n")
    found = findings(path, {"name": "Home", "layuot": "monorepo", "dns_upstream": "[1.1.1.1"})
    assert {(finding.where, finding.rule) for finding in found} == {
        ("--set name", "answers/name"),
        ("--set layuot", "answers/unknown"),
        ("--set dns_upstream", "answers/type"),
    }


def test_option_repairs_a_wrong_answer(write: Write) -> None:
    assert load(write("name: Home\n"), ROOT, {"name": "home"}).answers.name == "home"


@pytest.mark.parametrize(
    ("given", "meant"),
    [("compnents: []", "components"), ("dns_upstraem: []", "dns_upstream"), ("sshkey: x", "ssh_public_key")],
)
def test_unknown_answer_is_met_with_what_was_probably_meant(write: Write, given: str, meant: str) -> None:
    (finding,) = findings(write(f"{given}\n"))
    assert finding.fix == f"Did you mean {meant}?" or (meant in finding.fix and finding.fix.startswith("Known here"))


def test_loaded_answers_name_their_file(write: Write) -> None:
    path = write("")
    assert load(path, ROOT).path == path


def test_kept_answers_are_the_good_ones(write: Write, questionnaire: Questionnaire) -> None:
    path = write("name: attic\ndomain: nodots\nprofile: 3\nunknown: x\ndns_upstream: [9.9.9.9]\n")
    assert load_kept(path, questionnaire) == {
        "name": "attic",
        "ssh_public_key": SSH_KEY,
        "dns_upstream": ["9.9.9.9"],
    }


def test_answers_that_copier_recorded_are_loaded_without_its_own_entries(write: Write) -> None:
    path = write(
        "name: attic\n_src_path: https://git.example.com/template\n_commit: v1.0.0\nprofile: ha\nlayout: infra\n"
    )
    loaded = load(path, ROOT)
    assert (loaded.answers.name, loaded.answers.layout) == ("attic", "infra")
    assert recorded(path) == ("attic", "infra", "https://git.example.com/template", False)
    assert loaded.recorded


def test_file_of_a_person_knows_no_entries_of_copier(write: Write) -> None:
    path = write("_subdirectory: infra\n")
    assert {finding.path for finding in findings(path)} == {"_subdirectory"}


def test_answers_to_another_template_are_told_apart(write: Write, tmp_path: Path) -> None:
    assert not recorded(write("_src_path: https://git.example.com/other\nproject: attic\n"))
    assert not recorded(write("name: [\n"))
    assert not recorded(tmp_path / "missing.yml")


def test_validating_answers_pays_for_no_engine_and_no_screen() -> None:
    """A check of answers may take a quarter of a second, start-up included; each of these takes most of that."""
    code = (
        "import pathlib, sys\n"
        "from generator.answers.load import load\n"
        "load(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    command = [sys.executable, "-c", code, str(ROOT / "examples" / "ha.yaml"), str(ROOT)]
    modules = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.split()
    assert not {"copier", "rich", "questionary", "prompt_toolkit", "pydantic", "git", "ruamel"} & set(modules)
    assert {"jinja2", "yaml"} <= set(modules)


def test_broken_cache_is_compiled_anew(cache: Path, write: Write) -> None:
    path = write("")
    expected = load(path, ROOT).data
    compiled = sorted(cache.iterdir())
    assert len(compiled) >= 3
    for file in compiled:
        file.write_bytes(b"not compiled")
    load_once.cache_clear()
    assert load(path, ROOT).data == expected
    assert all(file.stat().st_size > 1000 for file in compiled)


def test_cache_that_others_can_write_is_left_alone(cache: Path, write: Write) -> None:
    cache.mkdir(parents=True)
    cache.chmod(0o777)
    load(write(""), ROOT)
    assert list(cache.iterdir()) == []


@pytest.mark.usefixtures("read_anew")
def test_check_works_without_a_cache(monkeypatch: pytest.MonkeyPatch, write: Write) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    assert load(write(""), ROOT).answers.name == "lab"
