"""OpenTofu takes the rendered root module as it is, and makes the same of it as Terraform."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.template.infra_machines import prepare, render_machines, render_sources, terraform
from tests.template.infra_tree import Infra

if TYPE_CHECKING:
    from pathlib import Path

    from tests.template.conftest import Render

pytestmark = pytest.mark.tools


@pytest.fixture(scope="module")
def infra(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Infra:
    return render_machines(render, "ha", tmp_path_factory.mktemp("answers"))


def test_machines_have_the_same_first_boot_with_either_program(infra: Infra, tmp_path: Path) -> None:
    terraforms = render_sources(infra, prepare(infra, tmp_path / "terraform"))
    tofus = render_sources(infra, prepare(infra, tmp_path / "tofu", "tofu"), "tofu")
    assert tofus.butane
    assert tofus == terraforms


def test_opentofu_has_nothing_to_say_against_the_format(infra: Infra) -> None:
    result = terraform(infra.root / "terraform", "fmt", "-check", "-recursive", "-no-color", program="tofu")
    assert (result.returncode, result.stdout) == (0, ""), result.stdout + result.stderr
