"""The places in the code that say a remedy, found in its syntax trees and in the template's rules.

A remedy reaches a person as the `fix` of an error, a finding, a flaw, a fault, a note or a cause. Whoever makes one of
these, by keyword or in order, is a site; whoever only hands the `fix` on that it was given is none.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jinja2
from jinja2 import nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_RULES = "lib/rules"
_BEGINNING = 56  # characters of a remedy, at most, that tell it from the others of its function


@dataclass(frozen=True, order=True)
class Site:
    """Where a remedy is said; lines are no part of it, since they move.

    Attributes:
        file: The file, relative to the repository.
        scope: The function around it; for a rule between answers, the rule.
        text: How the remedy begins; `{}` stands for what is put in, an expression for what is said elsewhere.
    """

    file: str
    scope: str
    text: str

    def __str__(self) -> str:
        """Return the site as the registry writes it."""
        return f"{self.file} {self.scope}: {self.text}"


def sites(repository: Path) -> list[Site]:
    """Return all sites of the code and of the rules between answers, sorted.

    Args:
        repository: Root of this repository.
    """
    trees = {path: ast.parse(path.read_text()) for path in sorted((repository / "generator").rglob("*.py"))}
    places = _places_of_fix(trees.values())
    found = {
        Site(path.relative_to(repository).as_posix(), scope, text)
        for path, tree in trees.items()
        for scope, text in _Module(tree, places).remedies()
    }
    for path in sorted((repository / _RULES).glob("*.jinja")):
        found.update(_rule_sites(path.relative_to(repository).as_posix(), path.read_text()))
    return sorted(found)


def _places_of_fix(trees: Iterable[ast.Module]) -> dict[str, int]:
    """Return which argument is the `fix`, for each callable that takes one in order."""
    places: dict[str, int] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                fields = [
                    item.target.id
                    for item in node.body
                    if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
                ]
                if "fix" in fields:
                    places[node.name] = fields.index("fix")
            elif isinstance(node, ast.FunctionDef):
                names = [argument.arg for argument in node.args.args]
                if "fix" in names:
                    places[node.name] = names.index("fix") - (names[0] in {"self", "cls"})
    return places


class _Module:
    """One module, and the remedies that it says."""

    def __init__(self, tree: ast.Module, places: dict[str, int]) -> None:
        self._places = places
        self._tree = tree
        self._parents = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
        self._functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}

    def remedies(self) -> Iterator[tuple[str, str]]:
        """Yield scope and beginning of each remedy."""
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call) and (given := self._given(node)) is not None:
                for remedy in self._said(given, node):
                    yield self._scope(node), _beginning(remedy)

    def _given(self, call: ast.Call) -> ast.expr | None:
        """Return what a call gives as `fix`, by keyword or in order."""
        for keyword in call.keywords:
            if keyword.arg == "fix":
                return keyword.value
        place = self._places.get(_name(call.func))
        return call.args[place] if place is not None and place < len(call.args) else None

    def _said(self, given: ast.expr, near: ast.AST) -> Iterator[ast.expr]:
        """Yield the expressions that say a remedy; nothing where one is handed on, or none is said."""
        match given:
            case ast.IfExp():
                yield from self._said(given.body, near)
                yield from self._said(given.orelse, near)
            case ast.BoolOp():
                for value in given.values:
                    yield from self._said(value, near)
            case ast.Constant(value="" | None) | ast.Attribute(attr="fix"):
                return
            case ast.Name():
                yield from self._assigned(given, near)
            case ast.Call(func=ast.Name("printable"), args=[inner]):
                yield from self._said(inner, near)
            case ast.Call() if (function := self._functions.get(_name(given.func))) is not None:
                for node in ast.walk(function):
                    if isinstance(node, ast.Return) and node.value is not None:
                        yield from self._said(node.value, node)
            case _:
                yield given

    def _assigned(self, name: ast.Name, near: ast.AST) -> Iterator[ast.expr]:
        """Yield what a variable holds; nothing for an argument, which its caller says."""
        for around in self._around(near):
            if isinstance(around, ast.FunctionDef):
                arguments = (*around.args.args, *around.args.kwonlyargs)
                if name.id in {argument.arg for argument in arguments}:
                    return
            values = [
                value
                for node in ast.walk(around)
                if isinstance(node, ast.Assign)
                for target in node.targets
                if (value := _part(target, node.value, name.id)) is not None
            ]
            if values:
                for value in values:
                    yield from self._said(value, around)
                return
        yield name

    def _around(self, node: ast.AST) -> Iterator[ast.AST]:
        at: ast.AST | None = node
        while at is not None and (at := self._parents.get(at)) is not None:
            if isinstance(at, ast.FunctionDef | ast.ClassDef | ast.Module):
                yield at

    def _scope(self, node: ast.AST) -> str:
        names = [around.name for around in self._around(node) if isinstance(around, ast.FunctionDef | ast.ClassDef)]
        return ".".join(reversed(names)) or "module"


def _name(function: ast.expr) -> str:
    """Return the last name of what is called."""
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _part(target: ast.expr, value: ast.expr, name: str) -> ast.expr | None:
    """Return what of an assignment goes to a name, also in a row of several."""
    if isinstance(target, ast.Name) and target.id == name:
        return value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, its in zip(target.elts, value.elts, strict=True):
            if isinstance(one, ast.Name) and one.id == name:
                return its
    return None


def _beginning(remedy: ast.expr) -> str:
    return _cut(_text(remedy) or ast.unparse(remedy))


def _cut(text: str) -> str:
    """Return the first whole words of a remedy."""
    whole = text if len(text) <= _BEGINNING else text[: _BEGINNING + 1].rpartition(" ")[0] or text[:_BEGINNING]
    return whole.rstrip("{ ").strip()


def _text(node: ast.expr) -> str:
    """Return the words of an expression; `{}` stands for what is put in."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr():
            return "".join(_text(part) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        case ast.BinOp():
            return _text(node.left) + _text(node.right)
    return ""


def _rule_sites(file: str, source: str) -> Iterator[Site]:
    """Yield the remedies of rules between answers: what calls of `problem` give."""
    environment = jinja2.Environment(
        block_start_string="#%",
        block_end_string="%#",
        variable_start_string="#{",
        variable_end_string="}#",
        comment_start_string="#|",
        comment_end_string="|#",
    )
    tree = environment.parse(source)
    named = {
        node.target.name: node.node
        for node in tree.find_all(nodes.Assign)
        if isinstance(node.target, nodes.Name) and node.target.name == "fix"
    }
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "problem":
            rule, fix = call.args[0], call.args[4]
            remedy = named[fix.name] if isinstance(fix, nodes.Name) else fix
            scope = rule.value if isinstance(rule, nodes.Const) else "of several names"
            yield Site(file, scope, _cut(_jinja_text(remedy)))


def _jinja_text(node: nodes.Node) -> str:
    match node:
        case nodes.Const():
            return str(node.value)
        case nodes.Concat():
            return "".join(map(_jinja_text, node.nodes))
    return "{}"
