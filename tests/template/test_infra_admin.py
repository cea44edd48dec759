"""The role admin, run by the real Ansible against archives that are as the publishers' are: zip, tar.gz, bare."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.template.infra_tree import render_infra

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.template.conftest import Render

    Run = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.tools


def script(name: str, version: str) -> bytes:
    """A program that tells its version."""
    return f"#!/bin/sh\necho '{name} v{version} on linux_amd64'\n".encode()


def zipped(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in {"LICENSE.txt": b"a licence\n", **members}.items():
            archive.writestr(name, data)
    return content.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755
            archive.addfile(entry, io.BytesIO(data))
    return content.getvalue()


class Releases:
    """A folder of releases, and the table that names them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.tools: dict[str, dict[str, Any]] = {}
        self.release("terraform", "1.15.7", "terraform_1.15.7_linux_amd64.zip", zipped, {"terraform": "terraform"})
        self.release("age", "1.3.1", "age.tar.gz", tarred, {"age": "age/age", "age-keygen": "age/age-keygen"})
        self.release("kubectl", "1.36.4", "kubectl", lambda members: members[""], {"kubectl": ""})
        self.tools["sh"] = {"packages": {"Debian": "dash", "RedHat": "bash"}}

    def release(
        self, name: str, version: str, file: str, pack: Callable[[dict[str, bytes]], bytes], programs: dict[str, str]
    ) -> None:
        path = self.folder / file
        path.write_bytes(pack({inside: script(program, version) for program, inside in programs.items()}))
        self.tools[name] = {
            "arguments": ["version"],
            "version": version,
            "url": path.as_uri(),
            "checksum": f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}",
            "programs": programs,
        }


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    return Releases(tmp_path / "releases")


@pytest.fixture(scope="module")
def rendered(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render_infra(render, "single", tmp_path_factory.mktemp("answers")).root


@pytest.fixture
def run(
    rendered: Path, tmp_path: Path, releases: Releases, ansible_python: Path, ansible_playbook: tuple[str, ...]
) -> Run:
    """Run the playbook in a home of its own, with a PATH that has none of the programs."""
    folder = shutil.copytree(rendered, tmp_path / "infra") / "ansible"
    home, system = tmp_path / "home", tmp_path / "system"
    home.mkdir()
    system.mkdir()
    for name in ("sh", "uname", "id", "env", "cat", "rm", "mkdir", "chmod", "sleep", "echo", "locale", "true"):
        (system / name).symlink_to(Path(str(shutil.which(name))).resolve())

    def play(*arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
        (folder.parent / "versions.user.yaml").write_text(json.dumps({"tools": releases.tools}))
        versions = folder.parent / "versions.yaml"
        # Of the rendered table nothing is to be fetched here.
        versions.write_text(re.sub(r"(?ms)^tools:.*", "tools: {}\n", versions.read_text()))
        environment = {
            "PATH": f"{path or system}",
            "HOME": str(home),
            "TMPDIR": str(tmp_path),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
        }
        interpreter = f"ansible_python_interpreter={ansible_python}"
        return subprocess.run(
            [*ansible_playbook, "playbooks/admin.yml", "--extra-vars", interpreter, *arguments],
            cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=180,
        )  # fmt: skip

    return play


def changes(done: subprocess.CompletedProcess[str]) -> int:
    found = re.search(r"localhost .*changed=(\d+) .*failed=0 ", done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert found, done.stdout
    return int(found[1])


def test_programs_are_installed_once_and_then_left(run: Run, releases: Releases, tmp_path: Path) -> None:
    """What has the pinned version elsewhere is left there; 11.36.4 and 1.36.40 are other versions than 1.36.4."""
    folder, system = tmp_path / "home" / ".local" / "bin", tmp_path / "system"
    for name, version in (("terraform", "1.15.7"), ("kubectl", "11.36.4 v1.36.40")):
        (system / name).write_bytes(script(name, version))
        (system / name).chmod(0o755)
    assert changes(run()) > 0
    assert sorted(path.name for path in folder.iterdir()) == ["age", "age-keygen", "kubectl"]
    for name, version in (("age-keygen", "1.3.1"), ("kubectl", "1.36.4")):
        told = subprocess.run([folder / name], capture_output=True, text=True, check=True, timeout=10).stdout
        assert told == f"{name} v{version} on linux_amd64\n"
        assert (folder / name).stat().st_mode & 0o777 == 0o755
    assert not list(tmp_path.glob("admin.*")), "nothing of a download stays"
    again = run()
    assert changes(again) == 0
    assert f'export PATH="{folder}:$PATH"' in " ".join(again.stdout.split())
    # Another version takes the place of this one alone; from a zip this time.
    (system / "terraform").unlink()
    checked = run("--check")
    assert changes(checked) == 0
    assert "terraform 1.15.7 would be installed" in checked.stdout
    before = (folder / "age").stat().st_mtime_ns
    assert changes(run()) > 0
    assert (folder / "terraform").read_bytes() == script("terraform", "1.15.7")
    assert (folder / "age").stat().st_mtime_ns == before


def test_a_wrong_digest_is_refused_and_nothing_is_installed(run: Run, releases: Releases, tmp_path: Path) -> None:
    releases.tools = {"terraform": releases.tools["terraform"]}
    archive = next(releases.folder.glob("*.zip"))
    archive.write_bytes(zipped({"terraform": script("terraform", "1.15.7") + b"# another one\n"}))
    done = run()
    assert done.returncode != 0
    assert "checksum" in done.stdout
    assert list((tmp_path / "home" / ".local" / "bin").iterdir()) == []
    assert not list(tmp_path.glob("admin.*"))


def test_a_package_that_can_not_be_installed_is_named_with_the_command(run: Run, releases: Releases) -> None:
    """This PATH has neither sudo nor a package manager's programs, so that nothing of this machine is changed."""
    releases.tools = {"fmc-no-such": {"packages": {"Debian": "fmc-no-such-package", "RedHat": "fmc-no-such-package"}}}
    done = run("--extra-vars", '{"ansible_become_exe": "/nonexistent/sudo", "ansible_become_user": "nobody"}')
    assert changes(done) <= 1
    said = " ".join(done.stdout.split())
    assert "fmc-no-such could not be installed as root from here" in said
    assert "fmc-no-such-package" in said.rpartition("install what holds these programs:")[2]


def test_wrong_types_are_refused(run: Run, tmp_path: Path) -> None:
    done = run("--extra-vars", json.dumps({"admin_tools": ["terraform"]}))
    assert done.returncode != 0
    assert "argument 'admin_tools' is of type" in " ".join(done.stdout.split())
    assert not (tmp_path / "home" / ".local").exists()
