"""Rules between answers: the verdict of `lib/rules.jinja` on the address plan that the answers give."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from generator.answers.plan import Plan
from generator.answers.typecheck import overlap

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from generator.answers.questionnaire import Questionnaire

_SOURCE = (
    "#% import 'lib/rules.jinja' as r with context %#"
    "#{ {'plan': r.plan, 'problems': r.problems + r.warnings} | tojson }#"
)


@dataclass(frozen=True)
class Problem:
    """What a rule between answers found; the fields are those of lib/rules/report.jinja, which says what they mean."""

    rule: str
    path: str
    source: str
    owner: str
    message: str
    fix: str
    needs: tuple[str, ...]
    severity: str
    text: str


@dataclass(frozen=True)
class Verdict:
    """The plan, also as `lib/plan.jinja` gives it, and what is wrong with it."""

    plan: Plan
    plan_data: dict[str, Any]
    problems: tuple[Problem, ...]


def judge(questionnaire: Questionnaire, data: Mapping[str, object], malformed: Collection[str] = ()) -> Verdict:
    """Apply the rules between answers.

    Args:
        questionnaire: The template's questions.
        data: A well-formed value for every question; a default in place of a malformed one.
        malformed: Paths of the answers with such a default; rules that look at one of them are not heard.

    Raises:
        BadInputError: The template fails on these answers.
    """
    result: dict[str, Any] = json.loads(questionnaire.render(_SOURCE, data))
    problems = (Problem(**{**entry, "needs": tuple(entry["needs"])}) for entry in result["problems"])
    heard = tuple(
        problem for problem in problems if not any(overlap(need, path) for need in problem.needs for path in malformed)
    )
    return Verdict(Plan.from_dict(result["plan"]), result["plan"], heard)
