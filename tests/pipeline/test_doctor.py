"""`fmc doctor` on a machine whose programs are made up; nothing is sent to an address of the plan."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from hashlib import sha512
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from generator.answers.load import load
from generator.answers.questionnaire import Questionnaire
from generator.strictyaml import load_plain
from tests.pipeline.world import EXAMPLE, ROOT, World

if TYPE_CHECKING:
    from collections.abc import Mapping

TOOLS = {
    "ansible-playbook": "ansible-playbook [core 2.19.14]",
    "terraform": "Terraform v1.11.4",
    "kubectl": "Client Version: v1.36.4",
    "helm": "v4.2.4+g1234567",
    "kubeseal": "kubeseal version: 0.40.0",
    "age": "v1.3.1",
    "openssl": "OpenSSL 3.5.4 30 Sep 2025",
    "ssh": "",
    "htpasswd": "",
}


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder that is the whole PATH: git, what programs need to be started, and what TOOLS names."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("git", "env", "sh", "cat"):
        (folder / name).symlink_to(Path(str(shutil.which(name))).resolve())
    for name, version in TOOLS.items():
        put(folder / name, version)
    return folder


def put(path: Path, version: str) -> None:
    path.write_text(f"#!/bin/sh\ncat <<'EOF'\n{version}\nEOF\n")
    path.chmod(0o755)


def doctor(world: World, programs: Path, *arguments: str, cwd: Path | None = None) -> tuple[int, dict[str, Any]]:
    done = world.fmc("doctor", "--output", "json", *arguments, env={"PATH": str(programs)}, cwd=cwd)
    return done.code, json.loads(done.out)


def rules(document: Mapping[str, Any]) -> set[str]:
    return {finding["rule"] for finding in document["findings"]}


def test_a_machine_that_has_everything_has_no_finding(world: World, programs: Path) -> None:
    done = world.fmc("doctor", env={"PATH": str(programs)})
    assert (done.code, done.err) == (0, "")
    assert re.search(r"git +\d[\d.]+ +2\.39 or newer, below 3 +commits and pushes", done.out)
    assert re.search(rf"template +{re.escape(str(ROOT))} ", done.out)
    assert re.search(r"age identity +not there", done.out)
    assert re.search(r"htpasswd +there", done.out)
    assert done.out.splitlines()[-1] == "Next: fmc new"
    code, document = doctor(world, programs)
    assert (code, document["findings"], document["hosts"]) == (0, [], [])
    assert {tool["name"] for tool in document["tools"] if tool["needed"]} == {"Python", "template", "git"}
    assert all(tool["purpose"] for tool in document["tools"])


def test_the_programs_of_a_drill_have_a_row_each(world: World, programs: Path) -> None:
    put(programs / "etcd", "etcd Version: 3.6.5\nGit SHA: a061450")
    (programs / "mount").symlink_to(Path(str(shutil.which("mount"))).resolve())
    code, document = doctor(world, programs)
    rows = {row["name"]: row["found"] for row in document["tools"] if "`fmc drill`" in row["purpose"]}
    assert rows.pop("mount").endswith("/mount")
    servers = {"etcd": "3.6.5", "kube-apiserver": "", "sealed-secrets-controller": ""}
    assert rows == {**servers, "unshare": "", "setpriv": ""}
    # A drill is no step that everybody takes.
    assert (code, document["findings"]) == (0, [])


def test_what_is_missing_is_named_all_at_once(world: World, programs: Path) -> None:
    for name in ("git", "helm", "htpasswd"):
        (programs / name).unlink()
    put(programs / "terraform", "Terraform v1.5.7")
    done = world.fmc("doctor", env={"PATH": str(programs)})
    assert done.code == 1
    assert re.search(r"git +MISSING ", done.out)
    assert all(f"{name}: error: " in done.err for name in ("git", "helm", "htpasswd", "terraform"))
    assert "terraform or tofu is 1.5.7, wanted is 1.9 or newer, below 2" in done.err
    assert done.out.splitlines()[-1] == "Next: correct what is named above, then `fmc doctor`"


def test_opentofu_is_as_good_as_terraform(world: World, programs: Path) -> None:
    (programs / "terraform").rename(programs / "tofu")
    put(programs / "tofu", "OpenTofu v1.12.6")
    code, document = doctor(world, programs)
    found = {tool["name"]: tool["found"] for tool in document["tools"]}
    assert (code, found["terraform"]) == (0, "1.12.6")


def test_kubectl_is_to_be_the_clusters(world: World, programs: Path) -> None:
    put(programs / "kubectl", "Client Version: v1.32.4")
    assert doctor(world, programs)[0] == 0, "without a plan there is no cluster"
    code, document = doctor(world, programs, "--answers", str(EXAMPLE))
    assert (code, "doctor/tool-version" in rules(document)) == (1, True)


def test_this_machine_is_compared_with_the_plan_and_nothing_is_sent(world: World, programs: Path) -> None:
    """The example's hypervisor is this machine. virsh is not on this PATH."""
    code, document = doctor(world, programs, "--answers", str(EXAMPLE))
    (host,) = document["hosts"]
    assert (code, host["name"], host["uri"]) == (1, "kvm1", "qemu:///system")
    assert (host["facts"]["cpus"], "doctor/libvirt" in rules(document)) == (os.cpu_count(), True)
    shown = world.fmc("doctor", "--answers", str(EXAMPLE), env={"PATH": str(programs)})
    assert re.search(rf"kvm1 \(qemu:///system\) +does not answer +11 +\d+ of {os.cpu_count()} ", shown.out)


