"""restarts.yml: where the answers choose kured, nothing else restarts a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab.operator import Operator

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.hosts.host import Host
    from tests.lab.hosts.lab import Lab

# As Flatcar's image has it, in a folder that can be written to here.
UNIT = "[Unit]\nDescription=Restarts after an update\n[Service]\nExecStart=/bin/sleep infinity\n"


@pytest.fixture(scope="module")
def person(folder: Path, operator: Operator, lab: Lab) -> Operator:
    """An operator with the same key, whose cluster has kured."""
    person = Operator(folder / "with-kured")
    person.key = operator.key
    person.make_repositories(components=["kured"])
    person.meet(lab)
    return person


def test_flatcars_own_restarts_are_off_for_good(person: Operator, servers: list[Host], agents: list[Host]) -> None:
    nodes = [*servers, *agents]
    for host in nodes:
        host.do("sh", "-c", "cat >/run/systemd/system/locksmithd.service", stdin=UNIT)
        host.do("systemctl", "daemon-reload")
    agents[0].do("systemctl", "start", "locksmithd")
    look = person.converge("restarts", "--check")
    assert look.recap[agents[0].name].changed
    assert agents[0].do("systemctl", "is-active", "locksmithd").strip() == "active"
    play = person.converge("restarts")
    assert {name for name, row in play.recap.items() if row.changed} == {host.name for host in nodes}
    for host in nodes:
        state = host.inside("systemctl", "show", "--property=LoadState,ActiveState", "locksmithd").stdout
        assert set(state.split()) == {"LoadState=masked", "ActiveState=inactive"}, host.name
    for options in ((), ("--check",)):
        assert person.converge("restarts", *options).changed == 0
