"""`fmc mirror list`: everything that a cluster takes from elsewhere, and what is uncertain about it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from generator.mirror.inventory import BINARY, CHART, IMAGE, PROVIDER, SYSTEM, Inventory, inventory, read_record
from generator.mirror.references import images_of
from tests.template.argocd_tree import CLUSTERS, HA, ROWS, render_cluster
from tests.template.components import is_chart, is_there
from tests.template.conftest import ROOT, renderer

if TYPE_CHECKING:
    from pathlib import Path

RECORD = read_record(ROOT / "lib/images.json")
DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = renderer(tmp_path_factory)(HA, "monorepo")
    return {part: root / part for part in ("infra", "argocd", "apps")}


def listed(trees: dict[str, Path], **more: Any) -> Inventory:
    return inventory(trees, more.get("rows", ROWS), more.get("recorded", RECORD))


def test_every_chart_is_listed_with_its_publisher(trees: dict[str, Path]) -> None:
    found = {(one.name, one.version, one.source) for one in listed(trees).of(CHART)}
    assert found == {(row["chart"], row["version"], row["repository"]) for row in ROWS if is_chart(row)}


def test_every_recorded_image_is_listed_and_those_of_manifests_and_apps(trees: dict[str, Path]) -> None:
    found = {one.source for one in listed(trees).of(IMAGE)}
    assert found >= {image for entry in RECORD.values() for image in entry["images"]}
    for part in ("argocd", "apps"):
        for file in trees[part].rglob("*.yaml"):
            objects = [item for item in yaml.safe_load_all(file.read_text()) if isinstance(item, dict)]
            named = set(images_of(item for item in objects if "kind" in item))
            # Kustomize replaces the sample's.
            assert found >= named - {"docker.io/library/hello:latest"}, file
    assert any(image.startswith("docker.io/library/python:3") for image in found)


def test_the_pins_of_the_machines_are_listed_with_their_digests(trees: dict[str, Path]) -> None:
    found = listed(trees)
    pins = yaml.safe_load((trees["infra"] / "versions.yaml").read_text())
    assert {(one.name, one.source, one.digest) for one in found.of(SYSTEM)} == {
        (name, row["url"], f"sha512:{row['sha512']}") for name, row in pins["images"].items()
    }
    binaries = {one.name: one for one in found.of(BINARY)}
    fetched = {name for name, row in pins["tools"].items() if "url" in row}
    assert binaries.keys() == fetched | {"coredns", "node_exporter", "k3s", "k3s-airgap-images"}
    assert all(one.digest.startswith("sha256:") for name, one in binaries.items() if name != "k3s-airgap-images")
    archive = binaries["k3s-airgap-images"]
    assert archive.source == pins["k3s"]["url"].removesuffix("k3s") + "k3s-airgap-images-amd64.tar.zst"
    assert {(one.name, one.version) for one in found.of(PROVIDER)} == {
        ("dmacvicar/libvirt", "0.9.7"),
        ("poseidon/ct", "0.14.0"),
    }


def test_the_list_has_one_order_and_nothing_twice(trees: dict[str, Path]) -> None:
    items = listed(trees).items
    assert len(set(items)) == len(items)
    kinds = [one.kind for one in items]
    assert [kind for index, kind in enumerate(kinds) if kind not in kinds[:index]] == [
        CHART,
        IMAGE,
        BINARY,
        SYSTEM,
        PROVIDER,
    ]


def test_a_component_that_is_off_is_not_listed(tmp_path_factory: pytest.TempPathFactory) -> None:
    cluster = render_cluster(renderer(tmp_path_factory), "ha-without-components")
    found = listed({"argocd": cluster.argocd, "apps": cluster.apps})
    there = {row["chart"] for row in ROWS if is_chart(row) and is_there(row, CLUSTERS["ha-without-components"][0])}
    assert {one.name for one in found.of(CHART)} == there
    assert not any("traefik" in one.source for one in found.items)


def test_machines_that_are_there_need_no_images_and_no_providers(tmp_path_factory: pytest.TempPathFactory) -> None:
    answers = HA | {"machines": "existing", "components": ["traefik"]}
    found = listed({"infra": renderer(tmp_path_factory)(answers, "infra")})
    assert found.of(SYSTEM) == found.of(PROVIDER) == []
    assert found.of(BINARY)


def argocd(folder: Path, charts: dict[str, Any], **files: str) -> dict[str, Path]:
    folder.mkdir(exist_ok=True)
    (folder / "versions.yaml").write_text(yaml.safe_dump({"charts": charts}))
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return {"argocd": folder}


ROW = {"name": "sample", "chart": "a-chart", "repository": "https://charts.example.org", "version": "1.2.3"}
ENTRY = {"chart": "a-chart", "version": "1.2.3", "rendered": "1.2.3", "images": ["quay.io/a/b:v1"]}
MIRRORED = "https://mirror.example.com/stable"


@pytest.mark.parametrize(
    ("chart", "version", "images", "told"),
    [
        ("a-chart", "1.2.3", ["quay.io/a/b:v1"], []),
        (
            "a-chart",
            "1.3.0",
            ["quay.io/a/b:v1"],
            ["the images of the chart a-chart 1.3.0 are not recorded: those of its version 1.2.3 are listed"],
        ),
        ("own", "0.1.0", [], ["the images of the chart own 0.1.0 are not recorded: none is listed"]),
    ],
)
def test_what_is_not_recorded_is_told(
    tmp_path: Path, chart: str, version: str, images: list[str], told: list[str]
) -> None:
    trees = argocd(tmp_path, {chart: {"repository": MIRRORED, "version": version}})
    found = listed(trees, rows=[ROW], recorded={"sample": ENTRY})
    assert [one.source for one in found.of(IMAGE)] == images
    assert [finding.message for finding in found.findings] == told
    assert [one.source for one in found.of(CHART)] == [ROW["repository"] if chart == "a-chart" else MIRRORED]


def test_a_file_that_can_not_be_read_is_told_and_the_others_are_listed(tmp_path: Path) -> None:
    pod = json.dumps({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"image": "quay.io/a/c:v2"}]}})
    found = listed(argocd(tmp_path, {}, broken="a: [", pod=pod), rows=[])
    assert [one.source for one in found.of(IMAGE)] == ["quay.io/a/c:v2"]
    assert [(one.file, one.message) for one in found.findings] == [
        ("broken.yaml", "it is no YAML: the images that it names are not listed")
    ]


def test_kustomize_gives_another_tag_and_digest(tmp_path: Path) -> None:
    images = [
        {"name": "quay.io/a/b", "newTag": "v2"},
        {"name": "c", "newName": "quay.io/a/c", "digest": DIGEST},
        {"name": "a b"},
    ]
    kustomization = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "images": images}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    found = inventory({"apps": tmp_path}, [], {}).of(IMAGE)
    assert [(one.name, one.version, one.digest) for one in found] == [
        ("quay.io/a/b", "v2", ""),
        ("quay.io/a/c", "", DIGEST),
    ]


def test_an_image_that_kustomize_replaces_is_not_listed(tmp_path: Path) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"image": "web"}, {"image": "quay.io/a/b:v1"}]}}
    (tmp_path / "pod.yaml").write_text(yaml.safe_dump(pod))
    images = [{"name": "web", "newName": "quay.io/a/web", "newTag": "v3"}, {"name": "nginx", "newTag": "latest"}]
    kustomization = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "images": images}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    found = [one.source for one in inventory({"apps": tmp_path}, [], {}).of(IMAGE)]
    assert found == ["docker.io/library/nginx:latest", "quay.io/a/b:v1", "quay.io/a/web:v3"]


def test_what_the_pipeline_runs_is_listed_with_its_digests(tmp_path_factory: pytest.TempPathFactory) -> None:
    apps = renderer(tmp_path_factory)(HA, "apps")
    found = {one.name: one for one in inventory({"apps": apps}, [], {}).of(IMAGE)}
    names = {"docker.io/moby/buildkit", "docker.io/aquasec/trivy", "docker.io/docker/buildkit-syft-scanner"}
    assert names <= found.keys()
    assert all(found[name].digest for name in names)
    # What is pushed there is of this cluster itself.
    assert not any(name.startswith("docker.io/home") for name in found)


def test_pins_of_a_persons_own_win(tmp_path: Path) -> None:
    (tmp_path / "versions.yaml").write_text(
        "k3s: {version: v1, url: https://example.com/v1/k3s, checksum: 'sha256:https://example.com/v1/sums'}\n"
    )
    (tmp_path / "versions.user.yaml").write_text("k3s: {version: v2, url: https://example.com/v2/k3s}\nempty:\n")
    found = inventory({"infra": tmp_path}, [], {}).of(BINARY)
    assert [(one.name, one.version, one.source, one.digest) for one in found] == [
        ("k3s", "v2", "https://example.com/v2/k3s", ""),
        ("k3s-airgap-images", "v2", "https://example.com/v2/k3s-airgap-images-amd64.tar.zst", ""),
    ]
