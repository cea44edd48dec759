"""connection.yml: which machines SSH does not lead to, which are others, and why; nothing is changed."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.lab.hosts.host import Host
    from tests.lab.hosts.lab import Lab
    from tests.lab.operator import Operator

# Not over a connection that is open already.
_ANEW = ("-e", json.dumps({"ansible_ssh_args": "-o ControlPath=none -o StrictHostKeyChecking=yes"}))


def test_every_host_is_reached_without_python(lab: Lab, operator: Operator) -> None:
    flatcar = lab.group("flatcar")[0]
    flatcar.do("mount", "--bind", "/dev/null", "/usr/bin/python3")
    try:
        play = operator.converge("connection")
        assert set(play.recap) == set(lab.hosts)
        assert not play.changed
        refused = operator.play("preflight", "--limit", flatcar.name)
    finally:
        flatcar.do("umount", "/usr/bin/python3")
    assert refused.code
    assert "/usr/bin/python3 is missing. On Flatcar the extension `python` brings it" in _joined(refused.out)


@pytest.fixture
def absent(lab: Lab) -> Iterator[Host]:
    """A worker that is switched off for a while."""
    host = lab.group("workers")[-1]
    host.halt()
    yield host
    host.start()
    host.wait_up()


def test_a_host_that_is_off_is_named_and_the_others_go_on(
    absent: Host, lab: Lab, operator: Operator, evidence: Callable[[str], None]
) -> None:
    """Faults C10: one dead worker, and nothing could be done anywhere."""
    play = operator.play("preflight")
    evidence(f"without {absent.name}: {play.seconds:.0f} s")
    assert play.code
    assert play.recap[absent.name].unreachable
    assert not [name for name, row in play.recap.items() if row.failed or (row.unreachable and name != absent.name)]
    play = operator.play("connection", "--limit", absent.name)
    assert f"{absent.name} ({absent.address}): nothing answers. It is off (`virsh list --all`" in _joined(play.out)
    assert play.code


def test_another_machine_at_the_address_is_refused(lab: Lab, operator: Operator) -> None:
    first, second = lab.group("loadbalancers")[:2]
    play = operator.play("connection", "--limit", first.name, "-e", f"ansible_host={second.address}")
    assert play.code
    assert f"a machine named `{second.name}` answers here, planned is `{first.name}`" in _joined(play.out)


def test_another_system_than_planned_is_refused(lab: Lab, operator: Operator) -> None:
    name = lab.group("linux")[0].name
    play = operator.play("connection", "--limit", name, "-e", json.dumps({"connection_systems": ["flatcar"]}))
    assert play.code
    assert "its system is `debian`, planned is flatcar" in _joined(play.out)


def test_a_key_that_is_not_accepted_is_said_to_be_the_reason(lab: Lab, operator: Operator) -> None:
    key = operator.home / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    name = lab.group("linux")[0].name
    play = operator.play("connection", "--limit", name, "-e", f"ansible_ssh_private_key_file={key}", *_ANEW)
    assert play.code
    assert "it answers, and takes no key that you offer for the user core" in _joined(play.out)


def test_another_host_key_is_refused_with_the_way_to_accept_it(lab: Lab, operator: Operator) -> None:
    first, second = lab.group("linux")[:2]
    known_hosts = operator.home / "known_hosts"
    kept = known_hosts.read_text()
    known_hosts.write_text(kept.replace(first.host_key, second.host_key))
    try:
        play = operator.play("connection", "--limit", first.name, *_ANEW)
    finally:
        known_hosts.write_text(kept)
    assert play.code
    assert f"run `ssh-keygen -R {first.address}`" in _joined(play.out)


def _joined(text: str) -> str:
    """Undo the line breaks of Ansible's YAML output."""
    return " ".join(text.split())
