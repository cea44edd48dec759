"""Jinja's sandbox, quicker at attributes: to look up `plan.nodes` was two fifths of judging answers.

It allows what Jinja's own does, no more and no less: Jinja's code stays the judge, and is asked once for each kind of
value instead of each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2.sandbox import SandboxedEnvironment

if TYPE_CHECKING:
    from collections.abc import Callable

_OF_DICTIONARIES = frozenset(dir(dict))


def looking_up(look_up: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method `getattr` of an environment, for which a dictionary is first what it holds.

    Jinja asks for the attribute first, and for the key when that has failed: with an exception for each `plan.nodes`.

    Args:
        look_up: The environment's own method, for everything else.
    """

    def find(environment: SandboxedEnvironment, value: Any, name: str) -> Any:
        if type(value) is dict and name not in _OF_DICTIONARIES:
            return value[name] if name in value else environment.undefined(obj=value, name=name)
        return look_up(environment, value, name)

    return find


def judging_once(judge: Callable[..., bool]) -> Callable[..., bool]:
    """Return the method `is_safe_attribute` of an environment, which then judges a name once for each type.

    Args:
        judge: The environment's own method, whose verdict depends on nothing else.
    """
    known: dict[tuple[type, str], bool] = {}

    def is_safe(environment: SandboxedEnvironment, value: Any, name: str, attribute: Any) -> bool:
        key = (type(value), name)
        if key not in known:
            known[key] = judge(environment, value, name, attribute)
        return known[key]

    return is_safe


class QuickSandbox(SandboxedEnvironment):
    """A sandbox with both."""

    getattr = looking_up(SandboxedEnvironment.getattr)
    is_safe_attribute = judging_once(SandboxedEnvironment.is_safe_attribute)
