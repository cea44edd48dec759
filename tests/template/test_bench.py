"""The benchmark of rendering compares like with like: plain jinja2 gives the files that Copier gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.plain_jinja2 import render as render_plainly
from generator.answers.load import load
from generator.workspace import PARTS
from tests.template.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.template.conftest import Render

_ANSWERS_FILE = ".copier-answers.yml"


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != _ANSWERS_FILE
    }


@pytest.mark.parametrize("part", PARTS)
def test_the_peer_of_the_benchmark_renders_the_same_files(part: str, render: Render, tmp_path: Path) -> None:
    data = dict(load(ROOT / "examples/ha.yaml", ROOT).data)
    render_plainly(ROOT, data, part, tmp_path)
    assert files(tmp_path) == files(render(data, part))
