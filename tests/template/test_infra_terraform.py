"""The Terraform part: data that says what the plan says, pins, checks that refuse."""

from __future__ import annotations

import json
import re
import subprocess
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

import pytest

from generator.answers.plan import Plan
from tests.conftest import require_tool
from tests.template.argocd_tree import documents
from tests.template.conftest import ROOT
from tests.template.infra_machines import CLUSTERS, HOST_ADDRESS, prepare, render_machines, terraform
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


def variables(folder: Path) -> dict[str, str]:
    """Return the bodies of the variables that a module declares."""
    return dict(VARIABLE.findall((folder / "variables.tf").read_text()))


def attributes(body: str) -> set[str]:
    """Return the attributes of the object type in a variable's body."""
    found = re.search(r"object\(\{\n(.*?)\n {2,4}\}\)\)", body, re.S)
    assert found
    return set(re.findall(r"^ {4}(\w+) +=", found[1], re.M))


# -- the data ----------------------------------------------------------------------------------------------------------


def test_plan_json_is_the_plan_that_fmc_has_looked_at(infra: Infra) -> None:
    plan, answers, data = infra.plan, infra.answers, infra.rendered_plan
    assert data["cluster"] == {key: answers[key] for key in ("name", "domain", "timezone", "ssh_public_key")}
    assert Plan.from_dict(data) == plan
    assert data["dns"]["upstream"] == answers["dns_upstream"]
    host = data["hosts"][0]
    assert host["uri"] == answers["hosts"].get("kvm1", {}).get("uri", "qemu:///system")


def test_a_machine_learns_from_the_plan_what_its_network_says(infra: Infra) -> None:
    data = infra.rendered_plan
    networks = {network["key"]: network for network in data["networks"]}
    behind = [{"to": item["cidr"], "via": HOST_ADDRESS} for item in data["networks"] if item["mode"] == "open"]
    for node in data["nodes"]:
        network = networks[node["network"]]
        assert (node["prefix"], node["gateway"]) == (network["prefix"], network["gateway"])
        assert node["routes"] == (behind if network["mode"] == "bridge" else [])
        # A server of names or time does not ask itself.
        asks_outside = "dns_servers" in node["groups"]
        assert node["dns_servers"] == data["dns"]["upstream" if asks_outside else "servers"]
        assert node["ntp_servers"] == ([] if "ntp_servers" in node["groups"] else data["ntp"]["servers"])


def test_the_zone_lists_each_name_once_and_no_wildcard(infra: Infra) -> None:
    """faults C1: with a wildcard, a search domain sends look-ups of the outside world to the ingress."""
    plan, data = infra.plan, infra.rendered_plan
    records = {record["name"]: record["address"] for record in data["dns"]["records"]}
    assert len(records) == len(data["dns"]["records"])
    assert records == {
        **{node.fqdn: node.address for node in plan.nodes},
        plan.api.host: plan.api.address,
        **{service.host: plan.ingress for service in plan.services},
    }
    assert {record["name"]: record["target"] for record in data["dns"]["reverse"]} == {
        **{IPv4Address(node.address).reverse_pointer: node.fqdn for node in plan.nodes},
        **{IPv4Address(vip.address).reverse_pointer: plan.api.host for vip in plan.vips if vip.name == "api"},
    }


def test_each_reverse_name_lies_in_one_reverse_zone(infra: Infra) -> None:
    dns = infra.rendered_plan["dns"]
    assert len(set(dns["reverse_zones"])) == len(dns["reverse_zones"])
    for record in dns["reverse"]:
        assert len([zone for zone in dns["reverse_zones"] if record["name"].endswith(f".{zone}")]) == 1
    if "172.20.0.0/22" in {network["cidr"] for network in infra.rendered_plan["networks"]}:
        assert {f"{octet}.20.172.in-addr.arpa" for octet in range(4)} < set(dns["reverse_zones"])


