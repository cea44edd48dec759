"""Changes by hand that a cluster would suffer from, each made in rendered trees: the checks find it, and nothing else.

A mutant is a file in `mutants/`: the file that is changed, the text that is replaced (or `delete: true`), and the rule
that has to name it. Where an example does not have the text, the mutant does not apply; each applies to at least one.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from generator.answers.load import load
from generator.checks.run import check_trees
from generator.pipeline.steps.gate import expected_of
from tests.checks.test_rendered import PARTS, ROOT, rendered_trees
from tests.template.conftest import render

if TYPE_CHECKING:
    from generator.checks.expected import Expected
    from generator.findings import Finding
    from tests.template.conftest import Render

__all__ = ["render"]
MUTANTS = sorted((Path(__file__).parent / "mutants").glob("*.yaml"))
TREES = [("ha", "parts"), ("ha", "monorepo"), ("single", "parts"), ("single", "monorepo")]


@dataclass(frozen=True)
class Mutant:
    """A change by hand."""

    name: str
    file: Path
    rule: str
    old: str = ""
    new: str = ""
    delete: bool = False

    @classmethod
    def read(cls, path: Path) -> Mutant:
        data: dict[str, Any] = YAML(typ="safe").load(path)
        return cls(path.stem, Path(data.pop("file")), **data)

    def applies_to(self, folder: Path) -> bool:
        """Return whether there is something to change."""
        file = folder / self.file
        return file.is_file() and self.old in file.read_text()

    def apply(self, folder: Path) -> None:
        file = folder / self.file
        if self.delete:
            file.unlink()
        else:
            file.write_text(file.read_text().replace(self.old, self.new))


@cache
def _expected(example: str, layout: str) -> Expected:
    return expected_of(load(ROOT / "examples" / f"{example}.yaml", ROOT, {"layout": layout}))


def _check(folder: Path, example: str, layout: str) -> list[Finding]:
    trees = {part: folder / part for part in PARTS} | ({"monorepo": folder} if layout == "monorepo" else {})
    report = check_trees(
        trees, kubernetes_version="v1.36.4+k3s1", engine="builtin", expected=_expected(example, layout)
    )
    return list(report.findings)


@pytest.mark.parametrize(("example", "layout"), TREES, ids=lambda value: str(value))
def test_each_mutant_is_found_and_the_tree_itself_has_nothing(
    render: Render, example: str, layout: str, tmp_path: Path
) -> None:
    """Faults B12: 11 of 14 such changes passed."""
    folder = tmp_path / "trees"
    for part, tree in rendered_trees(render, example, layout).items():
        shutil.copytree(tree, folder if part == "monorepo" else folder / part, dirs_exist_ok=True)
    assert [f"{item.where} {item.rule} {item.message}" for item in _check(folder, example, layout)] == []
    missed = []
    for mutant in map(Mutant.read, MUTANTS):
        if not mutant.applies_to(folder):
            continue
        before = (folder / mutant.file).read_bytes()
        mutant.apply(folder)
        rules = {finding.rule for finding in _check(folder, example, layout)}
        if mutant.rule not in rules:
            missed.append(f"{mutant.name}: found {sorted(rules)}")
        (folder / mutant.file).write_bytes(before)
    assert missed == []


@pytest.mark.parametrize("path", MUTANTS, ids=lambda path: path.stem)
def test_each_mutant_applies_to_the_largest_example(render: Render, path: Path) -> None:
    mutant = Mutant.read(path)
    trees = rendered_trees(render, "ha", "parts")
    part, *inside = mutant.file.parts
    assert (trees[part] / Path(*inside)).is_file()
    assert mutant.old in (trees[part] / Path(*inside)).read_text()
