"""Changing answers in a person's own file: what is changed reads back, everything else stays byte for byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.answers.document import read
from generator.answers.questionnaire import Questionnaire
from generator.answers.rewrite import with_answers


def rewritten(tmp_path: Path, text: str, values: dict[str, Any], questionnaire: Questionnaire) -> str:
    path = tmp_path / "answers.yaml"
    path.write_bytes(text.encode())
    document = read(path)
    document = replace(document, data={**document.data, **values})
    content = with_answers(document, values, questionnaire).decode()
    assert yaml.safe_load(content) == document.data
    return content


@pytest.mark.parametrize(
    ("before", "values", "after"),
    [
        ("name: home # ours\n", {"name": "attic"}, "name: attic # ours\n"),
        ("# head\n\nname: home\n\n# tail\n", {"name": "attic"}, "# head\n\nname: attic\n\n# tail\n"),
        ("name: home\n", {"timezone": "Etc/UTC"}, "name: home\ntimezone: Etc/UTC\n"),
        ("name: home", {"timezone": "Etc/UTC"}, "name: home\ntimezone: Etc/UTC\n"),
        ("name: 'home'\r\nedge: nat\r\n", {"name": "attic"}, "name: attic\r\nedge: nat\r\n"),
        (
            "counts:\n  workers: 3\n  # more later\n\n# sizes\nsizes: {}\n",
            {"counts": {"workers": 4}},
            "counts: {workers: 4}\n  # more later\n\n# sizes\nsizes: {}\n",
        ),
        ("dns_upstream:\n- 1.1.1.1\n- 9.9.9.9\nname: home\n", {"dns_upstream": ["8.8.8.8"]}, None),
        ("domain: >-\n  home.example.com\nname: home\n", {"domain": "attic.example.com"}, None),
        ("name: home\nname: house\n", {"name": "attic"}, None),
        ("name: 'no'\n", {"name": "off"}, "name: 'off'\n"),
        ("\ufeffname: home\n", {"name": "attic"}, None),
    ],
)
def test_one_answer_changes_and_the_rest_stays(
    tmp_path: Path, questionnaire: Questionnaire, before: str, values: dict[str, Any], after: str | None
) -> None:
    content = rewritten(tmp_path, before, values, questionnaire)
    assert after is None or content == after


@pytest.mark.parametrize(
    ("before", "values"),
    [
        ("{name: home, profile: ha}\n", {"domain": "home.example.com"}),
        ("sizes:\n  worker: &big {cpus: 4}\n  master: *big\ncounts: {}\n", {"sizes": {"worker": {"cpus": 2}}}),
        (
            "dns_upstream: &list [1.1.1.1]\nvault_recipients: *list\n",
            {"dns_upstream": ["9.9.9.9"], "name": "attic"},
        ),
    ],
)
def test_file_that_can_not_be_changed_in_place_is_written_anew(
    tmp_path: Path, questionnaire: Questionnaire, before: str, values: dict[str, Any]
) -> None:
    rewritten(tmp_path, before, values, questionnaire)