def test_endpoints_name_the_machines_behind_them(infra: Infra) -> None:
    plan, data = infra.plan, infra.rendered_plan
    api = next(endpoint for endpoint in data["endpoints"] if endpoint["name"] == "api")
    servers = [{"name": node.name, "address": node.address} for node in plan.nodes if "k3s_servers" in node.groups]
    agents = [{"name": node.name, "address": node.address} for node in plan.nodes if "k3s_agents" in node.groups]
    assert (api["address"], api["backends"]) == (plan.api.address, servers if plan.vips else [])
    # In this order: /readyz alone does not see that etcd has lost its quorum.
    assert [(check["protocol"], check["path"]) for check in api["checks"]] == [
        ("http", "/health"),
        ("https", "/readyz"),
    ]
    web = {item["name"]: item for item in data["endpoints"] if item["name"] in ("http", "https")}
    for name, endpoint in web.items():
        assert endpoint["address"] == plan.ingress
        assert endpoint["backends"] == ((agents or servers) if plan.vips else [])
        assert endpoint["backend_port"] == data["ingress"]["ports"][name]
    served = [endpoint for endpoint in data["endpoints"] if endpoint["name"] == "dns"]
    assert {endpoint["address"] for endpoint in served} == set(plan.dns)
    assert {endpoint["protocol"] for endpoint in served} == {"udp", "tcp"}
    assert [target["address"] for target in data["targets"] if target["job"] == "etcd"] == [
        server["address"] for server in servers
    ]


def test_node_exporter_is_asked_on_every_machine_that_is_no_kubernetes_node(infra: Infra) -> None:
    kubernetes = {"k3s_servers", "k3s_agents"}
    asked = [target["name"] for target in infra.rendered_plan["targets"] if target["job"] == "node"]
    assert asked == [node.name for node in infra.plan.nodes if not kubernetes & set(node.groups)]


def test_the_examples_have_the_machines_that_they_promise(
    render: Render, tmp_path_factory: pytest.TempPathFactory
) -> None:
    scratch = tmp_path_factory.mktemp("answers")
    ha, single = (render_machines(render, name, scratch).rendered_plan for name in ("ha", "single"))
    assert {node["name"]: node["address"] for node in ha["nodes"]} == {
        **{f"lb{i}": f"10.17.5.{10 + i}" for i in (1, 2)},
        **{f"infra{i}": f"10.17.3.{10 + i}" for i in (1, 2)},
        **{f"master{i}": f"10.17.4.{20 + i}" for i in (1, 2, 3)},
        **{f"worker{i}": f"10.17.4.{30 + i}" for i in (1, 2, 3)},
        "storage1": "10.17.4.41",
    }
    assert {network["libvirt_name"]: network["mode"] for network in ha["networks"]} == {
        f"home-nat_network_0{i}": "open" for i in (1, 2, 3)
    }
    assert {node["name"]: node["address"] for node in single["nodes"]} == {
        "infra1": "192.168.0.11",
        "master1": "192.168.0.21",
    }
    assert [network["mode"] for network in single["networks"]] == ["bridge"]
    assert single["vips"] == []


def test_what_belongs_to_the_site_has_a_default(infra: Infra) -> None:
    declared = variables(infra.root / "terraform")
    assert all(re.search(r"^  default +=", body, re.M) for body in declared.values())


def test_modules_ask_for_nothing_that_the_plan_does_not_have(infra: Infra) -> None:
    data = infra.rendered_plan
    for module in ("topology", "libvirt-network"):
        declared = variables(infra.root / f"terraform/modules/{module}")
        body = declared.get("networks") or declared["network"]
        asked = attributes(body) if "networks" in declared else set(re.findall(r"^ {4}(\w+) +=", body, re.M))
        assert all(asked <= set(network) for network in data["networks"])
    asked = attributes(variables(infra.root / "terraform/modules/topology")["nodes"])
    assert all(asked <= set(node) for node in data["nodes"])


def test_every_input_of_a_module_is_set_by_its_caller(ha: Infra) -> None:
    root = ha.root / "terraform"
    called = set()
    for folder in (root, root / "modules/hypervisor"):
        text = "".join(path.read_text() for path in sorted(folder.glob("*.tf")))
        for body in re.findall(r'^module "[\w-]+" \{\n(.*?)^\}', text, re.M | re.S):
            given = set(re.findall(r"^  (\w+) +=", body, re.M)) - {"source", "for_each", "providers"}
            (source,) = re.findall(r'^  source +=\s"(.+)"$', body, re.M)
            assert given == set(variables(folder / source)), source
            called.add((folder / source).resolve())
    assert called == {path.parent for path in root.rglob("variables.tf")} - {root}


