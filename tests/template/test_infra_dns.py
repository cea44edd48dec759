"""The name servers: what the role writes is loaded by the real CoreDNS, and what asks it sees each wrong answer."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
import urllib.request
from contextlib import closing, contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import require_tool
from tests.template.conftest import ROOT
from tests.template.infra_tree import Infra, render_infra

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.template.conftest import Ansible, Render

ZONE = "home.example.com"
ADDRESS, ANOTHER = "127.0.0.1", "127.0.0.2"


def load_module() -> ModuleType:
    """Return the module of Ansible as Python has it; what it needs of Ansible it imports when it runs."""
    path = ROOT / "templates/infra/ansible/library/dns_answers.py"
    module = ModuleType("dns_answers")
    # Not by import: that would write its bytecode into the template.
    exec(compile(path.read_text(), path, "exec"), vars(module))
    return module


dns = load_module()


def free_port() -> int:
    """Return a port of the loopback that is free over UDP and TCP."""
    for _ in range(20):
        with closing(socket.socket()) as stream, closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as packets:
            stream.bind((ADDRESS, 0))
            port = int(stream.getsockname()[1])
            try:
                packets.bind((ADDRESS, port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port")


@contextmanager
def answering(respond: Callable[[bytes], bytes | None]) -> Iterator[int]:
    """Run a server of UDP on the loopback, and give its port."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as connection:
        connection.bind((ADDRESS, 0))

        def serve() -> None:
            # An empty packet ends it.
            while message := (received := connection.recvfrom(4096))[0]:
                if (answer := respond(message)) is not None:
                    connection.sendto(answer, received[1])

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield int(connection.getsockname()[1])
        finally:
            connection.sendto(b"", connection.getsockname())
            thread.join()


def everywhere(message: bytes) -> bytes:
    """Answer any question with one address, as a wildcard does."""
    record = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04" + socket.inet_aton("192.0.2.80")
    end = message.index(b"\0", 12) + 5
    return message[:2] + b"\x81\x80\0\x01\0\x01\0\0\0\0" + message[12:end] + record


# -- the module that asks ----------------------------------------------------------------------------------------------


def asked(port: int, name: str, kind: str, expected: str) -> list[str]:
    faults: list[str] = dns.faults_of(ADDRESS, port, [dns.Question(name, kind, expected)], 0.2)
    return faults


def test_a_right_answer_is_no_fault_and_another_one_is_named_with_what_was_expected() -> None:
    with answering(everywhere) as port:
        # Over TCP nobody listens there.
        right, wrong = asked(port, ZONE, "A", "192.0.2.80"), asked(port, ZONE, "A", "192.0.2.81")
    assert [line.split(":")[0] for line in right] == [f"{ADDRESS} does not answer over TCP"]
    assert wrong[0] == f"{ADDRESS}, {ZONE} A: found 192.0.2.80, expected 192.0.2.81"


def test_a_wildcard_is_a_fault() -> None:
    with answering(everywhere) as port:
        assert asked(port, f"no-such-name.{ZONE}", "A", "NXDOMAIN")[0].endswith("found 192.0.2.80, expected NXDOMAIN")


@pytest.mark.parametrize(
    ("respond", "says"),
    [
        (lambda message: None, "timed out"),
        (lambda message: b"\0\0" + everywhere(message)[2:] if message[:2] != b"\0\0" else b"", "not the answer"),
        (lambda message: everywhere(message)[:-2], "cut off"),
        (lambda message: everywhere(message)[:13], "cut off"),
        # A name that points at itself.
        (lambda message: message[:2] + b"\x81\x80\0\x01\0\x01\0\0\0\0\xc0\x0c\0\x01\0\x01", "without an end"),
    ],
)
def test_what_is_no_answer_is_a_fault_and_no_traceback(respond: Callable[[bytes], bytes | None], says: str) -> None:
    with answering(respond) as port:
        (fault,) = asked(port, ZONE, "A", "192.0.2.80")
    assert fault.startswith(f"{ADDRESS} does not answer over UDP: ")
    assert says in fault


def test_a_closed_port_is_told_at_once() -> None:
    begin = time.monotonic()
    (fault,) = asked(free_port(), ZONE, "A", "192.0.2.80")
    assert "refused" in fault
    assert time.monotonic() - begin < 0.5


# -- the real CoreDNS --------------------------------------------------------------------------------------------------

PLAY = [
    {
        "name": "Write what the role writes",
        "hosts": "dns_servers[0]",
        "gather_facts": False,
        "connection": "local",
        "tasks": [
            {
                "name": "Load what the role does",
                "ansible.builtin.include_vars": "{{ playbook_dir }}/../roles/coredns/{{ item }}/main.yml",
                "loop": ["defaults", "vars"],
            },
            {
                "name": "Write the configuration",
                "ansible.builtin.template": {
                    "src": "{{ playbook_dir }}/../roles/coredns/templates/Corefile.j2",
                    "dest": "{{ coredns_folder }}/Corefile",
                    "mode": "0600",
                },
            },
            {
                "name": "Write the zones",
                "ansible.builtin.template": {
                    "src": "{{ playbook_dir }}/../roles/coredns/templates/zone.j2",
                    "dest": "{{ coredns_folder }}/{{ item }}.zone",
                    "mode": "0600",
                },
                "loop": "{{ coredns_zones }}",
            },
        ],
    }
]


