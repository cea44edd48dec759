"""`fmc explain`: what the rules are that findings name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from generator.errors import BadInputError
from generator.findings import declared_rules
from generator.wording import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.findings import Rule

# Whoever loads these has loaded every module that declares a rule.
_DECLARING = (
    "generator.answers.elsewhere",
    "generator.answers.parts",
    "generator.answers.ruleset",
    "generator.apps.ruleset",
    "generator.backup.due",
    "generator.checks.run",
    "generator.delivery.local.staged",
    "generator.forges.ruleset",
    "generator.mirror.inventory",
    "generator.pipeline.steps.outgoing",
    "generator.pipeline.steps.remote_state",
    "generator.readiness.ruleset",
    "generator.secrets.ruleset",
)


def all_rules() -> Sequence[Rule]:
    """Return every rule that a finding can name, by identifier.

    Raises:
        BadInputError: fmc is installed without its template, which holds the rules on single answers.
    """
    from generator.answers.questionnaire import Questionnaire
    from generator.answers.ruleset import value_rules
    from generator.template.source import template_root

    for module in _DECLARING:
        import_module(module)
    rules = {rule.id: rule for rule in value_rules(Questionnaire.load(template_root()))}
    rules |= declared_rules()
    return [rule for _, rule in sorted(rules.items())]


def explain(identifiers: Sequence[str]) -> Sequence[Rule]:
    """Return the rules of these identifiers, or all rules if there are none.

    Args:
        identifiers: As findings name them; a rule on a field inside of an answer is explained by its question's.

    Raises:
        BadInputError: There is no such rule.
    """
    rules = {rule.id: rule for rule in all_rules()}
    found = []
    for identifier in identifiers:
        rule = _nearest_above(identifier, rules)
        if rule is None:
            near = nearest(identifier, rules)
            fix = f"Did you mean {near}?" if near else "See `fmc explain` for all of them."
            raise BadInputError(f"there is no rule {identifier}", fix=fix)
        found.append(rule)
    return found or list(rules.values())


def _nearest_above(identifier: str, rules: dict[str, Rule]) -> Rule | None:
    """Return the rule of an identifier: `answers/networks-dhcp-start` is found as `answers/networks`."""
    while identifier not in rules and identifier.startswith("answers/") and "-" in identifier:
        identifier = identifier.rpartition("-")[0]
    return rules.get(identifier)
