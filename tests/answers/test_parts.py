"""The answers that the parts of a cluster record: judged once where they are the same, and as if each were alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from generator.answers.load import load
from generator.answers.parts import load_parts
from generator.errors import AnswersError
from generator.workspace import PARTS
from tests.answers.conftest import ROOT
from tests.answers.test_fixtures import EXAMPLES, VALID

if TYPE_CHECKING:
    from pathlib import Path


def record(folder: Path, part: str, answers: dict[str, object]) -> Path:
    """Write what Copier records in the repository of a part."""
    file = folder / part / ".copier-answers.yml"
    file.parent.mkdir()
    file.write_text(yaml.safe_dump({"_commit": "v1.0.0", **answers, "layout": part}))
    return file


@pytest.mark.parametrize("given", [*EXAMPLES, *VALID], ids=lambda path: path.stem)
def test_each_part_is_loaded_as_if_it_were_alone(given: Path, tmp_path: Path) -> None:
    answers = yaml.safe_load(given.read_text())
    parts = [part for part in PARTS if part != "infra" or "existing_cluster" not in answers]
    files = [record(tmp_path, part, answers) for part in parts]
    assert load_parts(files, ROOT, PARTS) == [load(file, ROOT) for file in files]


def test_parts_that_differ_are_judged_each(tmp_path: Path) -> None:
    answers = yaml.safe_load((ROOT / "examples" / "ha.yaml").read_text())
    files = [record(tmp_path, "infra", answers), record(tmp_path, "argocd", answers | {"timezone": "Europe/Rome"})]
    assert [one.data["timezone"] for one in load_parts(files, ROOT, PARTS)] == ["Europe/Madrid", "Europe/Rome"]
    files.append(record(tmp_path, "apps", answers | {"domain": "home"}))
    with pytest.raises(AnswersError, match=r"apps/\.copier-answers\.yml"):
        load_parts(files, ROOT, PARTS)
