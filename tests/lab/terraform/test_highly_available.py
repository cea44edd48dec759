"""The machines of examples/ha.yaml: made, changed, made anew and destroyed."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab.terraform.changes import DOMAIN, NETWORK_FIELDS, NODE_FIELDS, PLACE, add_network, touched
from tests.lab.terraform.site import LARGER, REAL, Site, copy_site, make_site
from tests.template.infra_machines import render_machines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lab.hosts.hypervisor import Hypervisor
    from tests.template.conftest import Render

pytestmark = pytest.mark.tools
TIMES = int(os.environ.get("FMC_APPLIES", "1"))
"""How often the cluster is made from nothing and destroyed."""


@pytest.fixture(scope="module")
def infra(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render_machines(render, "ha", tmp_path_factory.mktemp("answers")).root


@pytest.fixture(scope="module")
def made(
    infra: Path, first: Hypervisor, tmp_path_factory: pytest.TempPathFactory, evidence: Callable[[str], None]
) -> Iterator[Site]:
    first.clear()
    site = make_site(infra, tmp_path_factory.mktemp("site"), {"kvm1": first})
    evidence(f"provider libvirt: {REAL or 'the stand-in'}")
    for time_left in reversed(range(TIMES)):
        begin = time.monotonic()
        site.apply()
        applied = time.monotonic()
        assert site.planned() == {}
        evidence(
            f"{len(first.running())} machines made in {applied - begin:.0f} s, "
            f"an empty plan in {time.monotonic() - applied:.0f} s"
        )
        if time_left:
            assert site.destroy("home\n").returncode == 0
            assert (first.files(), first.defined("domain")) == (set(), {})
    yield site
    first.clear()


@pytest.fixture
def site(made: Site, tmp_path: Path) -> Site:
    """The cluster, for tests that leave its machines alone."""
    return copy_site(made, tmp_path / "site")


def plan_of(site: Site) -> dict[str, Any]:
    """Return the plan."""
    plan: dict[str, Any] = json.loads((site.root / "plan.json").read_text())
    return plan


def test_all_machines_of_the_plan_run_in_its_networks(made: Site) -> None:
    plan = plan_of(made)
    assert made.host.running() == {node["libvirt_name"] for node in plan["nodes"]}
    networks = made.host.defined("network")
    assert set(networks) == {network["libvirt_name"] for network in plan["networks"]}
    for network in plan["networks"]:
        found = networks[network["libvirt_name"]]
        assert found.find(f"bridge[@name='{network['bridge']}'][@stp='on'][@delay='0']") is not None
        assert found.find(f"ip[@address='{network['gateway']}'][@prefix='{network['prefix']}']") is not None
        assert found.find(f"ip/dhcp/range[@start='{network['dhcp_start']}'][@end='{network['dhcp_end']}']") is not None


# -- what exists waits for its generation (faults A7) ------------------------------------------------------------------


def test_every_field_of_the_plan_is_tried(made: Site) -> None:
    plan = plan_of(made)
    assert {key for node in plan["nodes"] for key in node} - {"name"} == set(NODE_FIELDS)
    assert {key for network in plan["networks"] for key in network} - {"key"} == set(NETWORK_FIELDS)


@pytest.mark.parametrize("field", NODE_FIELDS)
def test_a_field_of_all_machines_touches_none_of_them(site: Site, field: str) -> None:
    fields = PLACE if field in PLACE else (field,)

    def change(plan: dict[str, Any]) -> None:
        plan["hosts"].append(plan["hosts"][0] | {"name": "kvm2"})
        add_network(plan)
        for number, node in enumerate(plan["nodes"]):
            # No two machines have the same one.
            own: dict[str, Any] = {"address": f"10.9.0.{99 + number}", "mac": f"52:54:00:00:02:{number:02}"}
            own |= dict.fromkeys(("libvirt_name", "fqdn"), f"other{number}")
            own["groups"] = [*node["groups"], *NODE_FIELDS["groups"]]
            # Another size is refused, and a data disk is the only thing that is made.
            own["data_disk_gib"] = node["data_disk_gib"] or NODE_FIELDS["data_disk_gib"]
            node |= {key: own.get(key, NODE_FIELDS[key]) for key in fields}

    site.image("other")
    site.change_plan(change)
    assert touched(site.planned("-refresh=false")) == set()


@pytest.mark.parametrize("field", NETWORK_FIELDS)
def test_a_field_of_all_networks_touches_neither_networks_nor_machines(site: Site, field: str) -> None:
    size = {"cidr", "prefix", "broadcast", "dhcp_start", "dhcp_end"}

    def change(plan: dict[str, Any]) -> None:
        for number, network in enumerate(plan["networks"]):
            head = network["gateway"].rpartition(".")[0]
            own = {"libvirt_name": f"other{number}", "bridge": f"other{number}", "gateway": f"{head}.3"}
            own |= {"cidr": f"{head}.0/25", "broadcast": f"{head}.127"}
            own |= {"dhcp_start": f"{head}.100", "dhcp_end": f"{head}.120"}
            fields = size if field in size else {field}
            network |= {key: own.get(key, NETWORK_FIELDS[key]) for key in fields} | (
                {"prefix": 25} if field in size else {}
            )

    site.change_plan(change)
    assert touched(site.planned("-refresh=false")) == set()


def test_a_network_that_leaves_the_plan_is_not_taken_from_the_machines_in_it(site: Site) -> None:
    def rename(plan: dict[str, Any]) -> None:
        for network in plan["networks"]:
            network["key"] = {"infra": "lan"}.get(network["key"], network["key"])
        for node in plan["nodes"]:
            node["network"] = {"infra": "lan"}.get(node["network"], node["network"])

    site.change_plan(rename)
    said = site.refusal()
    assert "Machines are in a network that the plan no longer has: infra1 (infra), infra2 (infra)." in said


def test_a_further_worker_touches_nothing_else(
    made: Site, render: Render, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = made.host.running()
    made.take_plan(render_machines(render, "ha-with-a-worker-more", tmp_path_factory.mktemp("answers")).root)
    planned = made.planned()
    assert touched(planned) == set()
    assert planned[DOMAIN.format("worker4")] == "create"
    made.apply()
    assert made.host.running() == before | {"home-worker4"}
    assert made.planned() == {}


def test_an_image_that_is_not_what_is_pinned_leaves_everything_standing(site: Site) -> None:
    """faults D1."""
    before = site.host.running(), site.host.files()
    site.pin("flatcar", "ab" * 64)
    site.generations({"worker1": 2})
    assert site.run("apply", "-auto-approve", "-input=false").returncode == 1
    assert (site.host.running(), site.host.files()) == before


# -- a quorum ----------------------------------------------------------------------------------------------------------


def test_servers_of_a_quorum_are_rebuilt_one_at_a_time(made: Site) -> None:
    """faults D4: three raised generations took all of etcd away in one apply."""
    made.generations({"master1": 2, "master2": 2, "worker1": 2, "worker2": 2})
    assert "K3s servers would be rebuilt together: master1, master2." in made.refusal()
    # One that failed halfway counts until it is there again.
    made.image("flatcar", LARGER)
    made.generations({"master1": 2})
    others = made.host.running() - {"home-master1"}
    with made.host.full():
        assert made.run("apply", "-auto-approve", "-input=false").returncode == 1
    assert made.host.running() == others
    made.generations({"master1": 2, "master2": 2})
    assert "K3s servers would be rebuilt together: master1, master2." in made.refusal()
    made.generations({"master1": 2})
    made.apply()
    assert made.host.running() == others | {"home-master1"}
    made.generations({"master1": 2, "master2": 2})
    planned = made.planned()
    assert {address for address in planned if ".libvirt_domain." in address} == {DOMAIN.format("master2")}


def test_the_way_down_leaves_nothing(made: Site, evidence: Callable[[str], None]) -> None:
    """The last one here: it takes the cluster away."""
    begin = time.monotonic()
    done = made.destroy("home\n")
    assert done.returncode == 0, done.stderr
    evidence(f"all of it destroyed in {time.monotonic() - begin:.0f} s")
    assert made.host.files() == set()
    assert made.host.defined("domain") == made.host.defined("network") == made.host.defined("pool") == {}
