"""What a forge reads: forms for issues, and the template of a pull request."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.docs.shell import fault_of_mention
from tests.pipeline.world import ROOT

FOLDER = ROOT / ".github" / "ISSUE_TEMPLATE"
FORMS = sorted(path.name for path in FOLDER.iterdir() if path.name != "config.yml")
# GitHub's form schema: https://docs.github.com/communities/using-templates-to-encourage-useful-issues-and-pull-requests/
# syntax-for-githubs-form-schema
TYPES = {"checkboxes", "dropdown", "input", "markdown", "textarea"}


def form(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((FOLDER / name).read_text()))


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_what_the_forge_accepts(name: str) -> None:
    document = form(name)
    assert {"name", "description", "body"} <= document.keys() <= {"name", "description", "labels", "body"}
    fields = [item for item in document["body"] if item["type"] != "markdown"]
    assert fields
    assert len({field["id"] for field in fields}) == len(fields)
    for item in document["body"]:
        assert item["type"] in TYPES
        assert item.keys() <= {"type", "id", "attributes", "validations"}
        assert "value" in item["attributes"] if item["type"] == "markdown" else item["attributes"]["label"]
        assert bool(item["attributes"].get("options")) == (item["type"] in {"checkboxes", "dropdown"})


def test_a_bug_can_be_reproduced_from_its_form() -> None:
    required = {item["id"] for item in form("bug.yml")["body"] if item.get("validations", {}).get("required")}
    assert required == {"version", "command", "output", "expected", "machine"}


def test_there_are_no_issues_but_through_a_form() -> None:
    assert form("config.yml") == {"blank_issues_enabled": False}


@pytest.mark.parametrize("name", FORMS)
def test_what_a_form_asks_people_to_run_exists(name: str) -> None:
    mentions = re.findall(r"`(fmc [^`]+)`", (FOLDER / name).read_text())
    assert [(text, why) for text in mentions if (why := fault_of_mention(text, []))] == []


def test_nobody_is_led_to_tell_a_weakness_or_a_secret_in_public() -> None:
    opening = form("bug.yml")["body"][0]["attributes"]["value"]
    assert "`SECURITY.md`" in opening
    assert (ROOT / "SECURITY.md").is_file()
    assert "no vault, key or token" in opening
