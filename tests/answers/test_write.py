"""answers.yaml: readable, complete, the same when it is read again, and never written over a person's own file."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from generator.answers.load import load, load_kept
from generator.answers.questionnaire import Questionnaire
from generator.answers.write import dump, is_replaceable, save
from generator.errors import BadInputError, WriteError

from .conftest import ROOT, SSH_KEY, Write

HERE = Path(__file__).parent


@pytest.mark.parametrize("source", sorted((HERE / "valid").glob("*.yaml")), ids=lambda path: path.stem)
def test_what_is_written_reads_back_as_it_was(source: Path, tmp_path: Path, questionnaire: Questionnaire) -> None:
    loaded = load(source, ROOT)
    path = tmp_path / "answers.yaml"
    save(path, loaded.data, questionnaire)
    assert load(path, ROOT).data == loaded.data
    assert dump(load(path, ROOT).data, questionnaire) == path.read_text("utf-8")


def test_text_of_a_written_file(questionnaire: Questionnaire) -> None:
    text = dump(load(HERE / "valid" / "further-machines.yaml", ROOT).data, questionnaire)
    assert text.startswith("# The answers of this cluster.")
    assert (
        "\n# Size of the cluster\n"
        "#   ha: 3 masters, 3 workers, 2 load balancers, 2 infra nodes, 1 storage node\n"
        "#   single: 1 master that also runs the workloads, 1 infra node\n"
        "profile: ha\n"
    ) in text
    assert "\ndns_upstream: [1.1.1.1, 9.9.9.9]\n" in text
    assert "\nnodes:\n- {name: worker1, cpus: 8," in text
    assert "mac: '52:54:00:AB:CD:EF'" in text
    assert max(map(len, text.splitlines())) <= 120


def test_each_asked_question_is_written_with_its_help(questionnaire: Questionnaire) -> None:
    text = dump(load(HERE / "valid" / "minimal.yaml", ROOT).data, questionnaire)
    prose = " ".join(re.findall(r"^# +(.*)$", text, re.MULTILINE))
    asked = [question for question in questionnaire.questions if question.ask is True]
    assert len(asked) <= 12
    for question in asked:
        assert question.help in prose
        assert f"\n{question.name}: " in text


def test_overrides_are_written_only_where_they_differ_from_their_default(
    write: Write, questionnaire: Questionnaire
) -> None:
    text = dump(load(write("counts: {}\ngit_read: token\ngit_branch: trunk\n"), ROOT).data, questionnaire)
    assert "\ngit_branch: trunk\n" in text
    assert "counts:" not in text
    assert "git_read:" not in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "no"),
        ("name", "1e3"),
        ("name", "0o17"),
        ("name", "2026-01-01"),
        ("name", "12:30:45"),
        ("name", ""),
        ("name", " # not a comment"),
        ("email", "null"),
        ("ssh_public_key", "ssh-ed25519 AAAA 'a: b' \"c\" # \u2028 Zoë"),
        ("dns_upstream", ["1.1", "~", "a, b"]),
        ("repositories", {"infra": "true", "apps": "1_000"}),
    ],
)
def test_text_stays_text(name: str, value: object, questionnaire: Questionnaire) -> None:
    assert yaml.safe_load(dump({name: value}, questionnaire)) == {name: value}


def test_value_that_occurs_twice_is_written_twice(questionnaire: Questionnaire) -> None:
    size = {"cpus": 4}
    text = dump({"sizes": {"master": size, "worker": size}}, questionnaire)
    assert "master: {cpus: 4}" in text
    assert "worker: {cpus: 4}" in text


def test_unfinished_answers_say_so_and_are_read_as_far_as_they_go(tmp_path: Path, questionnaire: Questionnaire) -> None:
    path = tmp_path / "answers.yaml"
    assert is_replaceable(path)
    save(path, {"name": "attic"}, questionnaire)
    assert path.read_text().startswith("# Unfinished: `fmc new` asks for what is missing.\n")
    assert is_replaceable(path)
    assert load_kept(path, questionnaire) == {"name": "attic"}
    save(path, {"name": "attic", "profile": "single"}, questionnaire)
    assert load_kept(path, questionnaire) == {"name": "attic", "profile": "single"}


def test_finished_answers_are_never_written_over(tmp_path: Path, questionnaire: Questionnaire) -> None:
    path = tmp_path / "answers.yaml"
    data = load(HERE / "valid" / "minimal.yaml", ROOT).data
    save(path, {"name": "attic"}, questionnaire)
    save(path, data, questionnaire)
    before = path.read_bytes()
    assert not is_replaceable(path)
    with pytest.raises(BadInputError, match="is there already") as caught:
        save(path, data | {"name": "other"}, questionnaire)
    assert f"--answers {path}" in str(caught.value.fix)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [f"ssh_public_key: {SSH_KEY}\n", "", "# Unfinished business\n"])
def test_own_file_of_a_person_is_never_written_over(tmp_path: Path, content: str, questionnaire: Questionnaire) -> None:
    path = tmp_path / "answers.yaml"
    path.write_text(content)
    with pytest.raises(BadInputError, match="is there already"):
        save(path, {"name": "attic"}, questionnaire)
    assert path.read_text() == content


def test_disk_that_refuses_is_told(tmp_path: Path, questionnaire: Questionnaire) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WriteError):
        save(tmp_path / "file" / "answers.yaml", {"name": "attic"}, questionnaire)


def written_answers(tmp_path: Path, questionnaire: Questionnaire) -> Path:
    path = tmp_path / "answers.yaml"
    save(path, load(HERE / "valid" / "moved-networks.yaml", ROOT).data, questionnaire)
    return path


@pytest.mark.parametrize("source", ["ha", "single", "written"])
def test_copier_takes_the_file_as_it_lies(
    source: str, tmp_path: Path, questions_alone: Path, questionnaire: Questionnaire
) -> None:
    """What the head of a written file and those of the examples promise, typed as they say it."""
    written = source == "written"
    path = written_answers(tmp_path, questionnaire) if written else ROOT / "examples" / f"{source}.yaml"
    destination = tmp_path / "infra"
    command = [sys.executable, "-m", "copier", "copy", "--data-file", str(path), "-d", "layout=infra"]
    done = subprocess.run(
        [*command, str(questions_alone), str(destination)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    recorded = yaml.safe_load((destination / ".copier-answers.yml").read_text("utf-8"))
    loaded = load(path, ROOT, {"layout": "infra"}).data
    assert {name: recorded[name] for name in loaded} == loaded
