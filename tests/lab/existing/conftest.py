"""The same lab as next door, with the hosts of examples/existing-machines.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from tests.lab.operator import Operator
from tests.pipeline.world import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def operator(folder: Path) -> Operator:
    """Who runs Ansible; their machines all have Debian, which is what the lab can make."""
    answers = yaml.safe_load((ROOT / "examples" / "existing-machines.yaml").read_text())
    nodes = [{**node, "os": "linux", "distribution": "debian"} for node in answers["nodes"]]
    operator = Operator(folder)
    operator.make_repositories("existing-machines", nodes=nodes)
    return operator
