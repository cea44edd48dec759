"""What `make images` brings: each image once, verified, over nothing but HTTPS, with its facts beside it."""

from __future__ import annotations

import json
import os
import shutil
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


def test_a_download_that_was_stopped_goes_on(script: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "image", tmp_path / "image.qcow2"
    source.write_bytes(b"an image")
    target.with_name("image.qcow2.part").write_bytes(b"an im")
    assert fetch(script, source.as_uri(), sha512(b"an image").hexdigest(), target).returncode == 0
    assert target.read_bytes() == b"an image"


def test_what_is_left_of_another_download_is_no_beginning(script: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "image", tmp_path / "image.qcow2"
    source.write_bytes(b"an image")
    target.with_name("image.qcow2.part").write_bytes(b"something that is much longer than the image")
    assert fetch(script, source.as_uri(), sha512(b"an image").hexdigest(), target).returncode == 0
    assert target.read_bytes() == b"an image"


# -- all images of a cluster -------------------------------------------------------------------------------------------


@pytest.fixture
def part(tmp_path: Path) -> Path:
    """As much of an infra part as `make images` reads, with a machine of each of two systems."""
    root = tmp_path / "infra"
    (root / "terraform").mkdir(parents=True)
    for name in ("images.py", "fetch-image.sh"):
        shutil.copy(ROOT / "templates/infra/terraform" / name, root / "terraform" / name)
    (root / "plan.json").write_text(
        json.dumps({"nodes": [{"image": "debian"}, {"image": "alma"}, {"image": "debian"}]})
    )
    (root / "versions.yaml").write_text(json.dumps({"images": {"debian": pin(tmp_path, "debian", 3)}}))
    (root / "versions.user.yaml").write_text(json.dumps({"images": {"alma": pin(tmp_path, "alma", 10)}}))
    return root


def pin(folder: Path, name: str, gib: int, mark: bytes = b"QFI\xfb") -> dict[str, str]:
    """Make an image whose header says how large a disk it is, and return its pin."""
    content = mark + bytes(20) + (gib << 30).to_bytes(8) + name.encode()
    path = folder / name
    path.write_bytes(content)
    return {"version": "1", "url": path.as_uri(), "sha512": sha512(content).hexdigest()}


def make_images(part: Path) -> subprocess.CompletedProcess[str]:
    # The one that has PyYAML, as the part's own .venv does.
    python = require_tool("ansible-playbook").resolve().with_name("python")
    command = [python, part / "terraform/images.py"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_each_image_of_the_plan_is_there_with_its_facts(part: Path) -> None:
    result = make_images(part)
    assert result.returncode == 0, result.stderr
    found = [json.loads(path.read_text()) for path in sorted((part / "terraform/images").glob("*.json"))]
    assert sorted(facts["virtual_size"] >> 30 for facts in found) == [3, 10]
    for facts in found:
        image = part / "terraform/images" / f"{facts['sha512'][:16]}.qcow2"
        assert sha512(image.read_bytes()).hexdigest() == facts["sha512"]


def test_a_file_that_was_put_there_by_hand_is_verified_and_not_downloaded(part: Path, tmp_path: Path) -> None:
    """faults D7: that it works without Internet stood nowhere."""
    content = (tmp_path / "alma").read_bytes()
    (part / "terraform/images").mkdir()
    (part / "terraform/images" / f"{sha512(content).hexdigest()[:16]}.qcow2").write_bytes(content)
    (tmp_path / "alma").unlink()
    assert make_images(part).returncode == 0
    assert len(list((part / "terraform/images").glob("*.json"))) == 2


def test_what_is_wrong_with_each_image_is_told_at_once(part: Path, tmp_path: Path) -> None:
    own = {"debian": pin(tmp_path, "raw", 3, b"RAW!")}
    (part / "versions.user.yaml").write_text(json.dumps({"images": own}))
    result = make_images(part)
    assert result.returncode == 1
    assert "versions.yaml has no image of alma: write it into versions.user.yaml" in result.stderr
    assert "is no qcow2 image that stands by itself" in result.stderr
    assert not list((part / "terraform/images").glob("*.json"))
