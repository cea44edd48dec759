"""The Terraform part: data that says what the plan says, pins, checks that refuse."""

from __future__ import annotations

import json
import re
import subprocess
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import require_tool
from tests.template.argocd_tree import documents
from tests.template.conftest import ROOT
from tests.template.infra_machines import CLUSTERS, HOST_ADDRESS, environment, prepare, render_machines, terraform
from tests.template.infra_tree import files

if TYPE_CHECKING:
    from pathlib import Path

    from tests.template.conftest import Render
    from tests.template.infra_tree import Infra

ADDRESS = re.compile(r"(?<![\d.])(\d{1,3}(?:\.\d{1,3}){3})(/\d{1,2})?(?!\d|\.\d)")
VARIABLE = re.compile(r'^variable "(\w+)" \{\n(.*?)^\}', re.M | re.S)


@pytest.fixture(scope="module", params=CLUSTERS)
def infra(request: pytest.FixtureRequest, render: Render, tmp_path_factory: pytest.TempPathFactory) -> Infra:
    return render_machines(render, request.param, tmp_path_factory.mktemp("answers"))


@pytest.fixture(scope="module")
def ha(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Infra:
    return render_machines(render, "ha", tmp_path_factory.mktemp("answers"))


def values(infra: Infra) -> dict[str, Any]:
    return dict(json.loads((environment(infra) / "terraform.tfvars.json").read_text()))


def variables(folder: Path) -> dict[str, str]:
    """Return the bodies of the variables that a module declares."""
    return dict(VARIABLE.findall((folder / "variables.tf").read_text()))


def attributes(body: str) -> set[str]:
    """Return the attributes of the object type in a variable's body."""
    found = re.search(r"object\(\{\n(.*?)\n {2,4}\}\)\)", body, re.S)
    assert found
    return set(re.findall(r"^ {4}(\w+) +=", found[1], re.M))


# -- the data ----------------------------------------------------------------------------------------------------------


def test_the_data_is_what_the_plan_says(infra: Infra) -> None:
    plan, answers, data = infra.plan, infra.answers, values(infra)
    assert data == {
        "cluster": answers["name"],
        "domain": answers["domain"],
        "timezone": answers["timezone"],
        "ssh_public_key": answers["ssh_public_key"],
        "libvirt_uri": answers["hosts"].get("kvm1", {}).get("uri", "qemu:///system"),
        "dns_servers": list(plan.dns),
        "dns_upstream": answers["dns_upstream"],
        "ntp_servers": list(plan.ntp),
        "networks": {
            network.key: {"name": network.name, "mode": network.mode, "bridge": network.bridge}
            | {"cidr": network.cidr, "gateway": network.gateway}
            | ({"dhcp": {"start": network.dhcp_start, "end": network.dhcp_end}} if network.dhcp_start else {})
            for network in plan.networks
        },
        "nodes": {
            node.name: {
                key: value
                for key, value in vars(node).items()
                if key not in ("name", "fqdn", "groups", "host", "libvirt_name")
            }
            for node in plan.nodes
        },
        "virtual_addresses": {vip.name: vip.address for vip in plan.vips},
    }


def test_the_examples_have_the_machines_that_they_promise(
    render: Render, tmp_path_factory: pytest.TempPathFactory
) -> None:
    scratch = tmp_path_factory.mktemp("answers")
    ha, single = (values(render_machines(render, name, scratch)) for name in ("ha", "single"))
    assert {name: node["address"] for name, node in ha["nodes"].items()} == {
        **{f"lb{i}": f"10.17.5.{10 + i}" for i in (1, 2)},
        "infra1": "10.17.3.11",
        **{f"master{i}": f"10.17.4.{20 + i}" for i in (1, 2, 3)},
        **{f"worker{i}": f"10.17.4.{30 + i}" for i in (1, 2, 3)},
        "storage1": "10.17.4.41",
    }
    assert {network["name"]: network["mode"] for network in ha["networks"].values()} == {
        f"nat_network_0{i}": "open" for i in (1, 2, 3)
    }
    assert {name: node["address"] for name, node in single["nodes"].items()} == {
        "infra1": "192.168.0.11",
        "master1": "192.168.0.21",
    }
    assert single["networks"]["edge"]["mode"] == "bridge"
    assert single["virtual_addresses"] == {}


def test_every_variable_has_a_value_or_a_default_and_every_value_a_variable(infra: Infra) -> None:
    declared = variables(environment(infra))
    with_default = {name for name, body in declared.items() if re.search(r"^  default +=", body, re.M)}
    assert set(declared) - with_default == set(values(infra))


def test_all_modules_know_the_attributes_of_networks_and_machines(infra: Infra) -> None:
    data = values(infra)
    for folder in (environment(infra), infra.root / "terraform/modules/topology"):
        declared = variables(folder)
        for node in data["nodes"].values():
            assert set(node) == attributes(declared["nodes"])
        for network in data["networks"].values():
            assert set(network) | {"dhcp"} == attributes(declared["networks"])


def test_every_input_of_a_module_is_set_by_its_caller(ha: Infra) -> None:
    folder = environment(ha)
    text = "".join(path.read_text() for path in sorted(folder.glob("*.tf")))
    calls = re.findall(r'^module "\w+" \{\n(.*?)^\}', text, re.M | re.S)
    assert len(calls) == 5
    for body in calls:
        given = set(re.findall(r"^  (\w+) +=", body, re.M)) - {"source", "for_each"}
        (source,) = re.findall(r'^  source +=\s"(.+)"$', body, re.M)
        assert given == set(variables(folder / source)), source


# -- pins --------------------------------------------------------------------------------------------------------------


def test_providers_are_pinned_to_one_version_that_the_modules_accept(ha: Infra) -> None:
    text = (environment(ha) / "versions.tf").read_text()
    pins = dict(re.findall(r'source +=\s"([\w/]+)"\n +version +=\s"(\d+\.\d+\.\d+)"', text))
    assert pins == {"dmacvicar/libvirt": "0.9.7", "poseidon/ct": "0.14.0"}
    for module in ("libvirt-network", "libvirt-node"):
        text = (ha.root / f"terraform/modules/{module}/versions.tf").read_text()
        assert f'version = "~> {pins["dmacvicar/libvirt"]}"' in text


def test_modules_come_from_this_repository(ha: Infra) -> None:
    for path in ha.root.glob("terraform/**/*.tf"):
        for source in re.findall(r'module "\w+" \{[^}]*?source +=\s"([^"]+)"', path.read_text()):
            assert source.startswith("../../"), path
            assert (path.parent / source).is_dir()


def test_images_are_pinned_by_version_and_digest(infra: Infra) -> None:
    (pins,) = documents(infra.root / "versions.yaml")
    assert set(pins["images"]) == {"flatcar", "linux"}
    for image in pins["images"].values():
        assert image["url"].startswith("https://")
        assert f"/{image['version']}/" in image["url"]
        assert re.fullmatch(r"[0-9a-f]{128}", image["sha512"])
    assert not re.search(r"/(latest|current)/", (infra.root / "versions.yaml").read_text())


def test_k3s_is_pinned_by_digest_and_an_answered_release_by_its_own_list(render: Render, ha: Infra) -> None:
    (pins,) = documents(ha.root / "versions.yaml")
    assert pins["k3s"]["version"] == ha.plan.k3s.version
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", pins["k3s"]["checksum"])
    (answers,) = documents(ROOT / "examples/ha.yaml")
    root = render(dict(answers) | {"kubernetes": {"version": "v1.35.2+k3s1"}}, "infra")
    (pins,) = documents(root / "versions.yaml")
    release = "https://github.com/k3s-io/k3s/releases/download/v1.35.2%2Bk3s1"
    assert dict(pins["k3s"]) == {
        "version": "v1.35.2+k3s1",
        "url": f"{release}/k3s",
        "checksum": f"sha256:{release}/sha256sum-amd64.txt",
    }


# -- files -------------------------------------------------------------------------------------------------------------


def test_no_address_is_rendered_that_is_not_in_the_plan(infra: Infra) -> None:
    plan = infra.plan
    networks = [IPv4Network(network.cidr) for network in plan.networks]
    known = {node.address for node in plan.nodes} | {vip.address for vip in plan.vips}
    known |= {network.gateway for network in plan.networks} | set(infra.answers["dns_upstream"])
    known |= {bound for network in plan.networks for bound in (network.dhcp_start, network.dhcp_end)}
    rendered = [environment(infra) / "terraform.tfvars.json", *files(infra.root / "host")]
    for path in rendered:
        for address, prefix in ADDRESS.findall(path.read_text()):
            if prefix:
                assert IPv4Network(f"{address}{prefix}") in networks, f"{path}: {address}{prefix}"
            else:
                assert address in known, f"{path}: {address}"
                assert IPv4Address(address)


def test_nothing_of_the_template_is_left(infra: Infra) -> None:
    for path in [*files(infra.root / "terraform"), *files(infra.root / "host"), infra.root / "versions.yaml"]:
        assert path.suffix != ".jinja"
        for text in (str(path.relative_to(infra.root)), path.read_text()):
            assert not any(mark in text for mark in ("#{", "}#", "#%", "%#")), path


def test_what_belongs_to_the_user_is_there_and_sets_nothing(infra: Infra) -> None:
    lines = (environment(infra) / "user.auto.tfvars").read_text().splitlines()
    assert lines
    assert all(line.startswith("#") for line in lines)


def test_the_state_stays_out_of_git_and_the_lock_file_does_not(ha: Infra, tmp_path: Path) -> None:
    git = require_tool("git")
    subprocess.run([git, "init", "--quiet", tmp_path], check=True, timeout=60)
    (tmp_path / ".gitignore").write_text((ha.root / "terraform/.gitignore").read_text())
    ignored = ["terraform.tfstate", "a/terraform.tfstate.backup", "a/.terraform/x", "images/flatcar.qcow2", "a.tfplan"]
    kept = [".terraform.lock.hcl", "user.auto.tfvars", "terraform.tfvars.json"]
    result = subprocess.run(
        [git, "check-ignore", *ignored, *kept], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.stdout.split() == ignored


# -- Terraform itself --------------------------------------------------------------------------------------------------


@pytest.mark.tools
def test_terraform_finds_nothing_to_format(infra: Infra) -> None:
    result = terraform(infra.root / "terraform", "fmt", "-check", "-recursive", "-no-color")
    assert (result.returncode, result.stdout) == (0, ""), result.stderr


@pytest.mark.tools
def test_the_topologys_own_tests_pass(ha: Infra, tmp_path: Path) -> None:
    prepare(ha, tmp_path)
    folder = tmp_path / "terraform/modules/topology"
    assert terraform(folder, "init", "-no-color").returncode == 0
    result = terraform(folder, "test", "-no-color")
    assert result.returncode == 0, result.stdout
    assert re.search(r"\b[1-9]\d+ passed, 0 failed", result.stdout)


@pytest.mark.tools
def test_machines_in_the_lan_need_to_know_the_hypervisors_address(
    render: Render, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    infra = render_machines(render, "ha-in-the-lan", tmp_path_factory.mktemp("answers"))
    folder = prepare(infra, tmp_path)
    refused = terraform(folder, "plan", "-input=false", "-no-color")
    assert refused.returncode == 1
    assert "write the hypervisor's address in the LAN as host_address into user.auto.tfvars" in " ".join(
        refused.stderr.split()
    )
    (folder / "user.auto.tfvars").write_text(f'host_address = "{HOST_ADDRESS}"\n')
    assert terraform(folder, "plan", "-input=false", "-no-color").returncode == 0


@pytest.mark.tools
def test_an_address_moved_by_hand_into_the_dhcp_range_is_refused(ha: Infra, tmp_path: Path) -> None:
    folder = prepare(ha, tmp_path)
    path = folder / "terraform.tfvars.json"
    data = json.loads(path.read_text())
    data["nodes"]["master1"]["address"] = data["networks"]["cluster"]["dhcp"]["start"]
    path.write_text(json.dumps(data))
    result = terraform(folder, "plan", "-input=false", "-no-color")
    assert result.returncode == 1
    assert "lies in the dhcp range" in " ".join(result.stderr.split())
    assert "master1" in result.stderr
