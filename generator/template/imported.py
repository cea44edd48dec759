"""What files of the template import, evaluated once: each file that names the address plan worked it out anew."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import CodeType

    from jinja2 import Template
    from jinja2.environment import TemplateModule

_SUFFIX = ".jinja"
# A name that code has which asks for a template whose name is no constant, and one that changes a namespace.
_ANY_TEMPLATE = frozenset({"select_template", "get_or_select_template"})
_NAMESPACE = "Namespace"


class _Reads(NamedTuple):
    """What the code of a template may ask its context for.

    Attributes:
        names: Each text that stands in it, and in what it imports: a name that it looks up is one of them.
        repeatable: Whether it gives the same whenever it is given the same.
    """

    names: frozenset[str]
    repeatable: bool


@contextmanager
def imported_once() -> Iterator[None]:
    """Have Jinja evaluate a template that is imported with its context once for each content of that context.

    Only what the template's code may look up is compared, and as objects: while Copier renders, the answers stand.
    """
    from jinja2 import Template
    from jinja2.utils import missing

    # As data: a method is replaced.
    kind: Any = Template
    make = kind.make_module
    reads: dict[Template, _Reads] = {}
    made: dict[Template, list[tuple[dict[str, Any], TemplateModule]]] = {}

    def make_or_find(
        template: Template,
        vars: Mapping[str, Any] | None = None,
        shared: bool = False,
        locals: Mapping[str, Any] | None = None,
    ) -> TemplateModule:
        if template not in reads:
            reads[template] = _reads(template)
        if not shared or vars is None or not reads[template].repeatable:
            module: TemplateModule = make(template, vars, shared, locals)
            return module
        names = reads[template].names
        given = {name: vars[name] for name in names if name in vars}
        given |= {name: locals[name] for name in names if locals and locals.get(name, missing) is not missing}
        for known, module in made.setdefault(template, []):
            if known.keys() == given.keys() and all(known[name] is value for name, value in given.items()):
                return module
        module = make(template, vars, shared, locals)
        made[template].append((given, module))
        return module

    kind.make_module = make_or_find
    try:
        yield
    finally:
        kind.make_module = make


def _reads(template: Template) -> _Reads:
    """Return what a template may look up, and those that it imports."""
    names: set[str] = set()
    repeatable = True
    for one in _with_imports(template):
        root = one.root_render_func.__code__
        for code in _codes(root):
            names |= _texts(code)
            # A macro that changes what the template keeps gives something else when it is called again.
            changes = code is not root and _NAMESPACE in code.co_names
            repeatable &= not changes and not _ANY_TEMPLATE.intersection(code.co_names)
        repeatable &= not one.blocks
    return _Reads(frozenset(names), repeatable)


def _with_imports(template: Template) -> list[Template]:
    """Return a template and all that it imports, directly or not."""
    from jinja2 import TemplateNotFound

    found = [template]
    # It grows while it is gone through.
    for one in found:
        texts = {text for code in _codes(one.root_render_func.__code__) for text in _texts(code)}
        for text in sorted(text for text in texts if text.endswith(_SUFFIX)):
            # What is no template either fails where it is imported, or is shown.
            with suppress(TemplateNotFound):
                imported = one.environment.get_template(text, one.name)
                if imported not in found:
                    found.append(imported)
    return found


def _texts(code: CodeType) -> set[str]:
    return {constant for constant in code.co_consts if isinstance(constant, str)}


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Yield a piece of code and all that stands in it."""
    yield code
    for inner in code.co_consts:
        if hasattr(inner, "co_consts"):
            yield from _codes(inner)
