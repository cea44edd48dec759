"""The sum of what all pods ask for against the machines of the plan; with numbers of the tests' own."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from generator.answers.load import load
from generator.errors import AnswersError

from .conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ops@example"
REQUESTS = re.compile(r"'requests': \{.*\}")


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """The template, with 1000 of both once, 100 on each node and 100 on each worker, all in one row."""
    root = tmp_path / "template"
    shutil.copytree(ROOT / "lib", root / "lib")
    shutil.copy2(ROOT / "copier.yml", root)
    table = root / "lib/components.jinja"
    text = REQUESTS.sub("'requests': {'once': [0, 0], 'node': [0, 0], 'worker': [0, 0]}", table.read_text())
    first = "'requests': {'once': [1000, 1000], 'node': [100, 100], 'worker': [100, 100]}"
    text = re.sub(r"(?s)('name': 'traefik'.*?)'requests': \{.*?\]\}", rf"\1{first}", text, count=1)
    text = re.sub(r"set kept = .*? %#", "set kept = {'server': [500, 1000], 'agent': [200, 500]} %#", text)
    table.write_text(re.sub(r"set system_pods = .*? %#", "set system_pods = [300, 200] %#", text))
    return root


def found(template: Path, answers: dict[str, Any]) -> list[tuple[str, str, str, str, str]]:
    file = template.parent / "answers.yaml"
    file.write_text(yaml.safe_dump({"ssh_public_key": KEY, "components": ["traefik"], **answers}))
    try:
        load(file, template)
    except AnswersError as error:
        return [
            (one.rule.removeprefix("answers/"), one.path, one.owner, one.message, one.fix) for one in error.findings
        ]
    return []


def workers(number: int, **size: int) -> dict[str, Any]:
    return {"counts": {"workers": number}, "sizes": {"worker": size}}


# 1300 thousandths and 1200 MiB once; of each worker 200 and 500 are kept, 200 and 200 asked for.
@pytest.mark.parametrize(
    "answers",
    [
        workers(1, cpus=2, memory_mib=1900),
        workers(3, cpus=1, memory_mib=1100),
        {"profile": "single", "sizes": {"master": {"cpus": 2, "memory_mib": 2400}}},
        workers(1, cpus=1, memory_mib=1024) | {"machines": "existing"},
        workers(1, cpus=1, memory_mib=1024) | {"components": []},
    ],
)
def test_what_is_enough_passes(template: Path, answers: dict[str, Any]) -> None:
    assert found(template, answers) == []


@pytest.mark.parametrize(
    ("answers", "rule", "path", "owner", "numbers", "least"),
    [
        (workers(1, cpus=2, memory_mib=1899), "memory", "sizes.worker.memory_mib", "answer", (1200, 1199), 1900),
        (workers(3, cpus=1, memory_mib=1099), "memory", "sizes.worker.memory_mib", "answer", (1200, 1197), 1100),
        (workers(2, cpus=1, memory_mib=4096), "cpus", "sizes.worker.cpus", "answer", (1300, 1200), 2),
        (workers(1, memory_mib=1899), "memory", "sizes.worker.memory_mib", "answer", (1200, 1199), 1900),
        (
            {"counts": {"workers": 1}, "nodes": [{"name": "worker1", "memory_mib": 1500}]},
            "memory",
            "nodes.worker1.memory_mib",
            "answer",
            (1200, 800),
            1900,
        ),
        (
            {
                "counts": {"workers": 2},
                "sizes": {"worker": {"memory_mib": 1024}},
                "nodes": [{"name": "worker1", "memory_mib": 1500}],
            },
            "memory",
            "sizes.worker.memory_mib",
            "answer",
            (1200, 1124),
            1100,
        ),
    ],
)
def test_what_is_too_little_is_told_with_what_would_do(
    template: Path, answers: dict[str, Any], rule: str, path: str, owner: str, numbers: tuple[int, int], least: int
) -> None:
    ((told, at, owned, message, fix),) = found(template, answers)
    assert (told, at) == (f"requests-{rule}", path)
    assert owned == f"{owner} {path}"
    unit = "MiB of memory" if rule == "memory" else "thousandths of a CPU"
    assert message == f"the components ask for {numbers[0]} {unit}, and {numbers[1]} are left for them"
    assert fix.startswith(f"Use {least} or more, or leave out components: traefik asks for ")


def test_the_answer_that_made_it_too_little_is_named(template: Path) -> None:
    text = (template / "lib/components.jinja").read_text()
    (template / "lib/components.jinja").write_text(text.replace("[1000, 1000]", "[9000, 1000]"))
    ((_, path, owner, *_),) = found(template, {"counts": {"workers": 2}})
    assert (path, owner) == ("sizes.worker.cpus", "derived from counts.workers")
    (template / "lib/components.jinja").write_text(text.replace("[1000, 1000]", "[20000, 1000]"))
    ((_, path, owner, *_),) = found(template, {})
    assert (path, owner) == ("sizes.worker.cpus", "derived from components")


def test_to_leave_components_out_is_advised_where_that_would_do(template: Path) -> None:
    answers = workers(1, memory_mib=1024)
    ((*_, fix),) = found(template, answers)
    assert fix == "Use 1900 or more, or leave out components: traefik asks for 1200."
    text = (template / "lib/components.jinja").read_text()
    (template / "lib/components.jinja").write_text(text.replace("system_pods = [300, 200]", "system_pods = [300, 900]"))
    ((*_, fix),) = found(template, answers)
    assert fix == "Use 2600 or more."


def test_servers_that_run_no_pods_do_not_count(template: Path) -> None:
    large = {"master": {"cpus": 32, "memory_mib": 65536}, "worker": {"cpus": 2, "memory_mib": 1899}}
    assert [told for told, *_ in found(template, {"counts": {"workers": 1}, "sizes": large})] == ["requests-memory"]
