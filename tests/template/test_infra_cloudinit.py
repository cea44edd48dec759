"""What Linux machines read at their first boot: cloud-init that the real cloud-init takes, with what the plan says."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from tests.conftest import require_tool
from tests.template.infra_machines import (
    CLUSTERS,
    HOST_ADDRESS,
    Sources,
    prepare,
    render_machines,
    render_sources,
    terraform,
)

if TYPE_CHECKING:
    from pathlib import Path

    from generator.answers.plan import Node
    from tests.template.conftest import Render

pytestmark = pytest.mark.tools


@pytest.fixture(scope="module", params=CLUSTERS)
def sources(request: pytest.FixtureRequest, render: Render, tmp_path_factory: pytest.TempPathFactory) -> Sources:
    infra = render_machines(render, request.param, tmp_path_factory.mktemp("answers"))
    return render_sources(infra, prepare(infra, tmp_path_factory.mktemp("terraform")))


def linux(sources: Sources) -> list[Node]:
    return [node for node in sources.infra.plan.nodes if node.os == "linux"]


def user_data(sources: Sources, node: Node) -> dict[str, Any]:
    return dict(YAML(typ="safe", pure=True).load(sources.cloud_init[node.name]["user_data"]))


def network(sources: Sources, node: Node) -> dict[str, Any]:
    document = YAML(typ="safe", pure=True).load(sources.cloud_init[node.name]["network_config"])
    assert document["version"] == 2
    return dict(document["ethernets"]["eth0"])


def test_every_other_machines_sources_are_there(sources: Sources) -> None:
    assert set(sources.cloud_init) == {node.name for node in linux(sources)}


def test_the_real_cloud_init_takes_the_user_data(sources: Sources, tmp_path: Path) -> None:
    cloud_init = require_tool("cloud-init")
    for name, machine in sources.cloud_init.items():
        path = tmp_path / f"{name}.yaml"
        path.write_text(machine["user_data"])
        result = subprocess.run(
            [cloud_init, "schema", "--config-file", path], capture_output=True, text=True, timeout=60, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr
        assert "Valid" in result.stdout


def test_nothing_of_a_template_is_left(sources: Sources) -> None:
    for machine in sources.cloud_init.values():
        for text in machine.values():
            assert not any(mark in text for mark in ("${", "%{", "#{", "#%"))


def test_it_is_a_cloud_config_with_the_plans_names(sources: Sources) -> None:
    for node in linux(sources):
        assert sources.cloud_init[node.name]["user_data"].startswith("#cloud-config\n")
        document = user_data(sources, node)
        assert (document["hostname"], document["fqdn"]) == (node.name, node.fqdn)
        assert document["timezone"] == sources.infra.answers["timezone"]


def test_the_only_way_in_is_the_key(sources: Sources) -> None:
    for node in linux(sources):
        document = user_data(sources, node)
        (user,) = document["users"]
        assert user["name"] == "core"
        assert user["ssh_authorized_keys"] == [sources.infra.answers["ssh_public_key"]]
        assert user["lock_passwd"] is True
        assert document["ssh_pwauth"] is False
        assert document["disable_root"] is True
        assert not {"password", "chpasswd", "passwd", "hashed_passwd"} & (set(document) | set(user))


def test_nothing_is_downloaded_or_formatted_at_the_first_boot(sources: Sources) -> None:
    forbidden = {"packages", "package_update", "package_upgrade", "runcmd", "bootcmd", "fs_setup", "disk_setup", "apt"}
    for node in linux(sources):
        assert not forbidden & set(user_data(sources, node))


def test_the_network_is_static_and_found_by_mac(sources: Sources) -> None:
    networks = {item.key: item for item in sources.infra.plan.networks}
    for node in linux(sources):
        interface = network(sources, node)
        assert interface["match"] == {"macaddress": node.mac}
        assert interface["addresses"] == [f"{node.address}/{networks[node.network].prefix}"]
        assert interface["dhcp4"] is False
        assert interface["routes"][0] == {"to": "default", "via": networks[node.network].gateway}
        # faults C1: with ndots:5, a search domain is tried before any name of the outside world.
        assert "search" not in interface["nameservers"]


def test_the_infra_machine_does_not_ask_itself(sources: Sources) -> None:
    plan = sources.infra.plan
    for node in linux(sources):
        own = "dns_servers" in node.groups
        expected = sources.infra.answers["dns_upstream"] if own else list(plan.dns)
        assert network(sources, node)["nameservers"]["addresses"] == expected
        assert user_data(sources, node).get("ntp", {}).get("servers") == (None if own else list(plan.ntp))


def test_a_machine_in_the_lan_knows_the_way_behind_the_hypervisor(sources: Sources) -> None:
    networks = {item.key: item for item in sources.infra.plan.networks}
    behind = [{"to": item.cidr, "via": HOST_ADDRESS} for item in networks.values() if item.mode == "open"]
    for node in linux(sources):
        in_the_lan = networks[node.network].mode == "bridge"
        routes = network(sources, node)["routes"][1:]
        assert sorted(routes, key=str) == sorted(behind if in_the_lan else [], key=str)


def test_what_the_user_wrote_for_a_role_is_read_last(
    render: Render, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    infra = render_machines(render, "ha", tmp_path_factory.mktemp("answers"))
    folder = prepare(infra, tmp_path)
    own = "locale: de_DE.UTF-8\n"
    (tmp_path / "terraform/cloud-init/snippets/storage.yaml").write_text(own)
    sources = render_sources(infra, folder)
    for node in linux(sources):
        text = sources.cloud_init[node.name]["user_data"]
        if node.role != "storage":
            assert text.startswith("#cloud-config\n")
            continue
        # cloud-init merges the parts of an archive in their order: a key of a later one wins.
        kind, _, archive = text.partition("\n")
        parts = json.loads(archive)
        assert kind == "#cloud-config-archive"
        assert {part["type"] for part in parts} == {"text/cloud-config"}
        assert [part["content"].startswith("#cloud-config\n") for part in parts] == [True, False]
        assert parts[1]["content"] == own


def test_a_rebuilt_machine_is_another_instance(
    render: Render, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    infra = render_machines(render, "single", tmp_path_factory.mktemp("answers"))
    folder = prepare(infra, tmp_path)
    seen = []
    for generation in (1, 2):
        result = terraform(
            folder, "apply", "-auto-approve", "-no-color", settings={"generations": {"infra1": generation}}
        )
        assert result.returncode == 0, result.stderr
        output = json.loads(terraform(folder, "output", "-json").stdout)
        seen.append(json.loads(output["cloud_init"]["value"]["infra1"]["meta_data"]))
    assert [item["instance-id"] for item in seen] == ["infra1-1", "infra1-2"]
    assert {item["local-hostname"] for item in seen} == {"infra1"}