# -- pins --------------------------------------------------------------------------------------------------------------


def test_providers_are_pinned_to_one_version_that_the_modules_accept(ha: Infra) -> None:
    text = (ha.root / "terraform/versions.tf").read_text()
    pins = dict(re.findall(r'source +=\s"([\w/]+)"\n +version +=\s"(\d+\.\d+\.\d+)"', text))
    assert pins == {"dmacvicar/libvirt": "0.9.7", "poseidon/ct": "0.14.0"}
    for module in ("hypervisor", "libvirt-network", "libvirt-node", "libvirt-data-disk"):
        text = (ha.root / f"terraform/modules/{module}/versions.tf").read_text()
        assert f'version = "~> {pins["dmacvicar/libvirt"]}"' in text


def test_modules_come_from_this_repository(ha: Infra) -> None:
    for path in ha.root.glob("terraform/**/*.tf"):
        for source in re.findall(r'module "[\w-]+" \{[^}]*?source +=\s"([^"]+)"', path.read_text()):
            assert source.startswith(("./", "../")), path
            assert (path.parent / source).is_dir()


def test_images_are_pinned_by_version_and_digest(infra: Infra) -> None:
    (pins,) = documents(infra.root / "versions.yaml")
    assert set(pins["images"]) == {"flatcar", "debian"}
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


# -- OpenTofu ----------------------------------------------------------------------------------------------------------

# What Terraform 1.9 and OpenTofu 1.9 have in common, as far as it is used; whatever is added here has to be in both.
COMMON_BLOCKS = {"check", "data", "locals", "module", "output", "provider", "resource", "terraform", "variable"}
COMMON_FUNCTIONS = {
    "abspath",
    "alltrue",
    "anytrue",
    "can",
    "cidrhost",
    "cidrsubnet",
    "coalesce",
    "concat",
    "contains",
    "distinct",
    "endswith",
    "file",
    "filesha512",
    "fileset",
    "flatten",
    "floor",
    "join",
    "jsondecode",
    "jsonencode",
    "keys",
    "length",
    "lookup",
    "lower",
    "merge",
    "plantimestamp",
    "pow",
    "regex",
    "setintersection",
    "setsubtract",
    "sha256",
    "split",
    "substr",
    "sum",
    "templatefile",
    "tonumber",
    "toset",
    "tostring",
    "trimsuffix",
    "try",
    "values",
    "yamldecode",
}
TYPES = {"list", "map", "object"}


def test_nothing_is_used_that_terraform_alone_has(ha: Infra) -> None:
    texts = [re.sub(r"(?m)^ *#.*$", "", path.read_text()) for path in ha.root.glob("terraform/**/*.tf")]
    assert {block for text in texts for block in re.findall(r"(?m)^([a-z]+)\b", text)} == COMMON_BLOCKS
    called = {name for text in texts for name in re.findall(r"\b([a-z0-9_]+)\(", text)}
    assert called == COMMON_FUNCTIONS | TYPES
    assert not any("provider::" in text for text in texts)


# -- files -------------------------------------------------------------------------------------------------------------


