"""Loading an answers file: read, check everything, and give answers and address plan, or all findings at once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from generator.answers.document import Document, path_of, read
from generator.answers.model import READ, Answers
from generator.answers.questionnaire import MISSING, Questionnaire
from generator.answers.rules import judge
from generator.answers.typecheck import TYPE, Fault, check_types, overlap, without
from generator.answers.values import check_value
from generator.errors import AnswersError, BadInputError
from generator.findings import Finding, Severity
from generator.strictyaml import NO_KEY, NUMBER, REPEATED
from generator.wording import printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from generator.answers.plan import Plan
    from generator.answers.rules import Problem
    from generator.strictyaml import Note

_NO_OVERRIDES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class LoadedAnswers:
    """Answers that passed every rule.

    Attributes:
        answers: Those that fmc itself reads.
        data: A value for every question, as Copier takes them.
        plan: The address plan that they give, as far as fmc reads it.
        plan_data: All of it, as the template renders it.
        warnings: What is legal, but hardly meant.
        path: The file that they came from.
        document: That file as it was read; a pipe can't be read again.
        recorded: It is what Copier recorded in a repository, and nobody's own file.
    """

    answers: Answers
    data: dict[str, Any]
    plan: Plan
    plan_data: dict[str, Any]
    warnings: tuple[Finding, ...]
    path: Path
    document: Document = field(repr=False)
    recorded: bool = False


def load(path: Path, template_root: Path, overrides: Mapping[str, str] = _NO_OVERRIDES) -> LoadedAnswers:
    """Load and check an answers file, or what Copier recorded in a repository.

    Args:
        path: The answers file, or `.copier-answers.yml`.
        template_root: The folder that holds copier.yml and lib/.
        overrides: Answers given as options instead, as text; YAML where the question wants YAML.

    Raises:
        AnswersError: Some answers are wrong; it holds every finding.
        BadInputError: The file or the template can't be used at all.
    """
    document, by_copier = read_answers(path)
    return replace(check_answers(document, path, template_root, overrides), recorded=by_copier)


def read_answers(path: Path) -> tuple[Document, bool]:
    """Return an answers file unchecked, without Copier's own entries, and whether Copier has recorded it.

    Raises:
        BadInputError: The file can't be used at all.
    """
    document = read(path)
    # Where none of the two is, somebody has written the file.
    by_copier = not {"_commit", "_src_path"}.isdisjoint(document.data)
    if by_copier:
        answers = {name: value for name, value in document.data.items() if not name.startswith("_")}
        document = replace(document, data=answers)
    return document, by_copier


def load_again(loaded: LoadedAnswers, template_root: Path, overrides: Mapping[str, str]) -> LoadedAnswers:
    """Return the same answers, as they were read, with other ones given as options; a pipe can't be read twice.

    Args:
        loaded: The answers.
        template_root: The folder that holds copier.yml and lib/.
        overrides: All answers given as options.

    Raises:
        AnswersError: Some answers are wrong; it holds every finding.
    """
    again = check_answers(loaded.document, loaded.path, template_root, overrides)
    return replace(again, recorded=loaded.recorded)


class Recorded(NamedTuple):
    """What a rendered repository says of itself.

    Attributes:
        cluster: The cluster's name.
        layout: What it holds.
        template: The address that newer versions of its template come from; "" where none is recorded.
        existing: Whether the cluster is there already, without machines of ours.
    """

    cluster: str
    layout: str
    template: str
    existing: bool


def recorded(path: Path) -> Recorded | None:
    """Return what Copier recorded in a repository; None where it is of another template, or can't be read.

    Args:
        path: The file `.copier-answers.yml`.
    """
    try:
        data = read(path).data
    except BadInputError:
        return None
    known = {"name", "profile", "layout"} <= data.keys()
    if not known:
        return None
    template, existing = str(data.get("_src_path", "")), bool(data.get("existing_cluster"))
    return Recorded(str(data["name"]), str(data["layout"]), template, existing)


def check_answers(
    document: Document, path: Path, template_root: Path, overrides: Mapping[str, str] = _NO_OVERRIDES
) -> LoadedAnswers:
    """Check answers that were read.

    Args:
        document: The answers, without Copier's own entries.
        path: The file that they came from.
        template_root: The folder that holds copier.yml and lib/.
        overrides: Answers given as options instead.

    Raises:
        AnswersError: Some answers are wrong; it holds every finding.
        BadInputError: The template can't be used at all.
    """
    questionnaire = Questionnaire.load(template_root)
    _expect_known_questions(questionnaire)
    document, misread = _with_options(document, overrides, questionnaire)
    misread += [_of_note(note) for note in document.notes if note.rule != REPEATED]
    data, faults = _checked(questionnaire, document.data, misread)
    verdict = judge(questionnaire, data, {fault.unknown for fault in faults})
    findings = sorted(
        [
            *(_of_fault(document, _of_note(note)) for note in document.notes if note.rule == REPEATED),
            *(_of_fault(document, fault) for fault in faults),
            *(_of_problem(document, problem) for problem in verdict.problems),
        ]
    )
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    if errors:
        count = "1 answer is" if errors == 1 else f"{errors} answers are"
        raise AnswersError(f"{count} wrong in {document.file}", findings, where=document.file)
    known = Answers.from_data(data)
    return LoadedAnswers(known, data, verdict.plan, verdict.plan_data, tuple(findings), path, document)


def load_kept(path: Path, questionnaire: Questionnaire, overrides: Mapping[str, str] = _NO_OVERRIDES) -> dict[str, Any]:
    """Return the good answers of a file that may be unfinished, or not there yet; the others are to be asked.

    Args:
        path: A file that an interrupted questionnaire left behind.
        questionnaire: The template's questions.
        overrides: Answers given as options; of those that are wrong it is said when all are loaded.

    Raises:
        BadInputError: The file can't be used at all.
    """
    given = dict(read(path).data) if path.exists() else {}
    for question in (question for question in questionnaire.questions if question.name in overrides):
        with suppress(ValueError):
            given[question.name] = question.parse(overrides[question.name])
    typed = check_types(given, questionnaire.shapes)
    malformed = {fault.path.partition(".")[0] for fault in typed.faults}
    kept: dict[str, Any] = {}
    for question in questionnaire.questions:
        if question.name in typed.data and question.name not in malformed:
            value = typed.data[question.name]
            if not check_value(questionnaire, question, value, kept):
                kept[question.name] = value
    return kept


def _expect_known_questions(questionnaire: Questionnaire) -> None:
    """Refuse a template of another release, without the questions whose answers are read here."""
    lacking = READ - {question.name for question in questionnaire.questions}
    if lacking:
        message = f"the template has other questions than this fmc: it lacks {', '.join(sorted(lacking))}"
        fix = "Use the template of the same release as fmc, or install the fmc of that release."
        raise BadInputError(message, where=str(questionnaire.root), fix=fix)


def _checked(
    questionnaire: Questionnaire, answers: Mapping[str, object], misread: list[Fault]
) -> tuple[dict[str, Any], list[Fault]]:
    """Check each answer by itself; give a well-formed value for each question that has one, and all faults.

    Args:
        questionnaire: The template's questions.
        answers: What a person answered.
        misread: What could not be read as it was meant; nothing further is said about the same value.
    """
    typed = check_types(answers, questionnaire.shapes)
    # Where no number is wanted, how it is written is not the point.
    no_numbers = {fault.path for fault in typed.faults}
    misread = [fault for fault in misread if fault.rule != NUMBER or fault.path not in no_numbers]
    unreadable = {fault.path for fault in misread}
    faults = misread + [fault for fault in typed.faults if not any(overlap(fault.path, path) for path in unreadable)]
    unusable = unreadable | {fault.path for fault in typed.faults}
    data: dict[str, Any] = {}
    for question in questionnaire.questions:
        default = questionnaire.default(question, data)
        value = typed.data.get(question.name, default)
        if value is MISSING:
            if question.name not in unusable and questionnaire.makes_sense(question, {**data, **answers}):
                message = f"{question.name} is missing; it has no default"
                faults.append(Fault("required", question.name, message, f"Add it: {question.help}."))
            continue
        # Where the type is wrong already, nothing else is said about the same value.
        faults += [
            fault
            for fault in check_value(questionnaire, question, value, data)
            if not any(overlap(fault.path, path) for path in unusable)
        ]
        usable = without(value, question.name, {fault.path for fault in faults})
        value = default if usable is None else question.ordered(usable)
        if value is not MISSING:
            data[question.name] = value
    return data, [_advised(questionnaire, fault) for fault in faults]


def _advised(questionnaire: Questionnaire, fault: Fault) -> Fault:
    """Return a fault with a remedy: what a question expects where it has none of its own, or names a form alone."""
    if fault.fix and fault.rule != TYPE:
        return fault
    expected = f"Expected: {questionnaire[fault.path.partition('.')[0]].help}."
    return replace(fault, fix=f"{fault.fix} {expected}".strip())


def _with_options(
    document: Document, overrides: Mapping[str, str], questionnaire: Questionnaire
) -> tuple[Document, list[Fault]]:
    values: dict[str, object] = {}
    faults: list[Fault] = []
    questions = {question.name: question for question in questionnaire.questions}
    for name, text in overrides.items():
        values[name] = None
        try:
            values[name] = questions[name].parse(text) if name in questions else text
        except ValueError as error:
            faults.append(Fault(TYPE, name, str(error), "Correct the option."))
    # What the file says there counts no longer, right or wrong.
    notes = tuple(note for note in document.notes if note.place[:1] not in {(name,) for name in values})
    data = {**document.data, **values}
    return replace(document, data=data, notes=notes, options=frozenset(values)), faults


def _of_note(note: Note) -> Fault:
    path, record = path_of(note.place), path_of(note.place[:-1])
    # What no key can be read from may be any of the values around it.
    meant = record if note.place[-1:] == (NO_KEY,) else ""
    return Fault(note.rule, path, f"{path} {note.message}", note.fix, meant)


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
