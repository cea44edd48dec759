"""Plain Copier and fmc know the same keys with the same types: every key of the shapes is tried on both."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from generator.answers.questionnaire import Questionnaire
from generator.answers.typecheck import check_types, overlap
from generator.answers.values import check_value

from .conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

QUESTIONS = Questionnaire.load(ROOT)
_SOURCE = "#% import 'lib/field/shapes.jinja' as s %##% from 'lib/field/kinds.jinja' import kinds %#"
SHAPES, NUMBERS, TEXTS = json.loads(
    QUESTIONS.render(f"{_SOURCE}#{{ [s.shapes, s.numbers, kinds | list] | to_json }}#", {})
)
CERTIFICATE = f"-----BEGIN CERTIFICATE-----\n{'A' * 64}\n-----END CERTIFICATE-----\n"
# A name where people choose one: of a host, of a machine.
CHOSEN = "kvm1"
GOOD = {
    "address": "10.17.4.50",
    "api_url": "https://k8s.example.com:6443",
    "attestation": "provenance",
    "authority": CERTIFICATE,
    "awaited": "rollout",
    "backup_target": "s3://backups@eu-west-1/",
    "bridge": "virbr-lab3",
    "build_notifier": "webhook",
    "cidr": "10.20.0.0/24",
    "clock": "02:00",
    "code_owner": "@ada",
    "delivery": "pull-requests",
    "deployment": "pull-request",
    "distribution": "alma",
    "entry": "node-ports",
    "forge_kind": "gitea",
    "group": "databases",
    "host_name": "kvm1",
    "host_state": "retired",
    "image_registry": "registry.example.com:5000/mirror",
    "k3s_version": "v1.36.4+k3s1",
    "known_host": f"git.example.com ssh-ed25519 {'A' * 68}",
    "kubernetes_version": "v1.35.1-eks-1a2b3c4",
    "mail_server": "smtp.example.com:587",
    "mailbox": "alerts@example.com",
    "mac": "52:54:00:11:04:32",
    "network_key": "edge",
    "node_name": CHOSEN,
    "notifier": "shoutrrr",
    "os": "linux",
    "public_name": "home.example.com",
    "reachable": "vpn.example.com",
    "receiver": "email",
    "recipient": f"age1{'q' * 58}",
    "repository": "infra",
    "role": "worker",
    "sender": "203.0.113.10",
    "severity": "critical",
    "storage_class": "fast.example.com",
    "time_server": "ntp.example.com",
    "uri": "qemu:///system",
    "user": "robot$mirror",
    "web_folder": "https://git.example.com/home/argocd/src/branch/main/docs/runbooks",
    "webhook": "none",
    "weekday": "mo",
}


@dataclass(frozen=True)
class Place:
    """Somewhere in an answer: its path, and the kind or the keys that the shape has there."""

    path: str
    shape: Any

    def holding(self, value: object) -> dict[str, object]:
        """An answer that has a value in this place, and nothing else."""
        for key in reversed(self.path.split(".")[1:]):
            if key == "0":
                value = [value]
            elif self.path.startswith("nodes.") and key == CHOSEN:
                value = [{"name": CHOSEN, **value}] if isinstance(value, dict) else [value]
            else:
                value = {key: value}
        return {self.path.partition(".")[0]: value}


def places(path: str, shape: Any) -> Iterator[Place]:
    """Every place of a shape, itself included."""
    yield Place(path, shape)
    if isinstance(shape, dict):
        for key, inside in shape.items():
            yield from places(f"{path}.{CHOSEN if key == '*' else key}", inside)
    if isinstance(shape, list):
        yield from places(f"{path}.{CHOSEN if isinstance(shape[0], dict) else 0}", shape[0])


ALL = [place for name, shape in SHAPES.items() for place in places(name, shape)]
VALUES = [place for place in ALL if isinstance(place.shape, str)]
RECORDS = [place for place in ALL if isinstance(place.shape, dict) and "*" not in place.shape]


def by_fmc(answer: dict[str, Any]) -> list[str]:
    """The paths of what fmc refuses in an answer; about a value of the wrong type it says nothing else."""
    typed = check_types(answer, QUESTIONS.shapes)
    (name,) = answer
    left = typed.data.get(name, QUESTIONS.default(QUESTIONS[name], {}))
    mistyped = [fault.path for fault in typed.faults]
    values = [fault.path for fault in check_value(QUESTIONS, QUESTIONS[name], left, {})]
    return mistyped + [path for path in values if not any(overlap(path, other) for other in mistyped)]


def by_copier(answer: dict[str, Any]) -> list[str]:
    """The paths of what the validator refuses, which is all that plain Copier asks."""
    ((name, value),) = answer.items()
    return [line.partition(": ")[0] for line in QUESTIONS.fault(QUESTIONS[name], value, {}).splitlines()]


def path_of(place: Place) -> str:
    return place.path


@pytest.mark.parametrize("place", VALUES, ids=path_of)
def test_every_key_is_accepted_by_both(place: Place) -> None:
    answer = place.holding(NUMBERS[place.shape][1] if place.shape in NUMBERS else GOOD[place.shape])
    assert (by_fmc(answer), by_copier(answer)) == ([], [])


@pytest.mark.parametrize("place", RECORDS, ids=path_of)
def test_unknown_key_is_refused_by_both(place: Place) -> None:
    answer = place.holding({"jabberwock": 1})
    path = f"{place.path}.jabberwock"
    assert (by_fmc(answer), by_copier(answer)) == ([path], [path])


@pytest.mark.parametrize("place", VALUES, ids=path_of)
def test_value_of_another_type_is_refused_by_both(place: Place) -> None:
    # What a list calls its items by is a part of the path: they are counted where it is no name.
    path = re.sub(rf"^nodes\.{CHOSEN}\.name$", "nodes.0.name", place.path)
    for value in ("text", True, 1.5, None) if place.shape in NUMBERS else (5, True, None):
        answer = place.holding(value) if path == place.path else {"nodes": [{"name": value}]}
        assert (by_fmc(answer), by_copier(answer)) == ([path], [path]), value


@pytest.mark.parametrize("kind", NUMBERS)
def test_numbers_end_at_their_least_and_their_most(kind: str) -> None:
    place = next(place for place in VALUES if place.shape == kind)
    least, most = NUMBERS[kind]
    for number, refused in ((least - 1, [place.path]), (least, []), (most + 1, [place.path])):
        answer = place.holding(number)
        assert (by_fmc(answer), by_copier(answer)) == (refused, refused)


@pytest.mark.parametrize("place", [place for place in ALL if not isinstance(place.shape, str)], ids=path_of)
def test_text_in_place_of_a_record_or_a_list_is_refused_by_both(place: Place) -> None:
    if place.path == f"nodes.{CHOSEN}":
        place = Place("nodes.0", place.shape)
    answer = place.holding("text")
    assert (by_fmc(answer), by_copier(answer)) == ([place.path], [place.path])


def test_every_kind_is_used_and_every_question_has_a_shape() -> None:
    assert {place.shape for place in VALUES} == {*NUMBERS, *TEXTS}
    assert not NUMBERS.keys() & set(TEXTS)
    names = [question.name for question in QUESTIONS.questions]
    assert SHAPES.keys() <= set(names)
    assert [n for n in names if QUESTIONS[n].type == "yaml" and not QUESTIONS[n].is_list and n not in SHAPES] == []


def test_names_that_people_choose_are_judged() -> None:
    assert by_copier({"hosts": {"KVM 1": {}}}) == by_fmc({"hosts": {"KVM 1": {}}}) == ["hosts.0"]
