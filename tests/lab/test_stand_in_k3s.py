"""The stand-in for K3s behaves as the real one was measured to: a test for each line of what roles rely on."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab.stand_in_build import build
from tests.lab.stand_in_k3s.client import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

TOKEN, AGENT_TOKEN = "5ebc" * 16, "a6e7" * 16
FIRST = "https://127.0.0.11:6443"
_PATIENCE = 60.0


@dataclass
class Machine:
    """A machine with the stand-in, at an address of the loopback."""

    program: Path
    root: Path
    number: int
    process: subprocess.Popen[bytes] | None = None
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environment = {**os.environ, "STAND_IN_K3S_ROOT": str(self.root), "STAND_IN_K3S_BIND": self.address}
        (self.root / "etc/rancher/k3s").mkdir(parents=True)

    @property
    def name(self) -> str:
        return f"m{self.number}"

    @property
    def address(self) -> str:
        return f"127.0.0.{10 + self.number}"

    @property
    def url(self) -> str:
        return f"https://{self.address}:6443"

    @property
    def server(self) -> Path:
        return self.root / "var/lib/rancher/k3s/server"

    def configure(self, **more: Any) -> None:
        """Write config.yaml; a key that is None is left out."""
        given = {"token": TOKEN, "agent_token": AGENT_TOKEN, "node_name": self.name, "node_ip": self.address, **more}
        values = {key.replace("_", "-"): value for key, value in given.items() if value is not None}
        lines = [f"{key}: {json.dumps(value)}" for key, value in values.items() if not isinstance(value, list)]
        for key, value in values.items():
            lines += [f"{key}:", *(f"- {item}" for item in value)] if isinstance(value, list) else []
        (self.root / "etc/rancher/k3s/config.yaml").write_text("\n".join(lines) + "\n")

    def start(self, kind: str = "server") -> None:
        with (self.root / "log").open("ab") as log:
            self.process = subprocess.Popen([self.program, kind], env=self.environment, stdout=log, stderr=log)

    def stop(self, with_signal: int = signal.SIGTERM) -> int:
        assert self.process
        self.process.send_signal(with_signal)
        return self.process.wait(10)

    def ended(self) -> int:
        """Wait until it ends by itself, and return the exit code."""
        assert self.process
        return self.process.wait(_PATIENCE)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.program, *arguments], env=self.environment, capture_output=True, text=True, check=False
        )

    @property
    def log(self) -> str:
        return (self.root / "log").read_text()

    def events(self) -> list[str]:
        file = self.root / "var/lib/rancher/stand-in/events.jsonl"
        return [json.loads(line)["event"] for line in file.read_text().splitlines()] if file.exists() else []

    def await_event(self, event: str, count: int = 1) -> None:
        wait_for(lambda: self.events().count(event) >= count, f"{event}: {self.events()} {self.log}")


def wait_for(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.1)


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("stand-in") / "k3s"
    build(target, "v1.36.4+k3s1")
    return target


@pytest.fixture
def machines(program: Path, tmp_path: Path) -> Iterator[list[Machine]]:
    found = [Machine(program, tmp_path / f"m{number}", number) for number in (1, 2, 3, 4)]
    yield found
    for machine in found:
        if machine.process and machine.process.poll() is None:
            machine.process.kill()
            machine.process.wait()


@pytest.fixture
def pair(machines: list[Machine]) -> list[Machine]:
    """A founded cluster of one, and a machine that could join."""
    machines[0].configure(cluster_init=True)
    machines[0].start()
    machines[0].await_event("ready")
    return machines


def join(machine: Machine, **more: Any) -> None:
    machine.configure(server=FIRST, **more)
    machine.start()


def members(machine: Machine) -> list[Mapping[str, Any]]:
    return list(ask(f"{machine.url}/db/info", "server", TOKEN).json()["members"])


def test_three_servers_become_one_cluster_and_a_learner_waits_for_its_vote(pair: list[Machine]) -> None:
    for machine in pair[1:3]:
        join(machine)
        wait_for(
            lambda: any(member.get("isLearner") and "name" not in member for member in members(pair[0])), "a learner"
        )
        machine.await_event("ready")
    assert sorted(member["name"].rpartition("-")[0] for member in members(pair[0])) == ["m1", "m2", "m3"]
    assert len({(machine.server / "tls/server-ca.crt").read_bytes() for machine in pair[:3]}) == 1


def test_two_that_join_at_once_both_come_in(pair: list[Machine]) -> None:
    join(pair[1])
    join(pair[2])
    for machine in pair[1:3]:
        machine.await_event("ready")
    assert len(members(pair[0])) == 3
    assert "too many learner members" in pair[1].log + pair[2].log


def test_files_and_pages_of_a_server(pair: list[Machine]) -> None:
    first = pair[0]
    token, agent = (first.server / "token").read_text().strip(), (first.server / "agent-token").read_text().strip()
    assert (token[:3], token.partition("::")[2]) == ("K10", f"server:{TOKEN}")
    assert agent.partition("::")[2] == f"node:{AGENT_TOKEN}"
    assert (first.server / "token").stat().st_mode & 0o777 == 0o600
    assert "127.0.0.1:6443" in (first.root / "etc/rancher/k3s/k3s.yaml").read_text()
    asked = {
        page: ask(f"{FIRST}{page}").status for page in ("/ping", "/cacerts", "/readyz", "/v1-k3s/readyz", "/db/info")
    }
    assert asked == {"/ping": 200, "/cacerts": 200, "/readyz": 401, "/v1-k3s/readyz": 403, "/db/info": 403}
    assert ask(f"{FIRST}/v1-k3s/readyz", "node", AGENT_TOKEN).status == 200
    assert ask(f"{FIRST}/db/info", "node", AGENT_TOKEN).status == 403
    assert first.run("kubectl", "get", "--raw=/readyz").stdout == "ok"


def test_a_server_answers_503_while_it_starts(machines: list[Machine]) -> None:
    machines[0].configure(cluster_init=True)
    machines[0].start()
    seen: dict[str, set[int]] = {"/ping": set(), "/readyz": set()}
    while "ready" not in machines[0].events():
        for page, statuses in seen.items():
            statuses.add(ask(f"{FIRST}{page}").status)
    assert {503, 200} <= seen["/ping"]
    assert 503 in seen["/readyz"]


def test_readyz_does_not_see_a_lost_quorum_and_etcds_health_does(pair: list[Machine]) -> None:
    join(pair[1])
    pair[1].await_event("ready")
    health = "http://127.0.0.11:2381/health"
    assert ask(health).status == 200
    pair[1].stop(signal.SIGKILL)
    assert ask(f"{FIRST}/readyz").status == 401
    assert ask(health).status == 503
    assert pair[0].run("kubectl", "get", "--raw=/readyz").returncode == 1


def test_an_empty_disk_with_cluster_init_founds_a_second_cluster(pair: list[Machine]) -> None:
    pair[1].configure(cluster_init=True)
    pair[1].start()
    pair[1].await_event("ready")
    assert pair[1].events()[1] == "founded"
    assert ask(f"{pair[1].url}/cacerts").text != ask(f"{FIRST}/cacerts").text


def test_server_wins_over_cluster_init_and_fails_closed(machines: list[Machine]) -> None:
    join(machines[1], cluster_init=True)
    assert machines[1].ended() == 1
    assert "failed to get CA certs" in machines[1].log


@pytest.mark.parametrize("token", ["", None])
def test_a_server_without_a_token_starts_a_cluster_of_its_own(pair: list[Machine], token: str | None) -> None:
    join(pair[1], token=token)
    pair[1].await_event("ready")
    assert "founded-sqlite" in pair[1].events()
    assert (pair[1].server / "db/state.db").exists()


def test_a_token_file_that_is_missing_is_waited_for(machines: list[Machine]) -> None:
    machines[0].configure(cluster_init=True, token=None, token_file="/etc/rancher/k3s/token")
    machines[0].start()
    machines[0].await_event("started")
    time.sleep(2)
    assert machines[0].events() == ["started"]


@pytest.mark.parametrize(
    "keys", [{"server": FIRST}, {"cluster_init": True}, {"server": FIRST, "cluster_init": True}, {}]
)
def test_a_member_starts_again_whatever_it_was_told_about_joining(pair: list[Machine], keys: dict[str, Any]) -> None:
    before = members(pair[0])
    assert pair[0].stop() == 0
    pair[0].configure(**keys)
    pair[0].start()
    pair[0].await_event("ready", 2)
    assert "restarted" in pair[0].events()
    assert members(pair[0]) == before


def test_a_differing_critical_flag_is_refused_at_the_first_join(pair: list[Machine]) -> None:
    join(pair[1], secrets_encryption=True)
    assert pair[1].ended() == 1
    assert "critical configuration mismatched: secrets-encryption" in pair[1].log
    join(pair[2], disable=["servicelb"])
    assert pair[2].ended() == 1


def test_a_differing_critical_flag_is_not_compared_at_a_restart(pair: list[Machine]) -> None:
    pair[0].stop()
    pair[0].configure(cluster_init=True, secrets_encryption=True)
    pair[0].start()
    pair[0].await_event("unready")
    assert ask(f"{FIRST}/readyz").status == 503
    pair[0].stop()
    pair[0].configure(cluster_init=True)
    pair[0].start()
    pair[0].await_event("ready", 2)


def test_a_wrong_agent_token_joins_and_nothing_is_compared(pair: list[Machine]) -> None:
    join(pair[1], agent_token="wrong" * 8, secrets_encryption=True)
    pair[1].await_event("promoted")
    assert "Skipping cluster configuration validation: not authorized" in pair[1].log


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("wrong" * 8, "failed to bootstrap cluster data: not authorized"),
        (AGENT_TOKEN, "failed to bootstrap cluster data: not authorized"),
        (f"K10{'0' * 64}::server:{TOKEN}", "token CA hash does not match the Cluster CA certificate hash"),
    ],
)
def test_a_wrong_token_is_refused(pair: list[Machine], token: str, said: str) -> None:
    join(pair[1], token=token)
    assert pair[1].ended() == 1
    assert said in pair[1].log


def test_a_wiped_server_ends_with_0_until_its_node_is_deleted(pair: list[Machine]) -> None:
    join(pair[1])
    pair[1].await_event("ready")
    join(pair[2])
    pair[2].await_event("ready")
    pair[1].stop()
    shutil.rmtree(pair[1].server)
    pair[1].start()
    assert pair[1].ended() == 0
    assert "duplicate node name found" in pair[1].log
    assert pair[0].run("kubectl", "delete", "node", "m2").returncode == 0
    assert not [member for member in members(pair[0]) if member["name"].startswith("m2-")]
    pair[1].start()
    pair[1].await_event("promoted", 2)


def test_a_live_member_whose_node_was_deleted_joins_again_at_its_restart(pair: list[Machine]) -> None:
    join(pair[1])
    pair[1].await_event("ready")
    pair[0].run("kubectl", "delete", "node", "m2")
    pair[1].stop()
    pair[1].start()
    pair[1].await_event("promoted", 2)
    assert [path.name for path in pair[1].server.glob("db/etcd-backup-*")]


def test_an_unknown_key_is_a_warning_on_servers_and_ends_agents(pair: list[Machine]) -> None:
    pair[1].configure(server=FIRST, bogus=True)
    pair[1].start()
    pair[1].await_event("ready")
    assert "Warning: Unknown flag --bogus found in config.yaml, skipping" in pair[1].log
    for key in ("bogus", "tls_san", "agent_token"):
        pair[3].configure(**{"server": FIRST, "agent_token": None, "token": AGENT_TOKEN, key: "x"})
        pair[3].start("agent")
        assert pair[3].ended() == 1
    assert "flag provided but not defined: -tls-san" in pair[3].log


def agent(machine: Machine, token: str = AGENT_TOKEN) -> None:
    machine.configure(server=FIRST, token=token, agent_token=None, node_label=["zone=a"])
    machine.start("agent")


def is_ready(asked: Machine, name: str) -> bool:
    shown = asked.run("kubectl", "get", "node", name, "--ignore-not-found", "--output=json").stdout
    return bool(shown) and json.loads(shown)["status"]["conditions"] == [{"type": "Ready", "status": "True"}]


def test_an_agent_becomes_a_node_and_a_silent_one_is_no_longer_ready(pair: list[Machine]) -> None:
    agent(pair[3])
    pair[3].await_event("registered")
    assert is_ready(pair[0], "m4")
    pair[3].stop()
    wait_for(lambda: not is_ready(pair[0], "m4"), "not ready")


@pytest.mark.parametrize("token", ["wrong" * 8, TOKEN])
def test_an_agent_with_a_wrong_token_or_that_of_the_servers_tries_for_ever(pair: list[Machine], token: str) -> None:
    agent(pair[3], token)
    wait_for(lambda: pair[3].log.count("403 Forbidden") + pair[3].log.count("403 not authorized") > 1, "tried again")
    assert pair[3].process
    assert pair[3].process.poll() is None


def test_another_machine_of_a_nodes_name_is_refused_until_its_password_is_deleted(pair: list[Machine]) -> None:
    agent(pair[3])
    pair[3].await_event("registered")
    pair[3].stop()
    (pair[3].root / "etc/rancher/node/password").unlink()
    pair[3].start("agent")
    wait_for(lambda: "unable to verify password for node m4: hash does not match" in pair[3].log, pair[3].log)
    found = pair[0].run("kubectl", "--namespace=kube-system", "get", "secret", "m4.node-password.k3s", "--output=name")
    assert found.stdout == "secret/m4.node-password.k3s\n"
    pair[0].run("kubectl", "--namespace=kube-system", "delete", found.stdout.strip())
    pair[3].await_event("registered", 2)


def snapshot(machine: Machine, *options: str) -> Path:
    """Have a snapshot saved, and return it beside the folder of snapshots, which a restore moves."""
    done = machine.run("etcd-snapshot", "save", *options)
    assert done.returncode == 0, done.stderr
    assert "Unknown flag --node-name found in config.yaml" in done.stderr
    (file,) = (machine.server / "db/snapshots").iterdir()
    return file


def test_a_snapshot_is_a_file_of_roots_and_can_be_deleted(pair: list[Machine]) -> None:
    file = snapshot(pair[0])
    assert file.name.startswith("on-demand-m1-")
    assert file.stat().st_mode & 0o777 == 0o600
    assert pair[0].run("etcd-snapshot", "delete", file.name).returncode == 0
    assert not file.exists()
    pair[0].stop()
    pair[0].configure(cluster_init=True, etcd_snapshot_compress=True)
    pair[0].start()
    pair[0].await_event("ready", 2)
    assert re.fullmatch(r"mine-m1-\d+\.zip", snapshot(pair[0], "--name=mine").name)


def reset(machine: Machine, file: Path, root: Path) -> subprocess.CompletedProcess[str]:
    path = f"/{file.relative_to(root)}"
    return machine.run("server", "--cluster-reset", f"--cluster-reset-restore-path={path}")


def test_a_restore_is_refused_where_a_server_is_to_be_joined_or_nothing_is_there(pair: list[Machine]) -> None:
    file = snapshot(pair[0])
    pair[0].stop()
    pair[0].configure(server=FIRST)
    refused = reset(pair[0], file, pair[0].root)
    assert (refused.returncode, "remove server from configuration" in refused.stderr) == (1, True)
    pair[0].configure(cluster_init=True)
    assert reset(pair[0], file.with_name("other"), pair[0].root).returncode == 1


def test_a_restore_gives_the_old_state_back_with_one_member_and_others_join_with_an_empty_disk(
    pair: list[Machine],
) -> None:
    first, second = pair[:2]
    join(second)
    second.await_event("ready")
    wait_for(lambda: is_ready(first, "m2"), "m2 to be a Node")
    file = snapshot(first)
    authority = (first.server / "tls/server-ca.crt").read_text()
    first.run("kubectl", "label", "node", "m2", "since=then")
    first.stop()
    second.stop()
    kept = Path(shutil.copy(file, first.root / "snapshot"))
    for name in ("db", "tls", "cred"):
        shutil.move(first.server / name, first.root / f"old-{name}")
    first.configure(cluster_init=True)
    done = reset(first, kept, first.root)
    assert done.returncode == 0
    assert "level=error" in done.stderr
    assert "has been reset, restart without --cluster-reset flag now" in done.stderr
    again = reset(first, kept, first.root)
    assert (again.returncode, "reset-flag" in again.stderr) == (1, True)
    first.start()
    first.await_event("ready", 2)
    assert (first.server / "tls/server-ca.crt").read_text() == authority
    assert [member["name"].rpartition("-")[0] for member in members(first)] == ["m1"]
    shown = json.loads(first.run("kubectl", "get", "node", "m2", "--output=json").stdout)
    assert "since" not in shown["metadata"]["labels"]
    shutil.rmtree(second.server / "db")
    second.start()
    second.await_event("promoted", 2)


def test_a_restore_under_another_token_fails_when_the_datastore_is_replaced_already(pair: list[Machine]) -> None:
    file = snapshot(pair[0])
    pair[0].stop()
    kept = Path(shutil.copy(file, pair[0].root / "snapshot"))
    pair[0].configure(cluster_init=True, token="other" * 8)
    done = reset(pair[0], kept, pair[0].root)
    assert (done.returncode, "encrypted with different token" in done.stderr) == (1, True)
    assert [path.name for path in pair[0].server.glob("db/etcd-old-*")]


def test_passwords_of_a_time_with_another_token_keep_a_server_out(pair: list[Machine]) -> None:
    (pair[1].server / "cred").mkdir(parents=True)
    (pair[1].server / "cred/passwd").write_text("another")
    join(pair[1])
    assert pair[1].ended() == 1
    assert "cred/passwd newer than datastore and could cause a cluster outage" in pair[1].log
    assert len(members(pair[0])) == 1
    (pair[1].server / "cred/passwd").unlink()
    pair[1].start()
    pair[1].await_event("promoted")


def test_a_node_says_the_release_that_it_was_started_with_last(pair: list[Machine], tmp_path: Path) -> None:
    agent(pair[3])
    pair[3].await_event("registered")
    next_program = tmp_path / "next"
    build(next_program, "v1.37.0+k3s1")
    for machine, kind in ((pair[0], "server"), (pair[3], "agent")):
        machine.program = next_program
        machine.stop()
        machine.start(kind)

    def releases() -> set[str]:
        shown = pair[0].run("kubectl", "get", "nodes", "--output=json").stdout or '{"items": []}'
        return {node["status"]["nodeInfo"]["kubeletVersion"] for node in json.loads(shown)["items"]}

    wait_for(lambda: releases() == {"v1.37.0+k3s1"}, "both at the next release")


def test_annotations_are_set_and_removed(pair: list[Machine]) -> None:
    agent(pair[3])
    pair[3].await_event("registered")

    def annotations() -> dict[str, str]:
        shown = pair[0].run("kubectl", "get", "node", "m4", "--output=json").stdout
        return dict(json.loads(shown)["metadata"]["annotations"])

    assert pair[0].run("kubectl", "annotate", "--overwrite", "node", "m4", "mine=yes").returncode == 0
    assert annotations() == {"mine": "yes"}
    assert pair[0].run("kubectl", "annotate", "node", "m4", "mine-").returncode == 0
    assert annotations() == {}


def test_new_names_are_in_the_certificate_after_it_was_rotated_and_not_before(pair: list[Machine]) -> None:
    first = pair[0]

    def shown() -> tuple[bytes, str]:
        return (first.server / "tls/serving.crt").read_bytes(), (first.root / "etc/rancher/k3s/k3s.yaml").read_text()

    def restart(count: int) -> tuple[bytes, str]:
        first.start()
        first.await_event("ready", count)
        return shown()

    old, kubeconfig = shown()
    first.stop()
    first.configure(cluster_init=True, tls_san=["api.example.com"])
    assert restart(2) == (old, kubeconfig)
    first.stop()
    assert first.run("certificate", "rotate").returncode == 0
    new = restart(3)
    assert new[0] != old
    assert new[1] != kubeconfig
    (kept,) = first.server.glob("tls-*")
    assert (kept / "serving.crt").read_bytes() == old
    listed = ["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", str(first.server / "tls/serving.crt")]
    assert "DNS:api.example.com" in subprocess.run(listed, capture_output=True, text=True, check=True).stdout


NEW_TOKEN = "c0de" * 16


def rotate(machine: Machine, new: str = NEW_TOKEN) -> None:
    """Rotate the token as `k3s token rotate` does, by HTTP."""
    request = urllib.request.Request(
        f"{machine.url}/v1-k3s/token", json.dumps({"newToken": new}).encode(), method="PUT"
    )
    request.add_header("Authorization", "Basic " + base64.b64encode(f"server:{TOKEN}".encode()).decode())
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with urllib.request.urlopen(request, timeout=10, context=context) as response:
        assert response.status == 200


def accepts(machine: Machine, token: str) -> bool:
    return ask(f"{machine.url}/db/info", "server", token).status == 200


def test_a_rotated_token_is_that_servers_at_once_and_the_others_after_a_restart(pair: list[Machine]) -> None:
    first, second = pair[:2]
    join(second)
    second.await_event("ready")
    rotate(first)
    assert NEW_TOKEN in (first.server / "token").read_text()
    assert NEW_TOKEN not in (second.server / "token").read_text()
    assert (accepts(first, NEW_TOKEN), accepts(first, TOKEN)) == (True, False)
    assert (accepts(second, NEW_TOKEN), accepts(second, TOKEN)) == (False, True)
    second.stop()
    second.configure(server=FIRST, token=NEW_TOKEN)
    second.start()
    second.await_event("ready", 2)
    assert accepts(second, NEW_TOKEN)
    assert NEW_TOKEN in (second.server / "token").read_text()


def test_a_server_that_starts_with_the_old_token_wedges_until_its_passwords_are_gone(pair: list[Machine]) -> None:
    first, second = pair[:2]
    join(second)
    second.await_event("ready")
    rotate(first)
    second.stop()
    second.start()
    assert second.ended() == 1
    assert "encrypted with different token" in second.log
    second.configure(server=FIRST, token=NEW_TOKEN)
    second.start()
    assert second.ended() == 1
    assert "cred/passwd newer than datastore" in second.log
    (second.server / "cred/passwd").unlink()
    second.start()
    second.await_event("ready", 2)


NEW_AGENT_TOKEN = "beef" * 16


def restart(machine: Machine, **more: Any) -> None:
    """Stop a member, and start it with another agents' token."""
    machine.stop()
    machine.configure(agent_token=NEW_AGENT_TOKEN, **more)
    # What is compared counts as newer by three seconds and more.
    time.sleep(3)
    machine.start()


