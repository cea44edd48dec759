"""The checks as a whole: what they load, how long they take, what they answer to a wrong call."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from generator.checks.run import check_trees
from generator.errors import BadInputError
from tests.checks.cases import cases

VERSION = "v1.36.4+k3s1"


def _case(name: str, folder: Path) -> dict[str, Path]:
    return next(case for case in (*cases("caught"), *cases("passed")) if case.name == name).write(folder)


def test_importing_the_checks_loads_nothing_heavy() -> None:
    program = (
        "import sys, generator.checks.run\n"
        "heavy = {'copier', 'git', 'rich', 'jsonschema_rs', 'cryptography', 'pydantic', 'jinja2', 'ruamel.yaml'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_trees_without_manifests_need_no_schema_engine(tmp_path: Path) -> None:
    (tmp_path / "infra").mkdir()
    report = check_trees({"infra": tmp_path / "infra"}, kubernetes_version=VERSION, engine="builtin")
    assert (report.findings, report.documents, report.files, report.engine) == ((), 0, 0, "builtin")


def test_auto_takes_the_kubeconform_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "infra").mkdir()
    trees = {"infra": tmp_path / "infra"}
    monkeypatch.setenv("FMC_TOOLS_DIR", str(tmp_path / "tools"))
    monkeypatch.setenv("PATH", "/nonexistent")
    assert check_trees(trees, kubernetes_version=VERSION).engine == "builtin"
    program = tmp_path / "tools" / "kubeconform"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert check_trees(trees, kubernetes_version=VERSION).engine == "kubeconform"


def test_a_kubeconform_that_is_wanted_has_to_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "infra").mkdir()
    trees = {"infra": tmp_path / "infra"}
    monkeypatch.setenv("FMC_TOOLS_DIR", str(tmp_path / "tools"))
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(BadInputError, match="kubeconform is not there"):
        check_trees(trees, kubernetes_version=VERSION, engine="kubeconform")
    with pytest.raises(BadInputError, match="there is no kubeconform at"):
        check_trees(trees, kubernetes_version=VERSION, kubeconform=tmp_path / "missing")
    with pytest.raises(BadInputError, match="there is no engine conform"):
        check_trees(trees, kubernetes_version=VERSION, engine="conform")


def test_findings_are_sorted_and_name_the_folder_as_the_user_knows_it(tmp_path: Path) -> None:
    trees = _case("schema-invalid", tmp_path)
    renamed = tmp_path / "platform"
    trees["argocd"].rename(renamed)
    report = check_trees({"argocd": renamed}, kubernetes_version=VERSION, engine="builtin")
    assert {item.file.split("/")[0] for item in report.findings} == {"platform"}
    assert list(report.findings) == sorted(report.findings)


def test_a_broken_file_hides_nothing_in_the_others(tmp_path: Path) -> None:
    trees = _case("schema-invalid", tmp_path)
    (trees["argocd"] / "platform/web/manifests/broken.yaml").write_text("a: [\n")
    rules = {item.rule for item in check_trees(trees, kubernetes_version=VERSION, engine="builtin").findings}
    assert rules == {"schema/invalid", "yaml/syntax"}


@pytest.mark.parametrize("depth", [260, 400, 900])
def test_nesting_of_any_depth_is_a_finding_and_no_crash(tmp_path: Path, depth: int) -> None:
    """Faults E10: what the reader still took was too deep for the schema's engine."""
    file = tmp_path / "argocd" / "platform" / "web" / "manifests" / "deep.json"
    file.parent.mkdir(parents=True)
    data = '{"a":' * depth + "1" + "}" * depth
    file.write_text('{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": ' + data + "}")
    report = check_trees({"argocd": tmp_path / "argocd"}, kubernetes_version=VERSION, engine="builtin")
    assert [item.message.partition("it is ")[2] for item in report.findings] == ["nested too deeply"]


def test_objects_of_any_shape_are_findings_and_no_crash(tmp_path: Path) -> None:
    trees = _case("argocd-sources", tmp_path)
    shapes = ["null", "[]", "{}", "text", "1", "[null]", "[{}]", "{a: null}", "[[]]", "true"]
    kinds = [
        "argoproj.io/v1alpha1 Application",
        "argoproj.io/v1alpha1 ApplicationSet",
        "argoproj.io/v1alpha1 AppProject",
        "traefik.io/v1alpha1 IngressRoute",
        "apps/v1 Deployment",
        "v1 List",
        "v1 Secret",
    ]
    fields = [
        "spec: %s",
        "metadata: %s",
        "spec: {routes: %s}",
        "spec: {sources: %s}",
        "spec: {template: %s}",
        "items: %s",
    ]
    folder = trees["argocd"] / "platform/web/manifests"
    for number, (api_version, kind) in enumerate(key.split(" ") for key in kinds):
        texts = [f"apiVersion: {api_version}\nkind: {kind}\n" + field % shape for field in fields for shape in shapes]
        (folder / f"shapes{number}.yaml").write_text("\n---\n".join(texts))
    overlay = tmp_path / "apps" / "x"
    for number, shape in enumerate(shapes):
        (overlay / str(number)).mkdir(parents=True)
        keys = ("resources", "patches", "configMapGenerator", "secretGenerator", "images", "namespace", "openapi")
        (overlay / str(number) / "kustomization.yaml").write_text("".join(f"{key}: {shape}\n" for key in keys))
    report = check_trees(trees | {"apps": tmp_path / "apps"}, kubernetes_version=VERSION, engine="builtin")
    assert len(report.findings) > 100
