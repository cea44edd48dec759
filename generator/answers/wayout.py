"""Ways out for a person who is asked: what an answer contradicts may be a default that no question is about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from generator.answers.rules import judge
from generator.answers.typecheck import overlap
from generator.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from generator.answers.questionnaire import Question, Questionnaire
    from generator.answers.rules import Problem

_OVERLAP = re.compile(r"(?P<given>\S+) overlaps (?P<range>\S+) of (?P<path>networks\.\w+\.cidr|kubernetes\.\w+_cidr)")
# Second octets of 10.0.0.0/8 (RFC 1918) in which the defaults of no network lie.
_OCTETS = range(60, 90)


def contradictions(
    questionnaire: Questionnaire, question: Question, value: object, before: Mapping[str, object]
) -> list[Problem]:
    """Return what the rules between answers say that look at a new answer and at what is answered by now.

    Args:
        questionnaire: The template's questions.
        question: The question that is being answered.
        value: Its answer.
        before: The answers so far.
    """
    answered = {**before, question.name: value}
    data = dict(answered)
    still_asked = set()
    for other in questionnaire.questions:
        if other.name not in answered:
            data[other.name] = questionnaire.default(other, data)
            if questionnaire.is_asked(other, data):
                still_asked.add(other.name)
    return [
        problem
        for problem in judge(questionnaire, data, still_asked).problems
        if problem.severity == Severity.ERROR and any(overlap(need, question.name) for need in problem.needs)
    ]


def moved_ranges(
    questionnaire: Questionnaire, question: Question, value: object, before: Mapping[str, object]
) -> dict[str, dict[str, Any]]:
    """Return answers to questions that are never asked, with which a network that a person gave is good after all.

    Args:
        questionnaire: The template's questions.
        question: The question that is being answered.
        value: Its answer, a network that overlaps others.
        before: The answers so far.

    Returns:
        The overrides that move the other ranges, by question; none where that is not the trouble, or does not help.
    """
    moved: dict[str, dict[str, Any]] = {}
    for _ in range(len(_OCTETS)):
        problems = contradictions(questionnaire, question, value, {**before, **moved})
        if not problems:
            return moved
        found = _OVERLAP.search(problems[0].message)
        if found is None:
            return {}
        for candidate in _candidates(found["range"]):
            moved_on = _with(moved, before, found["path"], candidate)
            left = contradictions(questionnaire, question, value, {**before, **moved_on})
            if not any(found["path"] in problem.message or candidate in problem.message for problem in left):
                moved = moved_on
                break
        else:
            return {}
    return {}


def _candidates(taken: str) -> Iterator[str]:
    address, _, prefix = taken.partition("/")
    _, _, third, fourth = address.split(".")
    for octet in _OCTETS:
        yield f"10.{octet}.{third}.{fourth}/{prefix}"


def _with(
    moved: dict[str, dict[str, Any]], before: Mapping[str, object], path: str, value: str
) -> dict[str, dict[str, Any]]:
    """Return overrides with one more; those that a person has given stay."""
    question, *inside, field = path.split(".")
    given = moved.get(question, before.get(question, {}))
    answer: dict[str, Any] = dict(given) if isinstance(given, dict) else {}
    if inside:
        answer[inside[0]] = {**answer.get(inside[0], {}), field: value}
    else:
        answer[field] = value
    return {**moved, question: answer}