def lets_agents_in(machine: Machine, token: str) -> bool:
    return ask(f"{machine.url}/v1-k3s/readyz", "node", token).status == 200


def test_another_agent_token_is_that_servers_after_its_restart(pair: list[Machine]) -> None:
    first, second = pair[:2]
    join(second)
    second.await_event("ready")
    restart(first, cluster_init=True)
    first.await_event("ready", 2)
    assert (lets_agents_in(first, NEW_AGENT_TOKEN), lets_agents_in(first, AGENT_TOKEN)) == (True, False)
    assert (lets_agents_in(second, NEW_AGENT_TOKEN), lets_agents_in(second, AGENT_TOKEN)) == (False, True)
    assert NEW_AGENT_TOKEN in (first.server / "agent-token").read_text()


def test_a_server_that_has_it_alone_does_not_come_back_until_its_passwords_are_gone(pair: list[Machine]) -> None:
    second = pair[1]
    join(second)
    second.await_event("ready")
    restart(second, server=FIRST)
    second.await_event("ready", 2)
    restart(second, server=FIRST)
    assert second.ended() == 1
    assert "cred/passwd newer than datastore" in second.log
    (second.server / "cred/passwd").unlink()
    second.start()
    second.await_event("ready", 3)


def test_without_another_server_it_comes_back_once_a_rotation_has_saved_it(pair: list[Machine]) -> None:
    first = pair[0]
    restart(first, cluster_init=True)
    first.await_event("ready", 2)
    restart(first, cluster_init=True)
    assert first.ended() == 1
    assert "cred/passwd newer than datastore" in first.log
    (first.server / "cred/passwd").unlink()
    first.start()
    first.await_event("ready", 3)
    rotate(first, TOKEN)
    restart(first, cluster_init=True)
    first.await_event("ready", 4)
