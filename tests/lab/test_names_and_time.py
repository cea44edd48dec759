"""dns.yml and time.yml: every name is answered, clocks follow, and what is in the way stops before harm."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab.hosts import outside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.lab.hosts.host import Host
    from tests.lab.hosts.lab import Lab
    from tests.lab.operator import Operator, Play

pytestmark = pytest.mark.usefixtures("converged")
_ASK = (
    "import json, sys, importlib.util as u; s = u.spec_from_file_location('d', '/srv/lab/dns_answers.py');"
    "m = u.module_from_spec(s); s.loader.exec_module(m); p = json.load(sys.stdin);"
    "print(json.dumps(m.faults_of(p['server'], 53, m.questions_of(p), 2)))"
)


def faults(lab: Lab, operator: Operator, host: Host, server: str, **questions: Any) -> list[str]:
    """Ask a server from a host, by the module of the repository, and return what is wrong."""
    (lab.shared / "dns_answers.py").write_text((operator.infra / "ansible/library/dns_answers.py").read_text())
    asked = {"server": server, "records": [], "reverse": [], "missing": [], "zones": [], "serial": 0, **questions}
    return list(json.loads(host.do("python3", "-c", _ASK, stdin=json.dumps(asked))))


def test_every_host_gets_the_planned_answer_to_every_name_from_each_server(
    lab: Lab, operator: Operator, evidence: Callable[[str], None]
) -> None:
    dns = lab.plan["dns"]
    for name in ("worker1", "lb1", "infra1"):
        for server in dns["servers"]:
            missing = [f"no-such-name.{dns['zone']}", f"argoproj.github.io.{dns['zone']}"]
            asked = {"records": dns["records"], "reverse": dns["reverse"], "missing": missing}
            assert faults(lab, operator, lab.hosts[name], server, **asked) == []
    evidence(f"{len(dns['records'])} names and {len(dns['reverse'])} addresses, as each server answers them")


def test_a_resolver_like_a_pods_gets_names_of_the_outside_world_from_outside(lab: Lab, operator: Operator) -> None:
    """Faults C1: with ndots:5 a look-up of argoproj.github.io ended at the ingress."""
    worker = lab.group("workers")[0]
    present = worker.do("cat", "/etc/resolv.conf")
    search = "search default.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n"
    look_up = ("import socket; print(socket.gethostbyname('%s'))",)
    worker.do("tee", "/etc/resolv.conf", stdin=present + search)
    try:
        assert worker.do("python3", "-c", look_up[0] % outside.NAME).strip() == outside.ADDRESS
        api = lab.plan["api"]
        assert worker.do("python3", "-c", look_up[0] % api["host"]).strip() == api["address"]
    finally:
        worker.do("tee", "/etc/resolv.conf", stdin=present)
    assert f'"A IN {outside.NAME}. ' in lab.outside.log("names")
    assert f"no-such-name.{lab.plan['dns']['zone']}" not in lab.outside.log("names")


def test_clocks_follow_the_servers_of_the_cluster_and_those_follow_the_pool(lab: Lab) -> None:
    servers = set(lab.plan["ntp"]["servers"])
    for host in lab.hosts.values():
        if "ntp_servers" in host.node["groups"]:
            sources = host.do("chronyc", "-n", "-c", "sources").splitlines()
            assert f"^,*,{lab.outside.addresses[-1]}," in "\n".join(sources)
            assert host.address not in {line.split(",")[2] for line in sources}
        elif host.node["os"] == "linux":
            followed = host.do("chronyc", "-n", "-c", "tracking").split(",")
            assert followed[1] in servers
            assert abs(float(followed[4])) < 0.5
        else:
            followed = host.do("timedatectl", "show-timesync", "--property=ServerAddress", "--value").split()
            assert set(followed) <= servers
            assert followed


def test_services_run_as_users_of_their_own_with_no_more_than_they_need(lab: Lab) -> None:
    server = lab.group("dns_servers")[0]
    for name, capabilities in (("coredns", "cap_net_bind_service"), ("node_exporter", "")):
        shown = server.do("systemctl", "show", name, "--property=User,NoNewPrivileges,CapabilityBoundingSet,MainPID")
        found = dict(line.split("=", 1) for line in shown.splitlines())
        assert (found["User"], found["NoNewPrivileges"], found["CapabilityBoundingSet"]) == (name, "yes", capabilities)
        assert server.do("stat", "--format=%U", f"/proc/{found['MainPID']}").strip() == name


def test_metrics_are_given_where_the_plan_says(lab: Lab) -> None:
    asker = lab.group("workers")[0]
    for target in lab.plan["targets"]:
        if target["job"] in ("coredns", "node"):
            text = asker.do("curl", "--silent", "--fail", f"http://{target['address']}:{target['port']}/metrics")
            assert {"coredns": "coredns_build_info", "node": "node_uname_info"}[target["job"]] in text


# -- what is in the way ------------------------------------------------------------------------------------------------


def serials(lab: Lab) -> list[str]:
    """Return the serial that each name server has on its disk."""
    text = [server.do("cat", "/etc/coredns/Corefile") for server in lab.group("dns_servers")]
    return [match[1] for match in (re.search(r"^# Serial (\d+) of ", one, re.M) for one in text) if match]


@pytest.fixture
def restored(operator: Operator) -> Iterator[None]:
    """Afterwards the name servers are as the plan has them."""
    yield
    operator.converge("dns")


def changed_upstream(operator: Operator, *servers: str) -> Play:
    return operator.play("dns", "-e", json.dumps({"coredns_upstream": list(servers)}))


@pytest.mark.usefixtures("restored")
def test_a_new_name_is_loaded_and_the_serial_rises(lab: Lab, operator: Operator) -> None:
    before = serials(lab)
    record = {"name": f"new.{lab.plan['dns']['zone']}", "address": "10.17.4.99"}
    records = {"records": [*lab.plan["dns"]["records"], record]}
    given = {"coredns_records": records["records"], "dns_check_records": records["records"]}
    assert operator.converge("dns", "-e", json.dumps(given)).changed
    assert all(int(new) > int(old) for new, old in zip(serials(lab), before, strict=True))
    assert faults(lab, operator, lab.hosts["worker1"], lab.plan["dns"]["servers"][1], **records) == []


@pytest.mark.usefixtures("restored")
def test_a_configuration_that_cannot_be_loaded_stops_before_the_second_server_and_names_are_still_answered(
    lab: Lab, operator: Operator
) -> None:
    before = serials(lab)
    play = changed_upstream(operator, "not-an-address")
    assert play.code
    assert "CoreDNS on infra1 has not loaded its new configuration" in " ".join(play.out.split())
    assert "`journalctl -u coredns` on that machine says why. No name server after it was touched." in _joined(play)
    after = serials(lab)
    assert after[0] != before[0]
    assert after[1:] == before[1:]
    for server in lab.plan["dns"]["servers"]:
        assert faults(lab, operator, lab.hosts["worker1"], server, records=lab.plan["dns"]["records"]) == []


def test_a_server_that_would_ask_itself_is_refused_before_anything_is_written(lab: Lab, operator: Operator) -> None:
    before = serials(lab)
    for server in ("127.0.0.1", *lab.plan["dns"]["servers"]):
        play = changed_upstream(operator, server)
        assert play.code
        assert "Name servers outside of the cluster in the answer dns_upstream." in _joined(play)
    assert serials(lab) == before


def test_a_name_server_that_is_off_is_named_by_those_who_ask_it(lab: Lab, operator: Operator) -> None:
    server = lab.group("dns_servers")[1]
    server.do("systemctl", "stop", "coredns")
    try:
        play = operator.play("dns", "--limit", "worker1")
    finally:
        server.do("systemctl", "start", "coredns")
    assert play.code
    assert f"Asked from worker1: {server.address} does not answer over UDP" in _joined(play)


def test_an_archive_with_another_digest_is_refused_and_the_program_stays(lab: Lab, operator: Operator) -> None:
    server = lab.group("dns_servers")[0]
    before = server.do("sha256sum", "/opt/bin/coredns")
    play = operator.play("dns", "--limit", server.name, "-e", f"coredns_checksum=sha256:{'0' * 64}")
    assert play.code
    assert "coredns could not be had from file:///srv/lab/coredns.tar.gz" in _joined(play)
    assert server.do("sha256sum", "/opt/bin/coredns") == before


def test_a_clock_that_is_far_off_stops_the_run_and_is_named(lab: Lab, operator: Operator) -> None:
    """timesyncd can't set the clock of a host here, so that it stays off; chrony under -x takes it for corrected."""
    worker = lab.group("workers")[0]
    given = {"timesyncd_servers": [lab.outside.addresses[-1]], "time_check_wait_seconds": 12}
    lab.outside.set_clock(30)
    try:
        play = operator.play("time", "--limit", worker.name, "-e", json.dumps(given))
    finally:
        lab.outside.set_clock(0)
    assert play.code
    assert re.search(rf"The clock of {worker.name} is 30\.\d+ s off; etcd and TLS want less than 0\.5 s", _joined(play))
    operator.converge("time", "--limit", worker.name)


def _joined(play: Play) -> str:
    """Undo the line breaks of Ansible's YAML output."""
    return " ".join(play.out.split())