def written(infra: Infra, ansible: Ansible, folder: Path, variables: dict[str, Any]) -> None:
    """Write the configuration of the first name server of a plan into a folder, some variables being others."""
    playbook = folder / "playbooks/play.yml"
    for path in ("ansible.cfg", "inventory", "roles", "library", "plugins"):
        (folder / path).symlink_to(infra.ansible / path)
    for name in ("plan.json", "versions.yaml", "versions.user.yaml"):
        (folder.parent / name).symlink_to(infra.root / name)
    playbook.parent.mkdir()
    playbook.write_text(json.dumps(PLAY))
    values = {"coredns_folder": str(folder / "out"), "coredns_serial": 17, "coredns_digest": "0", **variables}
    (folder / "out").mkdir()
    options = ["-i", "inventory/hosts.yml", "-e", json.dumps(values)]
    result = ansible(folder, "ansible-playbook", "playbooks/play.yml", *options)
    assert result.returncode == 0, result.stdout + result.stderr


@contextmanager
def running(corefile: Path, port: int, zone: str) -> Iterator[None]:
    """Run CoreDNS until it answers, and end it."""
    log = corefile.with_name("log")
    with log.open("w") as stream:
        process = subprocess.Popen(
            [require_tool("coredns"), "-conf", corefile], stdout=stream, stderr=subprocess.STDOUT, cwd=corefile.parent
        )
        try:
            until = time.monotonic() + 20
            while dns.faults_of(ADDRESS, port, [dns.Question(zone, "SOA", "17")], 0.2):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(10)


@pytest.mark.tools
@pytest.mark.parametrize("example", ["ha", "single"])
def test_the_real_coredns_answers_every_name_of_the_plan(
    render: Render, ansible: Ansible, tmp_path: Path, example: str
) -> None:
    require_tool("coredns")
    infra = render_infra(render, example, tmp_path)
    plan = infra.rendered_plan
    port, health, metrics = free_port(), free_port(), free_port()
    folder = tmp_path / "infra/ansible"
    folder.mkdir(parents=True)
    with answering(everywhere) as outside:
        written(
            infra,
            ansible,
            folder,
            {
                "coredns_address": ADDRESS,
                "coredns_port": port,
                "coredns_health_port": health,
                "coredns_metrics_port": metrics,
                "coredns_upstream": [f"{ADDRESS}:{outside}"],
                "coredns_clients": [f"{ANOTHER}/32"],
                # What a user.yml may say.
                "ingress_hosts": [f"shop.{plan['dns']['zone']}"],
            },
        )
        zone = plan["dns"]["zone"]
        parameters = {
            "records": [*plan["dns"]["records"], {"name": f"shop.{zone}", "address": plan["ingress"]["address"]}],
            "reverse": plan["dns"]["reverse"],
            "missing": [f"no-such-name.{zone}", f"argoproj.github.io.{zone}", f"254.{plan['dns']['reverse_zones'][0]}"],
            "zones": [zone, *plan["dns"]["reverse_zones"]],
            "serial": 17,
        }
        questions = dns.questions_of(parameters)
        assert len(questions) > 8
        with running(folder / "out/Corefile", port, zone):
            assert dns.faults_of(ADDRESS, port, questions, 2) == []
            # What does not exist is said with the SOA record, so that others may remember it.
            assert authority(port, f"no-such-name.{zone}", ADDRESS) == (3, 1)
            # Only networks of the cluster are answered for the rest of the world.
            assert answer_from(ANOTHER, port, "argoproj.github.io") == "192.0.2.80"
            assert answer_from(ADDRESS, port, "argoproj.github.io") == "REFUSED"
            assert fetch(health, "/health") == "OK"
            assert "coredns_dns_requests_total{" in fetch(metrics, "/metrics")


def exchange(source: str, port: int, name: str) -> bytes:
    """Ask for a name from an address of the loopback, and return the message that comes."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as connection:
        connection.bind((source, 0))
        connection.settimeout(5)
        connection.connect((ADDRESS, port))
        connection.send(dns.query(1, dns.Question(name, "A", "")))
        return connection.recv(4096)


def answer_from(source: str, port: int, name: str) -> str:
    return str(dns.read_answer(exchange(source, port, name), 1, dns.Question(name, "A", "")))


def authority(port: int, name: str, source: str) -> tuple[int, int]:
    """Return the code of an answer and its number of records of authority."""
    message = exchange(source, port, name)
    return message[3] & 15, int.from_bytes(message[8:10], "big")


def fetch(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://{ADDRESS}:{port}{path}", timeout=5) as answer:
        return str(answer.read().decode())
