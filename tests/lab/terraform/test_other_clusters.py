"""Clusters of other shapes, on two hypervisors or of chosen machines; and one that OpenTofu makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab.terraform.site import make_site
from tests.template.infra_machines import render_machines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lab.hosts.hypervisor import Hypervisor
    from tests.template.conftest import Render

pytestmark = pytest.mark.tools


def test_a_machine_moves_with_its_generation_and_a_hypervisor_is_left(
    render: Render,
    cleared: Hypervisor,
    switch_on: Callable[[str, int], Hypervisor],
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
) -> None:
    answers = tmp_path_factory.mktemp("answers")
    other = switch_on("third", 64)
    infra = render_machines(render, "single-on-two-hosts", answers).root
    site = make_site(infra, tmp_path / "site", {"kvm1": cleared, "kvm2": other})
    site.apply()
    assert cleared.running() == {"mini-master1"}
    assert other.running() == {"mini-infra1"}
    assert other.defined("network")["mini-br0"].find("bridge[@name='br1']") is not None

    site.take_plan(render_machines(render, "single-with-a-retired-host", answers).root)
    assert site.planned() == {}
    site.apply()
    assert site.output("pending") == {"infra1": ["host"]}
    site.generations({"infra1": 2})
    site.apply()
    assert cleared.running() == {"mini-infra1", "mini-master1"}
    assert other.files() == set()
    assert other.defined("domain") == other.defined("network") == other.defined("pool") == {}
    assert site.planned() == {}


def test_eleven_machines_of_chosen_names_addresses_and_systems(
    render: Render, cleared: Hypervisor, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    """faults E20: a machine without a role, and a name server called otherwise, could not be said."""
    infra = render_machines(render, "eleven-machines", tmp_path_factory.mktemp("answers"))
    site = make_site(infra.root, tmp_path / "site", {"kvm1": cleared})
    site.apply()
    assert cleared.running() == {node.libvirt_name for node in infra.plan.nodes}
    assert len(cleared.running()) == 11
    assert site.planned() == {}


def test_opentofu_makes_and_destroys_the_machines_as_terraform_does(
    render: Render, cleared: Hypervisor, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    infra = render_machines(render, "single-behind-nat", tmp_path_factory.mktemp("answers"))
    site = make_site(infra.root, tmp_path / "site", {"kvm1": cleared}, "tofu")
    site.apply()
    assert cleared.running() == {node.libvirt_name for node in infra.plan.nodes}
    assert site.planned() == {}
    destroyed = site.destroy("mini\n")
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    assert cleared.defined("domain") == cleared.defined("network") == cleared.defined("pool") == {}
