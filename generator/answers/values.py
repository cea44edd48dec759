"""Rules on single answers: the template's own (choices, validators), and what only a parser or a database can tell."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from generator.answers.ssh_keys import ssh_public_key_fault
from generator.answers.timezones import time_zone_fault
from generator.answers.typecheck import Fault
from generator.wording import did_you_mean, nearest, printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.answers.questionnaire import Question, Questionnaire


def check_value(
    questionnaire: Questionnaire, question: Question, value: object, before: Mapping[str, object]
) -> list[Fault]:
    """Check one answer of the right type.

    Args:
        questionnaire: Where the question comes from.
        question: The question.
        value: Its answer.
        before: The answers to the questions before it.

    Returns:
        What is wrong; nothing for a good answer.
    """
    faults = _choice_faults(question, value)
    if isinstance(value, list) and question.choices:
        value = _chosen(question, value)
    elif faults:
        return faults
    faults += _validator_faults(question, questionnaire.fault(question, value, before))
    # A database of names knows better than a pattern what was meant.
    if (not faults or question.name == "timezone") and question.name in _PARSERS and isinstance(value, str):
        message, fix = _PARSERS[question.name](value)
        if message:
            faults = [Fault(_rule(question.name), question.name, message, fix)]
    return faults


def _choice_faults(question: Question, value: object) -> list[Fault]:
    if not question.choices:
        return []
    known = [choice.value for choice in question.choices]
    placed = (
        {f"{question.name}.{index}": item for index, item in enumerate(value)}
        if isinstance(value, list)
        else {question.name: value}
    )
    return [
        Fault(
            "choice",
            path,
            f"{printable(str(item), 60)} is not one of {', '.join(known)}",
            did_you_mean(str(item), known),
        )
        for path, item in placed.items()
        if item not in known
    ]


def _chosen(question: Question, given: list[object]) -> list[str]:
    """Return the choices that a person meant, so that one misspelt word does not hide a rule on the others."""
    known = [choice.value for choice in question.choices]
    return [meant for item in given if (meant := str(item) if item in known else nearest(str(item), known))]


def _validator_faults(question: Question, text: str) -> list[Fault]:
    """Split what a validator printed: one line a fault, those of overrides as `path: message`."""
    faults = []
    for line in text.splitlines():
        placed = re.fullmatch(rf"({question.name}(?:\.[\w-]+)*): (.*)", line)
        path, message = placed.groups() if placed else (question.name, line)
        faults.append(Fault(_rule(path), path, printable(message), ""))
    return faults


def _rule(path: str) -> str:
    """Return the name of the rule on a value: its question, and the field inside where there is one."""
    question, *inside = path.split(".")
    field = f"-{inside[-1]}" if inside and not inside[-1].isdigit() else ""
    return f"{question}{field}".replace("_", "-")


def _certificate_fault(text: str) -> tuple[str, str]:
    if not text:
        return "", ""
    from cryptography.x509 import load_pem_x509_certificates

    try:
        load_pem_x509_certificates(text.encode())
    except ValueError:
        remedy = "Give the file as it is, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----."
        return "this certificate does not parse; it may have been cut when it was copied", remedy
    return "", ""


_PARSERS = {
    "git_authority": _certificate_fault,
    "ssh_public_key": ssh_public_key_fault,
    "timezone": time_zone_fault,
}
