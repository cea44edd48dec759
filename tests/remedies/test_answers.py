"""What a finding about the answers advises is done to them, each way on its own; then they are accepted."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.answers.load import load

ROOT = Path(__file__).parents[2]
REFUSED = sorted((ROOT / "tests/answers/invalid").glob("*.yaml"))
WARNED = [path for path in sorted((ROOT / "tests/answers/valid").glob("*.yaml")) if "# fmc:" in path.read_text()]
CERTIFICATE = ROOT / "tests/answers/valid/git-of-a-private-authority.yaml"


def ways(path: Path) -> list[str]:
    """The ways that the remedies of a file's findings show: the answers that change, `~` for one that is removed."""
    return re.findall(r"^# mended: (.+)$", path.read_text(), re.MULTILINE)


FILES = (*REFUSED, *WARNED)
WAYS = [
    pytest.param(path, way, id=f"{path.stem}-{number}") for path in FILES for number, way in enumerate(ways(path), 1)
]


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What remedies ask people for, as they get it."""
    return {
        "<<certificate>>": yaml.safe_load(CERTIFICATE.read_text())["git_authority"],
        "<<public key>>": public_key(tmp_path_factory.mktemp("keys")),
    }


def public_key(folder: Path) -> str:
    """A key as the remedy says: made with `ssh-keygen -t ed25519`, the content of the file that ends in .pub."""
    keygen = shutil.which("ssh-keygen")
    assert keygen
    command = [keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key")]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return (folder / "key.pub").read_text().strip()


@cache
def host_key() -> str:
    """A host key as ssh-keyscan prints it."""
    key: str = yaml.safe_load((ROOT / "examples/ha.yaml").read_text())["ssh_public_key"]
    return " ".join(key.split(" ")[:2])


@pytest.mark.parametrize(("path", "way"), WAYS)
def test_what_is_advised_mends_the_answers(path: Path, way: str, samples: dict[str, str], tmp_path: Path) -> None:
    changed: dict[str, Any] = yaml.safe_load(f"{{{way}}}".replace("<<host key>>", host_key()))
    given = yaml.safe_load(path.read_text())
    mended = {name: samples.get(str(value), value) for name, value in (given | changed).items() if value is not None}
    answers = tmp_path / "answers.yaml"
    answers.write_text(yaml.safe_dump(mended))
    loaded = load(answers, ROOT)
    assert path not in WARNED or loaded.warnings == ()


def test_every_file_with_a_finding_shows_how_it_is_mended() -> None:
    assert [path.name for path in FILES if not ways(path)] == []
