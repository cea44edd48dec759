"""What the tests of the answers share: this template, answers files, and plain Copier on the same questions."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment
from plumbum import local

from generator.answers.questionnaire import Questionnaire

ROOT = Path(__file__).parents[2]
SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ops@example"

Write = Callable[[str], Path]
Copier = Callable[[Mapping[str, Any]], dict[str, Any]]


@pytest.fixture(scope="session")
def questionnaire() -> Questionnaire:
    return Questionnaire.load(ROOT)


@pytest.fixture(scope="session", autouse=True)
def private_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keeps compiled templates away from those of the user who runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A function that writes an answers file, with an SSH key in line 1."""

    def run(text: str) -> Path:
        path = tmp_path / "answers.yaml"
        path.write_text(f"ssh_public_key: {SSH_KEY}\n{text}", "utf-8")
        return path

    return run


@pytest.fixture(scope="session")
def questions_alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template with this copier.yml and lib/ that renders nothing but its answers file, so that Copier is quick."""
    template = tmp_path_factory.mktemp("questions")
    shutil.copy(ROOT / "copier.yml", template)
    shutil.copytree(ROOT / "lib", template / "lib")
    for layout, folder in (("monorepo", ""), ("infra", "infra"), ("argocd", "argocd"), ("apps", "apps")):
        answers_file = f"#% if layout == '{layout}' %##{{ _copier_conf.answers_file }}##% endif %#.jinja"
        (template / "templates" / folder).mkdir()
        (template / "templates" / folder / answers_file).write_text("#{ _copier_answers | to_nice_yaml }#")
    return template


@pytest.fixture(scope="session")
def copier_answers(questions_alone: Path, tmp_path_factory: pytest.TempPathFactory) -> Copier:
    """A function that gives answers to the whole of plain Copier as data, and returns what Copier records."""
    import copier
    from copier import _template

    compiled: dict[tuple[object, ...], Any] = {}
    original = Environment.compile

    def compile_once(environment: Environment, *texts: Any, **options: Any) -> Any:
        """Most of a run would compile the same macros as the run before."""
        key = (*texts, *options.items())
        if key not in compiled:
            compiled[key] = original(environment, *texts, **options)
        return compiled[key]

    # As data: a function is replaced.
    reading: Any = _template
    load = reading.load_template_config
    read = cache(lambda path, quiet: pickle.dumps(load(path, quiet)))

    def read_once(path: Path, quiet: bool = False) -> Any:
        """A fifth of a run would read the same questions as the run before."""
        return pickle.loads(read(path, quiet))

    def run(data: Mapping[str, Any]) -> dict[str, Any]:
        destination = tmp_path_factory.mktemp("rendered") / "repository"
        with local.env(PATH="/nonexistent"), pytest.MonkeyPatch.context() as patch:
            patch.setattr(Environment, "compile", compile_once)
            patch.setattr(reading, "load_template_config", read_once)
            copier.run_copy(
                str(questions_alone),
                destination,
                data=dict(data),
                defaults=True,
                quiet=True,
                settings=copier.Settings(),
            )
        recorded: dict[str, Any] = yaml.safe_load((destination / ".copier-answers.yml").read_text("utf-8"))
        return recorded

    return run
