"""The script that downloads an image: once, verified, over nothing but HTTPS."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha512
from typing import TYPE_CHECKING

import pytest

from tests.conftest import require_tool
from tests.template.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.tools


@pytest.fixture
def script() -> Path:
    return ROOT / "templates/infra/terraform/fetch-image.sh"


def fetch(script: Path, url: str, digest: str, target: Path) -> subprocess.CompletedProcess[str]:
    for name in ("curl", "flock", "sha512sum"):
        require_tool(name)
    env = {"PATH": os.environ["PATH"], "IMAGE_URL": url, "IMAGE_SHA512": digest, "IMAGE_PATH": str(target)}
    return subprocess.run(["sh", script], env=env, capture_output=True, text=True, timeout=60, check=False)


def test_an_image_is_fetched_once_and_found_again(script: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "image", tmp_path / "folder of images/image.qcow2"
    source.write_bytes(b"an image")
    digest = sha512(b"an image").hexdigest()
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda _: fetch(script, source.as_uri(), digest, target), range(3)))
    assert [result.returncode for result in results] == [0, 0, 0], results
    assert target.read_bytes() == b"an image"
    source.unlink()
    assert fetch(script, source.as_uri(), digest, target).returncode == 0


def test_an_image_with_another_digest_is_not_kept(script: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "image", tmp_path / "images/image.qcow2"
    source.write_bytes(b"tampered with")
    result = fetch(script, source.as_uri(), sha512(b"an image").hexdigest(), target)
    assert result.returncode == 1
    assert sha512(b"tampered with").hexdigest() in result.stderr
    assert not [path for path in target.parent.iterdir() if path.suffix != ".lock"]


def test_a_damaged_image_is_fetched_again(script: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "image", tmp_path / "image.qcow2"
    source.write_bytes(b"an image")
    target.write_bytes(b"half an im")
    assert fetch(script, source.as_uri(), sha512(b"an image").hexdigest(), target).returncode == 0
    assert target.read_bytes() == b"an image"


def test_no_image_comes_over_plain_http(script: Path, tmp_path: Path) -> None:
    result = fetch(script, "http://127.0.0.1:9/image", sha512(b"").hexdigest(), tmp_path / "image.qcow2")
    assert result.returncode == 1
    assert "not supported" in result.stderr or "disabled" in result.stderr
