"""Loading an answers file: read, check everything, and give answers and address plan, or all findings at once."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from generator.answers.document import Document, printable, read
from generator.answers.model import Answers
from generator.answers.questionnaire import MISSING, Questionnaire
from generator.answers.rules import judge
from generator.answers.typecheck import Fault, check_types
from generator.answers.values import check_value
from generator.errors import AnswersError
from generator.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from generator.answers.plan import Plan
    from generator.answers.rules import Problem

_NO_OVERRIDES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class LoadedAnswers:
    """Answers that passed every rule.

    Attributes:
        answers: The typed answers.
        data: A value for every question, as Copier takes them.
        plan: The address plan that they give.
        warnings: What is legal, but hardly meant.
        path: The file that they came from.
    """

    answers: Answers
    data: dict[str, object]
    plan: Plan
    warnings: tuple[Finding, ...]
    path: Path


def load(path: Path, template_root: Path, overrides: Mapping[str, str] = _NO_OVERRIDES) -> LoadedAnswers:
    """Load and check an answers file.

    Args:
        path: The answers file.
        template_root: The folder that holds copier.yml and lib/.
        overrides: Answers given as options instead, as text; YAML where the question wants YAML.

    Raises:
        AnswersError: Some answers are wrong; it holds every finding.
        BadInputError: The file or the template can't be used at all.
    """
    questionnaire = Questionnaire.load(template_root)
    document, faults = _with_options(read(path), overrides, questionnaire)
    findings = [_repeated(document, repeated.path, repeated.line, repeated.first) for repeated in document.repeated]

    typed = check_types(document.data)
    faults += typed.faults
    malformed = {fault.path.partition(".")[0] for fault in faults}
    data: dict[str, object] = {}
    for question in questionnaire.questions:
        value = typed.data[question.name] if question.name in typed.data else questionnaire.default(question, data)
        if value is MISSING:
            if question.name not in malformed:
                faults.append(Fault("required", question.name, f"{question.name} is missing; it has no default", f"Add it: {question.help}."))
            continue
        wrong = check_value(questionnaire, question, value, data)
        if wrong:
            faults += wrong
            malformed.add(question.name)
            value = questionnaire.default(question, data)
        data[question.name] = question.ordered(value)

    verdict = judge(questionnaire, data, malformed)
    findings += [_of_fault(document, fault) for fault in faults]
    findings += [_of_problem(document, problem) for problem in verdict.problems]
    errors = sorted(finding for finding in findings if finding.severity is Severity.ERROR)
    if errors:
        count = "1 answer is" if len(errors) == 1 else f"{len(errors)} answers are"
        raise AnswersError(f"{count} wrong in {document.file}", sorted(findings), where=document.file)
    return LoadedAnswers(Answers.model_validate(data), data, verdict.plan, tuple(sorted(findings)), path)


def _with_options(
    document: Document, overrides: Mapping[str, str], questionnaire: Questionnaire
) -> tuple[Document, list[Fault]]:
    values: dict[str, object] = {}
    faults: list[Fault] = []
    questions = {question.name: question for question in questionnaire.questions}
    for name, text in overrides.items():
        question = questions.get(name)
        try:
            values[name] = question.parse(text) if question else text
        except ValueError:
            values[name] = document.data.get(name)
            faults.append(Fault("type", name, f"the option's value for {name} is not YAML", "Check brackets and quotes."))
    return document.replaced(values), faults


def _repeated(document: Document, path: str, line: int, first: int) -> Finding:
    shown = printable(path, 120)
    message = f"{shown} stands twice; the first time in line {first}"
    return Finding(document.file, line, "answers/repeated", message, shown, f"answer {shown}", "Remove one of them.")


def _of_fault(document: Document, fault: Fault) -> Finding:
    file, line = document.place(fault.path)
    return Finding(file, line, f"answers/{fault.rule}", fault.message, fault.path, f"answer {fault.path}", fault.fix)


def _of_problem(document: Document, problem: Problem) -> Finding:
    file, line = document.place(problem.path, problem.source)
    return Finding(
        file,
        line,
        problem.rule,
        printable(problem.message),
        problem.path,
        problem.owner,
        problem.fix,
        Severity(problem.severity),
    )
