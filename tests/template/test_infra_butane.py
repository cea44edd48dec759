"""What Flatcar machines read at their first boot: Butane that the real one takes, the plan's facts, no secret."""

from __future__ import annotations

import subprocess
from configparser import ConfigParser
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from tests.conftest import require_tool
from tests.template.argocd_tree import documents
from tests.template.infra_machines import CLUSTERS, Sources, prepare, render_machines, render_sources

if TYPE_CHECKING:
    from pathlib import Path

    from generator.answers.plan import Node
    from tests.template.conftest import Render


@pytest.fixture(scope="module", params=CLUSTERS)
def sources(request: pytest.FixtureRequest, render: Render, tmp_path_factory: pytest.TempPathFactory) -> Sources:
    infra = render_machines(render, request.param, tmp_path_factory.mktemp("answers"))
    return render_sources(infra, prepare(infra, tmp_path_factory.mktemp("terraform")))


@pytest.fixture(scope="module")
def tree(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render_machines(render, "ha", tmp_path_factory.mktemp("answers")).root / "terraform/butane"


def flatcar(sources: Sources) -> list[Node]:
    return [node for node in sources.infra.plan.nodes if node.os == "flatcar"]


def configuration(sources: Sources, node: Node) -> dict[str, Any]:
    return dict(YAML(typ="safe", pure=True).load(sources.butane[node.name]["content"]))


def file(sources: Sources, node: Node, path: str) -> str:
    (content,) = (item for item in configuration(sources, node)["storage"]["files"] if item["path"] == path)
    return str(content["contents"]["inline"])


def sections(text: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the sections of a networkd file; keys and sections may repeat, which ConfigParser would not take."""
    found: list[tuple[str, list[tuple[str, str]]]] = []
    for line in filter(None, text.splitlines()):
        if line.startswith("["):
            found.append((line.strip("[]"), []))
        else:
            key, _, value = line.partition("=")
            found[-1][1].append((key, value))
    return found


# -- without a program -------------------------------------------------------------------------------------------------


def test_all_parts_are_of_one_variant_and_version(tree: Path) -> None:
    parts = [tree / "data-disk.yaml", *sorted((tree / "snippets").iterdir())]
    headers = {(document["variant"], document["version"]) for path in parts for document in documents(path)}
    assert headers == {("flatcar", "1.1.0")}
    assert "\nvariant: flatcar\nversion: 1.1.0\n" in (tree / "node.yaml.tftpl").read_text()


def test_each_role_has_a_snippet_of_the_user_that_says_nothing(tree: Path) -> None:
    assert sorted(path.name for path in (tree / "snippets").iterdir()) == ["master.yaml", "worker.yaml"]
    for path in (tree / "snippets").iterdir():
        (document,) = documents(path)
        assert dict(document) == {"variant": "flatcar", "version": "1.1.0"}


# -- rendered by Terraform ---------------------------------------------------------------------------------------------


@pytest.mark.tools
def test_every_masters_and_workers_sources_are_there(sources: Sources) -> None:
    assert set(sources.butane) == {node.name for node in flatcar(sources)}


@pytest.mark.tools
def test_the_real_butane_takes_every_part_strictly(sources: Sources, tmp_path: Path) -> None:
    butane = require_tool("butane")
    parts = {text for machine in sources.butane.values() for text in [machine["content"], *machine["snippets"]]}
    for text in parts:
        result = subprocess.run(
            [butane, "--strict"], input=text, capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False
        )
        assert result.returncode == 0, result.stderr + text
        assert not result.stderr


@pytest.mark.tools
def test_nothing_of_a_template_is_left(sources: Sources) -> None:
    for machine in sources.butane.values():
        for text in [machine["content"], *machine["snippets"]]:
            assert not any(mark in text for mark in ("${", "%{", "#{", "#%"))


@pytest.mark.tools
def test_the_network_is_static_and_found_by_mac(sources: Sources) -> None:
    plan = sources.infra.plan
    networks = {network.key: network for network in plan.networks}
    for node in flatcar(sources):
        network = networks[node.network]
        assert sections(file(sources, node, "/etc/systemd/network/10-static.network")) == [
            ("Match", [("MACAddress", node.mac)]),
            (
                "Network",
                [
                    ("Address", f"{node.address}/{network.prefix}"),
                    ("Gateway", network.gateway),
                    *(("DNS", address) for address in plan.dns),
                ],
            ),
        ]


@pytest.mark.tools
def test_names_and_time_come_from_the_plan(sources: Sources) -> None:
    for node in flatcar(sources):
        assert file(sources, node, "/etc/hostname") == f"{node.name}\n"
        timesyncd = ConfigParser()
        timesyncd.read_string(file(sources, node, "/etc/systemd/timesyncd.conf.d/10-cluster.conf"))
        assert timesyncd["Time"]["NTP"].split() == list(sources.infra.plan.ntp)
        links = {link["path"]: link["target"] for link in configuration(sources, node)["storage"]["links"]}
        assert links["/etc/localtime"] == f"../usr/share/zoneinfo/{sources.infra.answers['timezone']}"


@pytest.mark.tools
def test_the_only_way_in_is_the_key_and_nothing_secret_is_there(sources: Sources) -> None:
    for node in flatcar(sources):
        content = configuration(sources, node)
        assert content["passwd"] == {
            "users": [{"name": "core", "ssh_authorized_keys": [sources.infra.answers["ssh_public_key"]]}]
        }
        paths = [item["path"] for item in content["storage"]["files"]]
        assert not [path for path in paths if "rancher" in path or "k3s" in path]


@pytest.mark.tools
def test_no_machine_reboots_by_itself_after_an_update(sources: Sources) -> None:
    for node in flatcar(sources):
        units = {unit["name"]: unit for unit in configuration(sources, node)["systemd"]["units"]}
        assert units["locksmithd.service"] == {"name": "locksmithd.service", "mask": True}
        # The updates themselves go on.
        assert "update-engine.service" not in units


@pytest.mark.tools
def test_only_machines_with_a_data_disk_mount_one_and_none_is_wiped(sources: Sources) -> None:
    for node in flatcar(sources):
        snippets = [YAML(typ="safe", pure=True).load(text) for text in sources.butane[node.name]["snippets"]]
        filesystems = [disk for snippet in snippets for disk in snippet.get("storage", {}).get("filesystems", [])]
        assert [disk["device"] for disk in filesystems] == ["/dev/disk/by-id/virtio-data"] * (node.data_disk_gib > 0)
        assert all(disk["wipe_filesystem"] is False and disk["with_mount_unit"] is True for disk in filesystems)


@pytest.mark.tools
def test_what_the_user_wrote_for_a_role_is_merged_last(
    render: Render, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    infra = render_machines(render, "ha", tmp_path_factory.mktemp("answers"))
    folder = prepare(infra, tmp_path)
    own = "variant: flatcar\nversion: 1.1.0\n# mine\n"
    (tmp_path / "terraform/butane/snippets/worker.yaml").write_text(own)
    sources = render_sources(infra, folder)
    for node in flatcar(sources):
        assert (sources.butane[node.name]["snippets"][-1] == own) is (node.role == "worker")