def test_no_address_is_rendered_that_is_not_in_the_plan(infra: Infra) -> None:
    plan = infra.plan
    networks = [IPv4Network(network.cidr) for network in plan.networks]
    known = {node.address for node in plan.nodes} | {vip.address for vip in plan.vips}
    known |= {network.gateway for network in plan.networks} | set(infra.answers["dns_upstream"])
    known |= {bound for network in plan.networks for bound in (network.dhcp_start, network.dhcp_end)}
    known |= {network.broadcast for network in plan.networks} | {
        host["address"] for host in infra.rendered_plan["hosts"]
    }
    vpn = infra.rendered_plan["vpn"]
    if vpn:
        networks.append(IPv4Network(vpn["network"]))
        known |= {vpn["address"], vpn["endpoint"], *(peer["address"] for peer in vpn["peers"])}
    # The last one stands for everybody, in rules of the firewall.
    networks += [IPv4Network(plan.k3s.pod_cidr), IPv4Network(plan.k3s.service_cidr), IPv4Network("0.0.0.0/0")]
    rendered = [infra.root / "plan.json", *files(infra.root / "host")]
    for path in rendered:
        for address, prefix in ADDRESS.findall(re.sub(r"[\d.]+\.in-addr\.arpa", "", path.read_text())):
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
    snippets = sorted(infra.root.glob("terraform/cloud-init/snippets/*.yaml"))
    roles = {node.role for node in infra.plan.nodes if node.os == "linux"}
    assert roles <= {path.stem for path in snippets}
    for path in (*(infra.root / f"terraform/user.{kind}" for kind in ("auto.tfvars", "tf")), *snippets):
        lines = path.read_text().splitlines()
        assert lines
        assert all(line.startswith("#") for line in lines)
        assert "o update of the template touches this file" in " ".join(lines).replace(" # ", " ")
    (own,) = documents(infra.root / "versions.user.yaml")
    assert dict(own) == {"images": {}}


def test_the_state_stays_out_of_git_and_the_lock_file_does_not(ha: Infra, tmp_path: Path) -> None:
    git = require_tool("git")
    subprocess.run([git, "init", "--quiet", tmp_path], check=True, timeout=60)
    (tmp_path / ".gitignore").write_text((ha.root / "terraform/.gitignore").read_text())
    ignored = ["terraform.tfstate", "a/terraform.tfstate.backup", "a/.terraform/x", "images/flatcar.qcow2", "a.tfplan"]
    kept = [".terraform.lock.hcl", "user.auto.tfvars", "user.tf"]
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


def refusal(folder: Path) -> str:
    """Return what Terraform says against the plan in a folder that `prepare` made."""
    result = terraform(folder, "plan", "-input=false", "-no-color")
    assert result.returncode == 1, result.stdout
    return " ".join(result.stderr.replace("\N{BOX DRAWINGS LIGHT VERTICAL}", " ").split())


@pytest.mark.tools
def test_machines_in_the_lan_need_to_know_the_hypervisors_address(
    render: Render, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    infra = render_machines(render, "ha-in-the-lan", tmp_path_factory.mktemp("answers"))
    folder = prepare(infra, tmp_path)
    assert terraform(folder, "plan", "-input=false", "-no-color").returncode == 0
    path = tmp_path / "plan.json"
    path.write_text(path.read_text().replace(f'"via": "{HOST_ADDRESS}"', '"via": ""'))
    assert "write its address in the LAN into the answers, as hosts.kvm1.address" in refusal(folder)


@pytest.mark.tools
def test_an_address_moved_by_hand_into_the_dhcp_range_is_refused(ha: Infra, tmp_path: Path) -> None:
    folder = prepare(ha, tmp_path)
    path = tmp_path / "plan.json"
    data = json.loads(path.read_text())
    cluster = next(network for network in data["networks"] if network["key"] == "cluster")
    next(node for node in data["nodes"] if node["name"] == "master1")["address"] = cluster["dhcp_start"]
    path.write_text(json.dumps(data))
    said = refusal(folder)
    assert "lies in the dhcp range" in said
    assert "master1" in said


@pytest.mark.tools
def test_pins_that_a_person_raised_win_and_stay_theirs(ha: Infra, tmp_path: Path) -> None:
    """faults D3: a newer image had to be written into a file that the next rendering owns."""
    folder = prepare(ha, tmp_path)
    pins = {"version": "1", "url": "file:///srv/image", "sha512": "0" * 128}
    (tmp_path / "versions.user.yaml").write_text(json.dumps({"images": {"debian": pins}}))
    assert terraform(folder, "apply", "-auto-approve", "-no-color").returncode == 0
    images = json.loads(terraform(folder, "output", "-json", "images").stdout)
    assert images["debian"] == pins
    assert images["flatcar"]["url"].startswith("https://")
