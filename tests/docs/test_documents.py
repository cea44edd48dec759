"""Every command, path, make target, heading and link that a document names is there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml

from generator.workspace import PARTS
from tests.copier.releases import project_files
from tests.docs import markdown, shell
from tests.docs.conftest import EXAMPLES, LAYOUTS, scope_of_product, scope_of_rendered
from tests.docs.exceptions import OF_PRODUCT, OF_RENDERED
from tests.docs.scan import scan
from tests.pipeline.world import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.docs.scan import Scope
    from tests.pipeline.world import World

PRODUCT = [name for name in project_files() if name.endswith(".md") and not name.startswith("templates/")]
_VARIABLE = re.compile(r"\bFMC_[A-Z_]+\b")
_MENTION = re.compile(r"`(fmc [a-z][^`{\n]*)`")


def rendered_documents(world: World) -> dict[str, Path]:
    """Return the Markdown files of a workspace by their name in it."""
    found = (path for path in sorted(world.workspace.rglob("*.md")) if ".git" not in path.parts)
    return {path.relative_to(world.workspace).as_posix(): path for path in found}


def broken(name: str, path: Path, scope: Scope, exceptions: Mapping[tuple[str, str], str]) -> list[str]:
    """Return a line for each thing that a document names and is not there."""
    return [
        f"{name}:{found.line}: {found.text}: {found.why}"
        for found in scan(path, scope)
        if not any(name.endswith(document) and found.text == text for document, text in exceptions)
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("example", [path.stem for path in EXAMPLES])
def test_what_rendered_documents_name_is_there(made: Callable[[str, str], World], example: str, layout: str) -> None:
    """Faults C5: documents ahead of the verbs."""
    world = made(example, layout)
    documents = rendered_documents(world)
    there = {"/".join(name.split("/")[-2:]) for name in documents}
    without = {"infra/README.md"} if example == "existing-cluster" else set()
    assert {f"{part}/README.md" for part in PARTS} - there == without
    assert [
        line
        for name, path in documents.items()
        for line in broken(name, path, scope_of_rendered(world, path), OF_RENDERED)
    ] == []


@pytest.mark.parametrize("name", PRODUCT)
def test_what_a_document_of_this_repository_names_is_there(made: Callable[[str, str], World], name: str) -> None:
    assert broken(name, ROOT / name, scope_of_product(made), OF_PRODUCT) == []


def test_every_exception_is_needed(made: Callable[[str, str], World]) -> None:
    world = made("ha", "parts")
    scope = scope_of_product(made)
    named = {(name, found.text) for name in PRODUCT for found in scan(ROOT / name, scope)}
    assert OF_PRODUCT.keys() - named == set()
    named = {
        (name, found.text)
        for name, path in rendered_documents(world).items()
        for found in scan(path, scope_of_rendered(world, path))
    }
    assert OF_RENDERED.keys() - named == set()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("example", ["ha", "existing-cluster"])
def test_every_verb_that_a_rendered_file_speaks_of_exists(
    made: Callable[[str, str], World], example: str, layout: str
) -> None:
    """In the comments of YAML, Terraform and programs, too."""
    world = made(example, layout)
    files = [path for path in world.workspace.rglob("*") if path.is_file() and ".git" not in path.parts]
    mentions = [(path, text) for path in files for text in _MENTION.findall(path.read_text(errors="replace"))]
    assert mentions
    assert [(path, text, why) for path, text in mentions if (why := shell.fault_of_mention(text, []))] == []


def test_every_verb_that_a_message_speaks_of_exists() -> None:
    sources = [*project_files("generator/*.py"), *project_files("lib"), "copier.yml"]
    mentions = [(name, text) for name in sources for text in _MENTION.findall((ROOT / name).read_text())]
    assert mentions
    assert [(name, text, why) for name, text in mentions if (why := shell.fault_of_mention(text, []))] == []


def test_every_variable_that_a_document_names_is_read_somewhere(made: Callable[[str, str], World]) -> None:
    world = made("ha", "parts")
    code = [ROOT / name for name in project_files("*.py", "Makefile", ".ci", "lib")]
    catalogue = world.workspace / "argocd" / "secrets" / "catalogue.yaml"
    read = {name for path in [*code, catalogue] for name in _VARIABLE.findall(path.read_text())}
    for path in [*(ROOT / name for name in PRODUCT), *rendered_documents(world).values()]:
        text = path.read_text()
        own = set(re.findall(r"\benv: (FMC_[A-Z_]+)", text))
        assert set(_VARIABLE.findall(text)) - read - own == set(), path


def test_every_block_of_yaml_can_be_read() -> None:
    for name in PRODUCT:
        for block in markdown.read(ROOT / name).blocks:
            if block.language == "yaml":
                yaml.safe_load(block.text)
