"""What an app can't be: each file of invalid/ is refused with exactly its findings, and taken once it is mended.

A file has the fields of a description that differ from a good one. It begins with `# expect: RULE OPTION: START OF THE
MESSAGE` for each finding, and ends with `# mended: FIELDS` for each way that the remedies show.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from generator.apps.judge import read_request
from generator.apps.request import Given
from generator.apps.surroundings import Surroundings
from generator.errors import RequestError
from generator.template.writeback import read_image
from tests.template.conftest import ROOT

if TYPE_CHECKING:
    from generator.apps.request import App

INVALID = sorted((Path(__file__).parent / "invalid").glob("*.yaml"))
DIGEST = f"sha256:{1:064x}"
GOOD: dict[str, Any] = {"name": "shop", "image": f"registry.example.com/shop:1.0.0@{DIGEST}"}
DOMAIN = "home.example.com"


def read(fields: dict[str, Any]) -> App:
    described: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in (GOOD | fields).items()
    }
    around = Surroundings(
        DOMAIN,
        described.pop("ingress", True),
        frozenset({"traefik", "hello"}),
        {"jenkins-agents": "argocd/namespaces/jenkins.yaml"},
        {f"grafana.{DOMAIN}": "the template", f"master1.{DOMAIN}": "the machine master1"},
    )
    given = Given(**described)
    return read_request(given, around, partial(read_image, ROOT, mutable=given.mutable))


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_a_faulty_description_is_refused_with_its_findings_and_taken_once_mended(path: Path) -> None:
    text = path.read_text()
    fields = yaml.safe_load(text)
    expected = re.findall(r"^# expect: (\S+) (\S+): (.+)$", text, re.MULTILINE)
    with pytest.raises(RequestError) as caught:
        read(fields)
    findings = list(caught.value.findings)
    assert len(findings) == len(expected) > 0
    for rule, option, start in expected:
        met = [one for one in findings if (one.rule, one.path) == (rule, option) and one.message.startswith(start)]
        assert met, (rule, option, start, findings)
    assert all(one.fix for one in findings)
    ways = re.findall(r"^# mended: (.+)$", text, re.MULTILINE)
    assert ways
    for way in ways:
        read(fields | yaml.safe_load(way))


def test_what_is_not_said_is_as_usual() -> None:
    app = read({})
    assert (app.port, app.health, app.secrets, app.source) == (8080, "", (), "")
    assert [(one.name, one.host, one.replicas) for one in app.environments] == [
        ("staging", f"shop-staging.{DOMAIN}", 1),
        ("production", f"shop.{DOMAIN}", 1),
    ]
    assert {str(one.image) for one in app.environments} == {GOOD["image"]}
    assert app.namespaces == ("shop-staging", "shop-production")


def test_without_an_ingress_an_app_has_no_host() -> None:
    assert {one.host for one in read({"ingress": False}).environments} == {""}


def test_a_number_of_pods_for_one_environment_wins_over_that_for_all() -> None:
    app = read({"replicas": ["2", "production=4"], "source": True, "secrets": ["database", "mail=external"]})
    assert [one.replicas for one in app.environments] == [2, 4]
    assert app.source == GOOD["image"]
    assert [(one.name, one.generator) for one in app.secrets] == [("database", "password"), ("mail", "external")]
