"""What rendered documents name is there: commands with their options, secrets, make targets, links, headings, files."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from docs.generate import commands
from generator.secrets.catalogue.read import read_catalogue
from tests.template.argocd_tree import CLUSTERS, MONOREPO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.template.conftest import Render

PARTS = ("infra", "argocd", "apps")
CODE = re.compile(r"```[a-z]*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
FILE = re.compile(r"[\w./@-]+(/|\.(yaml|yml|json|md|tf|cfg|sh|conf|txt))")
# What is made later (by `fmc seal`, Terraform, make tools), lies outside, or is an example.
NOT_RENDERED = re.compile(
    r"sealing-cert\.pem|\.sealed\.yaml|\.terraform|terraform\.tfstate|^\.venv|^~|^/|\$|[A-Z<*{]|vault\.age|shop|metrics|index\.yaml|^\.\./argocd$"
)


@pytest.fixture(scope="module", params=["ha", "single", "ha-without-components", "single-public-monorepo"])
def parts(request: pytest.FixtureRequest, render: Render) -> dict[str, Path]:
    """The folder of each part of a cluster, and `root` for a monorepo."""
    answers, layout = CLUSTERS[request.param]
    if layout == MONOREPO:
        root = render(answers, MONOREPO)
        return {part: root / part for part in PARTS} | {"root": root}
    return {part: render(answers, part) for part in PARTS}


def documents(parts: dict[str, Path]) -> Iterator[tuple[Path, Path, str]]:
    """Yield the root, the path and the text of each document."""
    for root in (parts[part] for part in PARTS):
        for path in sorted(root.rglob("*.md")):
            yield root, path, path.read_text("utf-8")
    if "root" in parts:
        yield parts["root"], parts["root"] / "README.md", (parts["root"] / "README.md").read_text("utf-8")


def code(text: str) -> Iterator[str]:
    """Yield each line of the code blocks, and each code span."""
    for block, span in CODE.findall(text):
        yield from block.replace("\\\n", " ").splitlines() if block else [span]


def calls(text: str, program: str) -> Iterator[list[str]]:
    """Yield the arguments of each call of a program in the code of a text."""
    for line in code(text):
        for command in re.split(r"[|;&]+|\$\(|<\(|\)", line.partition(" #")[0]):
            words = command.split()
            # Without arguments it is the program's name.
            if words[:1] == [program] and words[1:]:
                yield words[1:]


@cache
def known_commands() -> dict[str, click.Command]:
    return commands()


def command_of(words: list[str]) -> tuple[click.Command, list[str]] | None:
    """Return the command that words call, and the words after its name."""
    for count in (2, 1):
        name = " ".join(words[:count])
        if len(words) >= count and name in known_commands():
            return known_commands()[name], words[count:]
    return None


def test_each_command_of_fmc_exists_with_its_options(parts: dict[str, Path]) -> None:
    """faults C5: documents do not run ahead of the verbs."""
    seen = 0
    for _, path, text in documents(parts):
        for words in calls(text, "fmc"):
            seen += 1
            found = command_of(words)
            assert found, f"{path}: fmc {' '.join(words)}"
            command, rest = found
            assert not isinstance(command, click.Group) or not rest, f"{path}: fmc {' '.join(words)}"
            options = {name for option in command.params for name in option.opts}
            assert {word for word in rest if word.startswith("-")} <= options, f"{path}: fmc {' '.join(words)}"
    assert seen > 10


def test_each_secret_that_a_command_names_is_in_the_catalogue(parts: dict[str, Path]) -> None:
    secrets = {secret.id: secret for secret in read_catalogue(parts["argocd"]).secrets}
    for _, path, text in documents(parts):
        for words in calls(text, "fmc"):
            for name, *value in (words[i:] for i, word in enumerate(words) if re.fullmatch("[a-z-]+/[a-z-]+", word)):
                assert name in secrets, f"{path}: {name}"
                assert set(value) <= set(secrets[name].values), f"{path}: {name} {value}"


def test_each_make_target_exists(parts: dict[str, Path]) -> None:
    for root, path, text in documents(parts):
        for words in calls(text, "make"):
            elsewhere = words[0] == "--directory"
            makefile = root / (words[1] if elsewhere else "") / "Makefile"
            targets = re.findall(r"^([a-z-]+):", makefile.read_text(), re.MULTILINE)
            assert set(words[2 if elsewhere else 0 :]) <= set(targets), path


def headings(text: str) -> set[str]:
    """Return the anchors of a document's headings, as forges make them."""
    lines = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", line.lower()).replace(" ", "-") for line in lines}


def test_each_link_leads_to_a_file_and_a_heading(parts: dict[str, Path]) -> None:
    for _, path, text in documents(parts):
        for target, anchor in re.findall(r"\]\((?![a-z]+:|[a-z]+@)([^)#]*)#?([^)]*)\)", text):
            place = path.parent / target if target else path
            assert place.exists(), f"{path}: {target}"
            if anchor:
                assert anchor in headings(place.read_text("utf-8")), f"{path}: {target}#{anchor}"


def test_each_file_that_is_named_is_there(parts: dict[str, Path]) -> None:
    for root, path, text in documents(parts):
        for _, span in CODE.findall(text):
            if not FILE.fullmatch(span) or NOT_RENDERED.search(span):
                continue
            beside = [path.parent / span, root / span, *(parts[part] / span for part in PARTS)]
            below = (found for part in PARTS for found in parts[part].rglob(Path(span).name) if found.match(span))
            assert any(place.exists() for place in beside) or any(below), f"{path}: {span}"