def test_a_host_elsewhere_is_looked_at_when_it_is_asked_for(world: World, programs: Path, tmp_path: Path) -> None:
    answers = tmp_path / "answers.yaml"
    answers.write_text(EXAMPLE.read_text() + "\nhosts: {kvm1: {uri: qemu+ssh://ada@kvm1/system}}\n")
    code, document = doctor(world, programs, "--answers", str(answers))
    assert (code, document["hosts"][0]["facts"]) == (0, None)
    shown = world.fmc("doctor", "--answers", str(answers), env={"PATH": str(programs)})
    assert "not looked at: --host kvm1" in shown.out


@pytest.mark.parametrize("place", ["plan", "no plan"])
def test_a_host_that_is_not_of_the_plan_is_refused(place: str, world: World, programs: Path) -> None:
    arguments = ("--answers", str(EXAMPLE)) if place == "plan" else ()
    done = world.fmc("doctor", *arguments, "--host", "kvm2", env={"PATH": str(programs)})
    assert done.code == 2
    assert ("Did you mean kvm1?" if place == "plan" else "`fmc doctor --answers FILE`") in done.err


def test_a_workspace_says_itself_what_it_wants(pushed: World, programs: Path) -> None:
    """Pins that a person raised count, and so does Ansible in the repository's own environment."""
    infra = pushed.workspace / "infra"
    (infra / "versions.user.yaml").write_text(
        "images: {linux: {version: '1', url: file:///x, sha512: " + sha512(b"right").hexdigest() + "}}\n"
        "tools: {helm: {arguments: [version], version: 5.0.1}}\n"
    )
    (programs / "ansible-playbook").unlink()
    (infra / ".venv" / "bin").mkdir(parents=True)
    put(infra / ".venv" / "bin" / "ansible-playbook", TOOLS["ansible-playbook"])
    images = infra / "terraform" / "images"
    images.mkdir()
    image = images / f"{sha512(b'right').hexdigest()[:16]}.qcow2"
    image.write_bytes(b"right")
    _, document = doctor(pushed, programs, cwd=pushed.workspace)
    found = {tool["name"]: tool for tool in document["tools"]}
    assert (found["helm"]["wanted"], found["ansible-playbook"]["found"]) == ("5.0.1", "2.19.14")
    assert "doctor/tool-untested" in rules(document)
    assert "doctor/image" not in rules(document)
    image.write_bytes(b"cut off")
    code, document = doctor(pushed, programs, "--workspace", str(pushed.workspace))
    assert (code, "doctor/image" in rules(document)) == (1, True)


def test_what_is_rendered_is_what_the_command_carries() -> None:
    """One table: lib/tools.jinja, which versions.yaml repeats. What is tested with is what the tests run with."""
    loaded, questionnaire = load(EXAMPLE, ROOT), Questionnaire.load(ROOT)
    rendered = questionnaire.render((ROOT / "templates/infra/versions.yaml.jinja").read_text(), loaded.data)
    table = "#% import 'lib/tools.jinja' as t with context %##{ t.tools | to_json }#"
    tools = load_plain(rendered.encode())["tools"]
    assert tools == json.loads(questionnaire.render(table, {"plan": loaded.plan_data}))
    tested = (ROOT / "tests/toolchain/tools.toml").read_text()
    for name in ("helm", "kubeseal"):
        assert f'version = "v{tools[name]["version"]}"' in tested
    required = (ROOT / "templates/infra/terraform/versions.tf").read_text()
    assert f">= {tools['terraform']['least']}.0, < {tools['terraform']['below']}.0.0" in required


def test_looking_costs_no_import_of_what_renders(tmp_path: Path) -> None:
    import subprocess

    code = "import sys; import generator.pipeline.doctor; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert not {"copier", "cryptography", "git", "rich"} & set(done.stdout.split())
