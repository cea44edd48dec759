"""What the hypervisor gets: rules for the networks that libvirt leaves alone, and a page that says how to use them."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.conftest import require_tool
from tests.template.infra_machines import CLUSTERS, render_machines
from tests.template.infra_tree import files

if TYPE_CHECKING:
    from pathlib import Path

    from tests.template.conftest import Render
    from tests.template.infra_tree import Infra


@pytest.fixture(scope="module", params=CLUSTERS)
def infra(request: pytest.FixtureRequest, render: Render, tmp_path_factory: pytest.TempPathFactory) -> Infra:
    return render_machines(render, request.param, tmp_path_factory.mktemp("answers"))


@pytest.fixture(scope="module")
def ha(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Infra:
    return render_machines(render, "ha", tmp_path_factory.mktemp("answers"))


def test_only_networks_that_libvirt_leaves_alone_have_rules(infra: Infra) -> None:
    bridges = [network.bridge for network in infra.plan.networks if network.mode == "open"]
    rules = [path for path in files(infra.root / "host") if path.suffix == ".nft"]
    units = [path for path in files(infra.root / "host") if path.suffix == ".service"]
    assert bool(rules) == bool(units) == bool(bridges)
    if rules:
        (path,) = rules
        assert path.stem == infra.answers["name"]
        assert set(re.findall(r'"([^"]+)"', path.read_text())) == set(bridges)
        # Other rules of the host, libvirt's among them, stay.
        assert "flush ruleset" not in path.read_text()


def test_the_hypervisors_page_names_what_is_there(infra: Infra) -> None:
    text = (infra.root / "host/README.md").read_text()
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text) + re.findall(r"install (?:-D )?-m 0644 (\S+)", text):
        assert (infra.root / "host" / target).exists(), target
    for network in infra.plan.networks:
        assert network.cidr in text


@pytest.mark.tools
def test_nft_takes_the_rules_twice(infra: Infra) -> None:
    nft, unshare = require_tool("nft"), require_tool("unshare")
    for path in (infra.root / "host").glob("*.nft"):
        # In a network of its own, so that the rules of this machine stay what they are.
        load = [
            str(unshare),
            "--map-root-user",
            "--net",
            "sh",
            "-c",
            '"$0" -f "$1" && "$0" -f "$1" && "$0" list ruleset',
        ]
        result = subprocess.run([*load, str(nft), str(path)], capture_output=True, text=True, timeout=60, check=False)
        assert result.returncode == 0, result.stderr
        assert result.stdout.count("table inet ") == 1
        assert result.stdout.count("masquerade") == 1


@pytest.mark.tools
def test_systemd_takes_the_unit(ha: Infra, tmp_path: Path) -> None:
    analyze = require_tool("systemd-analyze")
    (unit,) = (ha.root / "host").glob("*.service")
    instance = tmp_path / unit.name.replace("@", "@home")
    instance.write_text(unit.read_text().replace("/usr/sbin/nft", "/bin/true"))
    result = subprocess.run([analyze, "verify", instance], capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
