"""ddns.yml: names at a stand-in for Cloudflare follow the address, by a service that alone has the token."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cloudflare import ADDRESS, ZONE
from tests.e2e.bed.waiting import wait_for
from tests.lab.operator import Operator
from tests.pipeline.world import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lab.hosts.host import Host
    from tests.lab.hosts.lab import Lab

NAME, BEFORE = f"home.{ZONE}", "93.184.216.33"
TOKEN, OTHER_TOKEN = "fake-cloudflare-token_0123456789abcdef", "fake-cloudflare-token_another-one-of-them"
PORT = 8099


class Person(Operator):
    """An operator with the same key, whose cluster has such a name."""

    def set_token(self, token: str) -> None:
        """Put the token into the vault."""
        self.do("fmc", "secret", "set", "machines/cloudflare-ddns", "token", stdin=f"{token}\n")


@pytest.fixture(scope="module")
def person(folder: Path, operator: Operator, lab: Lab) -> Person:
    person = Person(folder / "with-ddns")
    person.key = operator.key
    person.make_repositories(ddns={"zone": ZONE, "records": [NAME], "interval_seconds": 60})
    person.meet(lab)
    url = f"http://127.0.0.1:{PORT}"
    person.set_variables("ddns", {"cloudflare_ddns_api": f"{url}/v4", "cloudflare_ddns_address_url": f"{url}/trace"})
    person.set_token(TOKEN)
    return person


@pytest.fixture(scope="module")
def host(lab: Lab, person: Person) -> Host:
    (name,) = json.loads((person.infra / "plan.json").read_text())["groups"]["ddns"]
    return lab.hosts[name]


@contextlib.contextmanager
def cloudflare(host: Host, folder: Path, *known: str) -> Iterator[Path]:
    """Serve the stand-in on a host's loopback; the file that comes has a line for each change."""
    log = folder / "cloudflare.log"
    command = [sys.executable, "-m", "tests.cloudflare", str(PORT), TOKEN, *known]
    with (
        log.open("w") as out,
        subprocess.Popen(
            ["ip", "netns", "exec", host.name, *command],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=out,
        ) as server,
    ):
        try:
            wait_for("the stand-in for Cloudflare", lambda: "ready" in log.read_text())
            yield log
        finally:
            server.kill()


def changes(log: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.read_text().splitlines()[1:]]


def test_the_name_gets_the_address_and_the_token_is_for_the_service_alone(
    host: Host, person: Person, folder: Path
) -> None:
    with cloudflare(host, folder) as log:
        play = person.converge("ddns")
        assert play.recap[host.name].changed
        wait_for("the change", lambda: changes(log))
        assert changes(log) == [{"type": "A", "name": NAME, "content": ADDRESS, "ttl": 300, "proxied": False}]
        for options in ((), ("--check",)):
            again = person.converge("ddns", *options)
            assert not again.changed, again.out
        assert len(changes(log)) == 1
    assert host.do("systemctl", "is-active", "cloudflare-ddns.timer").strip() == "active"
    assert host.do("stat", "--format=%a %U", "/etc/cloudflare-ddns", "/etc/cloudflare-ddns/token").splitlines() == [
        "700 root",
        "600 root",
    ]
    assert host.do("cat", "/etc/cloudflare-ddns/token") == f"{TOKEN}\n"
    assert host.inside("runuser", "-u", "core", "--", "cat", "/etc/cloudflare-ddns/token").returncode
    journal = host.do("journalctl", "--no-pager", "--output=cat")
    unit = host.do("systemctl", "cat", "cloudflare-ddns.service") + host.do("systemctl", "show", "cloudflare-ddns")
    for text in (journal, unit, play.all):
        assert TOKEN not in text
    assert f"{NAME}: made, with {ADDRESS}" in journal


def test_the_timer_follows_by_itself(host: Host, folder: Path) -> None:
    host.do("systemctl", "stop", "cloudflare-ddns.timer")
    with cloudflare(host, folder, f"{NAME}={BEFORE}") as log:
        host.do("systemctl", "start", "cloudflare-ddns.timer")
        wait_for("the timer's turn", lambda: changes(log), timeout=90)
        assert changes(log) == [{"content": ADDRESS}]


def test_a_token_that_is_refused_ends_the_run_with_what_to_do(host: Host, person: Person, folder: Path) -> None:
    person.set_token(OTHER_TOKEN)
    try:
        with cloudflare(host, folder, f"{NAME}={BEFORE}") as log:
            play = person.play("ddns")
            assert play.code
            said = " ".join(play.out.split())
            assert f"The names in {ZONE} do not follow the address of {host.name}: the API refuses the token" in said
            assert "put it into the vault as README.md says" in said
            assert OTHER_TOKEN not in play.all
            # What the message advises.
            person.set_token(TOKEN)
            assert person.converge("ddns").recap[host.name].changed
            wait_for("the change", lambda: changes(log))
            assert changes(log) == [{"content": ADDRESS}]
    finally:
        host.do("systemctl", "disable", "--now", "cloudflare-ddns.timer")


def test_without_the_answer_nothing_of_it_is_left(host: Host, person: Person, operator: Operator) -> None:
    """The operator's cluster is the same one, with answers that have no such name."""
    assert host.do("test", "-e", "/etc/cloudflare-ddns/token") == ""
    assert operator.converge("base").recap[host.name].changed
    left = host.do("find", "/etc", "/opt/bin", "-name", "*cloudflare*ddns*")
    assert left == ""
    assert host.inside("systemctl", "is-active", "cloudflare-ddns.timer").stdout.strip() == "inactive"
    assert operator.converge("base").changed == 0
