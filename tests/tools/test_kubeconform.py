"""kubeconform's answer counts only where it has looked at each object."""

from __future__ import annotations

import json
import shlex
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from generator.errors import ToolError
from generator.tools.kubeconform import KubeconformError, run_kubeconform
from tests.conftest import require_tool

ANY_SCHEMA = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}


def _program(folder: Path, script: str) -> Path:
    program = folder / "kubeconform"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


def _answering(folder: Path, resources: list[dict[str, Any]], code: int = 0, **summary: int) -> Path:
    """A program that prints this answer, whatever it is asked."""
    counted = Counter(item["status"] for item in resources)
    names = {"valid": "Valid", "invalid": "Invalid", "errors": "Error", "skipped": "Skipped"}
    answer = {
        "resources": resources,
        "summary": {key: summary.get(key, counted[f"status{name}"]) for key, name in names.items()},
    }
    return _program(folder, f"printf '%s' {shlex.quote(json.dumps(answer))}\nexit {code}")


def _resource(file: Path, status: str = "statusValid", name: str = "web", msg: str = "") -> dict[str, Any]:
    return {"filename": str(file), "kind": "ConfigMap", "name": name, "version": "v1", "status": status, "msg": msg}


def _run(program: Path, objects: dict[Path, int]) -> list[tuple[str, bool]]:
    verdicts = run_kubeconform(
        program, objects, schema_location="/x/{{.ResourceKind}}.json", kubernetes_version="1.36.0"
    )
    return [(verdict.name, verdict.valid) for verdict in verdicts]


def test_verdicts_come_sorted_and_empty_documents_do_not_count(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    resources = [
        _resource(file, "statusInvalid", "b", "no"),
        _resource(file, ""),
        _resource(file, "statusValid", "a"),
        _resource(file, "statusError", "c", "could not find schema for ConfigMap"),
    ]
    assert _run(_answering(tmp_path, resources, code=1), {file: 3}) == [("a", True), ("b", False), ("c", False)]


@pytest.mark.parametrize("expected", [0, 2])
def test_another_number_of_objects_in_a_file_is_an_error(tmp_path: Path, expected: int) -> None:
    file = tmp_path / "a.yaml"
    with pytest.raises(KubeconformError, match=f"counted 1 objects, there are {expected}") as caught:
        _run(_answering(tmp_path, [_resource(file)]), {file: expected})
    assert str(file) in caught.value.message
    assert caught.value.fix


def test_an_object_too_many_here_and_one_too_few_there_is_an_error(tmp_path: Path) -> None:
    one, two = tmp_path / "a.yaml", tmp_path / "b.yaml"
    with pytest.raises(KubeconformError, match="counted 2 objects, there are 2"):
        _run(_answering(tmp_path, [_resource(one), _resource(one)]), {one: 1, two: 1})


def test_a_file_that_was_not_asked_for_is_an_error(tmp_path: Path) -> None:
    one, two = tmp_path / "a.yaml", tmp_path / "b.yaml"
    with pytest.raises(KubeconformError, match=r"b\.yaml holds 0, it saw 1"):
        _run(_answering(tmp_path, [_resource(one), _resource(two)]), {one: 1})


def test_nothing_may_be_skipped(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    with pytest.raises(KubeconformError, match="it skipped"):
        _run(_answering(tmp_path, [_resource(file, "statusSkipped")]), {file: 1})


def test_a_summary_that_says_something_else_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    with pytest.raises(KubeconformError, match="counted 0 objects, there are 1"):
        _run(_answering(tmp_path, [_resource(file)], valid=0), {file: 1})


@pytest.mark.parametrize("output", ["", "failed parsing command line", "[]", '{"resources": []}'])
def test_what_is_no_answer_is_an_error_with_what_it_said(tmp_path: Path, output: str) -> None:
    program = _program(tmp_path, f"printf '%s' {shlex.quote(output)} >&2\nprintf '%s' {shlex.quote(output)}")
    with pytest.raises(KubeconformError, match="gave no result") as caught:
        _run(program, {tmp_path / "a.yaml": 1})
    assert isinstance(caught.value, ToolError)
    assert output in caught.value.message


def test_a_crash_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KubeconformError, match="ended with exit code 2"):
        _run(_program(tmp_path, "exit 2"), {tmp_path / "a.yaml": 1})
    with pytest.raises(KubeconformError, match="was not found"):
        _run(tmp_path / "missing", {tmp_path / "a.yaml": 1})


def test_thousands_of_files_fit_on_the_command_line(tmp_path: Path) -> None:
    script = f"""exec {shlex.quote(sys.executable)} -c '
import json, sys
files = [name for name in sys.argv[1:] if name.endswith(".yaml")]
item = dict(kind="ConfigMap", name="web", version="v1", status="statusValid", msg="")
resources = [item | dict(filename=name) for name in files]
print(json.dumps(dict(resources=resources, summary=dict(valid=len(files)))))
' "$@\""""
    objects = {tmp_path / ("x" * 200) / f"{number:05}.yaml": 1 for number in range(1200)}
    assert len(_run(_program(tmp_path, script), objects)) == 1200


@pytest.fixture
def real() -> Path:
    return require_tool("kubeconform")


def _real_run(program: Path, folder: Path, objects: dict[Path, int]) -> list[tuple[str, bool]]:
    (folder / "configmap.json").write_text(json.dumps(ANY_SCHEMA))
    verdicts = run_kubeconform(
        program, objects, schema_location=f"{folder}/{{{{.ResourceKind}}}}.json", kubernetes_version="1.36.0"
    )
    return [(verdict.name, verdict.valid) for verdict in verdicts]


@pytest.mark.tools
def test_the_real_one_looks_at_each_object_of_documents_and_lists(real: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one.yaml", tmp_path / "two.json"
    item = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"
    one.write_text(f"---\n# nothing\n---\n{item % 'a'}---\n{item % 'b'}")
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    two.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [config, config]}))
    assert _real_run(real, tmp_path, {one: 2, two: 2}) == [("a", True), ("b", True), ("c", True), ("c", True)]


@pytest.mark.tools
@pytest.mark.parametrize(
    ("text", "objects"),
    [
        ("apiVersion: v1\nkind: ConfigMap\n...\n---\napiVersion: v1\nkind: ConfigMap\n--- {lost: 1}\n", 3),
        ("# nothing\n", 1),
        ("apiVersion: v1\nkind: List\nitems: []\n", 1),
    ],
    ids=["dropped", "empty", "empty list"],
)
def test_what_the_real_one_drops_in_silence_is_noticed(real: Path, tmp_path: Path, text: str, objects: int) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text)
    with pytest.raises(KubeconformError, match="kubeconform counted"):
        _real_run(real, tmp_path, {file: objects})


@pytest.mark.tools
def test_the_real_one_asks_nobody_for_a_schema(real: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("apiVersion: v1\nkind: Service\nmetadata: {name: web}\n")
    (verdict,) = run_kubeconform(
        real, {file: 1}, schema_location=f"{tmp_path}/{{{{.ResourceKind}}}}.json", kubernetes_version="1.36.0"
    )
    assert not verdict.valid
    assert "could not find schema" in verdict.message
