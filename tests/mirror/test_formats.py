"""What other programs read: each holds every item, and the script does what it says, whatever an item is called."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from generator.cli.mirror import _FORMATS
from generator.mirror.formats import FORMATS
from generator.mirror.inventory import BINARY, CHART, IMAGE, PROVIDER, SYSTEM, Inventory, Item

if TYPE_CHECKING:
    from pathlib import Path

SUM = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"  # of "test"
IMAGE_DIGEST = "sha256:" + "0123456789abcdef" * 4
FOUND = Inventory(
    [
        Item(CHART, "a-chart", "1.2.3", "https://charts.example.org"),
        Item(IMAGE, "quay.io/a/b", "v1", "quay.io/a/b:v1"),
        Item(IMAGE, "quay.io/a/c", "v2", f"quay.io/a/c:v2@{IMAGE_DIGEST}", IMAGE_DIGEST),
        Item(BINARY, "k3s", "v1", "https://example.com/k3s", f"sha256:{SUM}"),
        Item(BINARY, "tool", "2", "https://example.com/v2/linux $(touch hacked).tgz"),
        Item(SYSTEM, "debian", "13", "https://example.com/debian-13.qcow2"),
        Item(PROVIDER, "poseidon/ct", "0.14.0", "registry.terraform.io/poseidon/ct"),
    ]
)
FILES = ["k3s", "tool-linux $(touch hacked).tgz", "debian-13.qcow2"]


def test_the_command_offers_each_format() -> None:
    assert list(FORMATS) == _FORMATS


def test_plain_is_a_line_for_each() -> None:
    lines = FORMATS["plain"](FOUND, "home").splitlines()
    assert len(lines) == len(FOUND.items)
    assert lines[0] == "chart a-chart:1.2.3 https://charts.example.org -"
    assert lines[3] == f"binary k3s:v1 https://example.com/k3s sha256:{SUM}"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Programs that write down how they are called; curl makes a file that holds `test`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, more in {"skopeo": "", "helm": "", "terraform": "", "curl": 'printf test > "$3"'}.items():
        (folder / name).write_text(
            f'#!/bin/bash\nprintf "%s|" {name} "$@" >> {tmp_path}/calls\necho >> {tmp_path}/calls\n{more}\n'
        )
        (folder / name).chmod(0o755)
    return folder


def run(script: str, folder: Path, programs: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {"PATH": f"{programs}:/usr/bin:/bin", **environment}
    return subprocess.run(
        ["bash"], input=script, cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=30
    )


def test_the_script_fetches_everything_and_compares_digests(tmp_path: Path, programs: Path) -> None:
    script = FORMATS["skopeo"](FOUND, "home")
    work = tmp_path / "work"
    work.mkdir()
    done = run(script, work, programs, MIRROR="registry.example.com/mirror")
    assert (done.returncode, done.stderr) == (0, "")
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == [
        "skopeo|copy|--all|docker://quay.io/a/b:v1|docker://registry.example.com/mirror/quay.io/a/b:v1|",
        # It refuses a tag beside a digest.
        f"skopeo|copy|--all|docker://quay.io/a/c@{IMAGE_DIGEST}|docker://registry.example.com/mirror/quay.io/a/c:v2|",
        "helm|pull|a-chart|--repo|https://charts.example.org|--version|1.2.3|--destination|charts|",
        "helm|repo|index|charts|",
        *[f"curl|-fL|--output|files/{name}|{one.source}|" for name, one in zip(FILES, FOUND.items[3:6], strict=True)],
        "terraform|-chdir=providers|providers|mirror|-platform=linux_amd64|.|",
    ]
    assert sorted(path.name for path in (work / "files").iterdir()) == sorted(FILES)
    assert not (work / "hacked").exists()
    assert 'ct = { source = "poseidon/ct", version = "0.14.0" }' in (work / "providers/versions.tf").read_text()
    # Again: what is there is not fetched again.
    (tmp_path / "calls").unlink()
    assert run(script, work, programs, MIRROR="registry.example.com").returncode == 0
    assert "curl" not in (tmp_path / "calls").read_text()


def test_the_script_stops_at_another_digest_and_without_a_registry(tmp_path: Path, programs: Path) -> None:
    changed = Inventory([Item(BINARY, "k3s", "v1", "https://example.com/k3s", f"sha256:{'0' * 64}")])
    done = run(FORMATS["skopeo"](changed, "home"), tmp_path, programs, MIRROR="registry.example.com")
    assert done.returncode != 0
    assert "files/k3s: FAILED" in done.stdout
    assert "MIRROR: the registry to fill" in run(FORMATS["skopeo"](FOUND, "home"), tmp_path, programs).stderr


def test_hauler_gets_images_charts_and_files() -> None:
    documents = list(yaml.safe_load_all(FORMATS["hauler"](FOUND, "home")))
    assert {one["apiVersion"] for one in documents} == {"content.hauler.cattle.io/v1"}
    contents = {one["kind"]: one["spec"] for one in documents}
    assert [one["name"] for one in contents["Images"]["images"]] == [one.source for one in FOUND.of(IMAGE)]
    assert contents["Charts"]["charts"] == [
        {"name": "a-chart", "repoURL": "https://charts.example.org", "version": "1.2.3"}
    ]
    assert [one["name"] for one in contents["Files"]["files"]] == FILES
    assert "Charts" not in FORMATS["hauler"](Inventory(FOUND.of(IMAGE)), "home")


def test_zarf_gets_images_and_files_and_charts_that_it_does_not_install() -> None:
    (package,) = yaml.safe_load_all(FORMATS["zarf"](FOUND, "home"))
    assert (package["kind"], package["metadata"]["name"]) == ("ZarfPackageConfig", "home")
    images, charts, files = package["components"]
    assert images["images"] == [one.source for one in FOUND.of(IMAGE)]
    assert "charts" not in charts
    assert charts["files"] == [{"source": "a-chart-1.2.3.tgz", "target": "charts/a-chart-1.2.3.tgz"}]
    (pull,) = charts["actions"]["onCreate"]["before"]
    assert pull["cmd"] == "helm pull a-chart --repo https://charts.example.org --version 1.2.3"
    assert files["files"][0] == {"source": "https://example.com/k3s", "target": "files/k3s", "shasum": SUM}
    assert "shasum" not in files["files"][1]
