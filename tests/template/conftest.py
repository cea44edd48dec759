"""Renders the template of this work tree for the tests of what it gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from plumbum import local

from generator.template.compiled import compiled_once

Render = Callable[..., Path]

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def render(tmp_path_factory: pytest.TempPathFactory) -> Render:
    """A function `render(answers, layout)`; see `renderer`."""
    return renderer(tmp_path_factory)


def renderer(tmp_path_factory: pytest.TempPathFactory) -> Render:
    """Return a function `render(answers, layout)` that gives the folder of the rendered repository.

    The same answers and layout give the same folder again: do not write into it.
    """
    import copier

    rendered: dict[str, Path] = {}

    def run(answers: dict[str, Any], layout: str) -> Path:
        data = answers | {"layout": layout}
        key = json.dumps(data, sort_keys=True, default=str)
        if key not in rendered:
            destination = tmp_path_factory.mktemp(layout) / "repository"
            # Without git on the PATH Copier renders the folder as it lies, uncommitted files included.
            with local.env(PATH="/nonexistent"), compiled_once(layout):
                copier.run_copy(
                    str(ROOT), destination, data=data, defaults=True, quiet=True, settings=copier.Settings()
                )
            rendered[key] = destination
        return rendered[key]

    return run
