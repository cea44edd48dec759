"""Public names that follow an address: what is rendered, and the role's program against an API of ours on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cloudflare import ADDRESS, ZONE, Cloudflare, record, serve
from tests.template.argocd_tree import documents
from tests.template.conftest import ROOT
from tests.template.infra_tree import files, render_infra

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.template.conftest import Render

(PROGRAM,) = (ROOT / "templates/infra/ansible/roles").glob("*cloudflare_ddns*/files/cloudflare_ddns.py")
TOKEN = "fake-cloudflare-token_0123456789abcdef"
NAME, OTHER = "home.example.com", "vpn.example.com"
BEFORE = "93.184.216.33"
DONE, AGAIN, PERSON = 0, 1, 2


@pytest.fixture
def cloudflare() -> Iterator[Cloudflare]:
    with serve(Cloudflare(token=TOKEN)) as state:
        yield state


def run(
    tmp_path: Path, url: str, *names: str, token: str | None = TOKEN, api: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the program as the service does; the token may stand in no argument and in no message."""
    credentials = tmp_path / "credentials"
    credentials.mkdir(exist_ok=True)
    (credentials / "token").write_text(f"{token}\n")
    environment = {"PATH": os.environ["PATH"]} | ({"CREDENTIALS_DIRECTORY": str(credentials)} if token else {})
    records = [argument for name in names or (NAME,) for argument in ("--record", name)]
    where = ["--api", api or f"{url}/v4", "--address-url", f"{url}/trace"]
    done = subprocess.run(
        [sys.executable, "-I", str(PROGRAM), "--zone", ZONE, *records, *where],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert not token or token not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


# -- the program -------------------------------------------------------------------------------------------------------


def test_an_address_that_differs_is_changed_and_nothing_else_of_the_record(
    cloudflare: Cloudflare, tmp_path: Path
) -> None:
    cloudflare.records = [record(NAME, BEFORE), record(OTHER, BEFORE, 1)]
    done = run(tmp_path, cloudflare.url)
    assert (done.returncode, done.stdout) == (DONE, f"{NAME}: changed from {BEFORE} to {ADDRESS}\n")
    assert cloudflare.written == [{"content": ADDRESS}]
    assert cloudflare.records == [record(NAME, ADDRESS), record(OTHER, BEFORE, 1)]


def test_an_address_that_is_right_is_left_alone(cloudflare: Cloudflare, tmp_path: Path) -> None:
    cloudflare.records = [record(NAME, ADDRESS)]
    done = run(tmp_path, cloudflare.url)
    assert (done.returncode, done.stdout) == (DONE, f"{NAME}: has {ADDRESS} already\n")
    assert {method for method, _ in cloudflare.asked} == {"GET"}


def test_a_name_that_is_missing_is_made_once(cloudflare: Cloudflare, tmp_path: Path) -> None:
    for said in (f"made, with {ADDRESS}", f"has {ADDRESS} already"):
        done = run(tmp_path, cloudflare.url)
        assert (done.returncode, done.stdout) == (DONE, f"{NAME}: {said}\n")
    assert cloudflare.written == [{"type": "A", "name": NAME, "content": ADDRESS, "ttl": 300, "proxied": False}]


def test_a_name_with_several_addresses_is_left_to_a_person_and_the_others_follow(
    cloudflare: Cloudflare, tmp_path: Path
) -> None:
    cloudflare.records = [record(NAME, BEFORE), record(NAME, "93.184.216.9", 1), record(OTHER, BEFORE, 2)]
    done = run(tmp_path, cloudflare.url, NAME, OTHER)
    assert done.returncode == PERSON
    assert (
        done.stderr == f"{NAME}: {NAME} has 2 A records, and which of them is meant can't be told: remove all but one\n"
    )
    assert done.stdout == f"{OTHER}: changed from {BEFORE} to {ADDRESS}\n"
    assert [row["content"] for row in cloudflare.records] == [BEFORE, "93.184.216.9", ADDRESS]


@pytest.mark.parametrize("address", ["10.0.0.1", "100.64.1.1", "127.0.0.1", "2606:4700::1111", "nonsense"])
def test_what_is_no_public_address_gets_into_no_record(cloudflare: Cloudflare, tmp_path: Path, address: str) -> None:
    cloudflare.records, cloudflare.address = [record(NAME, BEFORE)], address
    done = run(tmp_path, cloudflare.url)
    assert done.returncode == AGAIN
    assert "127.0.0.1 says that this connection has " in done.stderr
    assert address in done.stderr
    assert cloudflare.asked == [("GET", "/trace")]


def test_a_token_that_is_refused_is_told_with_what_the_api_says_and_without_it(
    cloudflare: Cloudflare, tmp_path: Path
) -> None:
    cloudflare.token = "another"
    done = run(tmp_path, cloudflare.url)
    assert done.returncode == PERSON
    assert "the API refuses the token" in done.stderr
    # The API repeats it, and would colour the terminal.
    assert "Invalid access token Bearer TOKEN?[31m (9109)" in done.stderr
    assert "put it into the vault as README.md says" in done.stderr


def test_a_zone_that_the_token_does_not_see_is_told(cloudflare: Cloudflare, tmp_path: Path) -> None:
    cloudflare.zones = ("another.example",)
    done = run(tmp_path, cloudflare.url)
    assert (done.returncode, "the token sees no zone example.com" in done.stderr) == (PERSON, True)


@pytest.mark.parametrize(
    ("instead", "said"),
    [
        ((500, "<html>"), "the API does not do GET zones (status 500)"),
        ((200, "<html>"), "the API does not do GET zones (status 200)"),
        (
            (200, '{"success": true, "errors": [], "result": {"id": 1}}'),
            "the API answers with something else than a list",
        ),
        ((200, "[]"), "the API does not do GET zones (status 200)"),
        (
            (429, '{"success": false, "errors": [{"code": 971, "message": "Throttled"}], "result": null}'),
            "Throttled (971)",
        ),
    ],
)
def test_an_api_that_does_not_do_its_work_is_asked_again_later(
    cloudflare: Cloudflare, tmp_path: Path, instead: tuple[int, str], said: str
) -> None:
    cloudflare.instead = instead
    done = run(tmp_path, cloudflare.url)
    assert (done.returncode, said in done.stderr) == (AGAIN, True), done.stderr


def test_nobody_who_answers_is_no_traceback(tmp_path: Path) -> None:
    done = run(tmp_path, "http://127.0.0.1:9")
    assert (done.returncode, done.stderr) == (AGAIN, "127.0.0.1 does not answer: [Errno 111] Connection refused\n")


def test_the_token_goes_nowhere_else(cloudflare: Cloudflare, tmp_path: Path) -> None:
    """Not along a redirection, and not over a connection that others read."""
    cloudflare.instead, cloudflare.location = (302, ""), f"{cloudflare.url}/elsewhere"
    done = run(tmp_path, cloudflare.url)
    assert (done.returncode, "status 302" in done.stderr) == (AGAIN, True)
    assert "/elsewhere" not in [target for _, target in cloudflare.asked]
    asked = len(cloudflare.asked)
    done = run(tmp_path, cloudflare.url, api="http://api.example.com/v4")
    assert (done.returncode, "only https is taken" in done.stderr) == (PERSON, True)
    assert len(cloudflare.asked) == asked


@pytest.mark.parametrize("token", [None, "", "two words", "short"])
def test_a_token_that_is_none_is_told_before_anything_is_asked(
    cloudflare: Cloudflare, tmp_path: Path, token: str | None
) -> None:
    done = run(tmp_path, cloudflare.url, token=token)
    assert (done.returncode, "there is no" in done.stderr) == (PERSON, True)
    assert cloudflare.asked == []


def test_the_real_api_is_the_default_and_encrypted() -> None:
    text = PROGRAM.read_text()
    (defaults,) = documents(PROGRAM.parents[1] / "defaults/main.yml")
    for url in (defaults["cloudflare_ddns_api"], defaults["cloudflare_ddns_address_url"]):
        assert url.startswith("https://")
        assert f'"{url}"' in text


# -- what is rendered --------------------------------------------------------------------------------------------------


def test_off_means_no_file_and_no_mention(render: Render, tmp_path: Path) -> None:
    for layout in ("infra", "monorepo"):
        infra = render_infra(render, "ha", tmp_path, layout)
        assert infra.rendered_plan["ddns"] == {}
        root = infra.root if layout == "infra" else infra.root.parent
        mentioned = [path for path in files(root) if "ddns" in path.name or "cloudflare" in path.read_text().lower()]
        assert mentioned == []
        assert not [path for path in root.rglob("*") if "ddns" in path.name]


def test_on_means_one_machine_its_playbook_and_a_token_that_is_in_the_vault_alone(
    render: Render, tmp_path: Path
) -> None:
    infra = render_infra(render, "ha-with-overrides", tmp_path, "monorepo")
    assert infra.groups["ddns"]["hosts"] == {"dns1": None}
    wanted = {
        "zone": ZONE,
        "records": [ZONE, NAME],
        "machine": "dns1",
        "interval_seconds": 300,
        "secret": "machines/cloudflare-ddns",
    }
    assert infra.rendered_plan["ddns"] == wanted
    (play,) = documents(infra.ansible / "playbooks/ddns.yml")[0]
    assert (play["hosts"], play["roles"]) == ("ddns", [{"role": "cloudflare_ddns"}])
    token = infra.variables("ddns")["cloudflare_ddns_token"]
    assert token == "{{ lookup('fmc_secret', plan.ddns.secret, 'token', workspace=argocd_part) }}"
    (catalogue,) = documents(infra.root.parent / "argocd/secrets/catalogue.yaml")
    (entry,) = (row for row in catalogue["machines"] if row["name"] == "cloudflare-ddns")
    assert entry["values"]["token"]["generator"] == "external"


def test_the_token_is_a_file_of_roots_that_the_service_gets_as_a_credential(render: Render, tmp_path: Path) -> None:
    role = render_infra(render, "ha-with-overrides", tmp_path).ansible / "roles/cloudflare_ddns"
    tasks = documents(role / "tasks/main.yml")[0]
    (writes,) = (task for task in tasks if "cloudflare_ddns_token" in json.dumps(task))
    assert writes["no_log"] is True
    assert {key: writes["ansible.builtin.copy"][key] for key in ("owner", "mode")} == {"owner": "root", "mode": "0600"}
    unit = (role / "templates/cloudflare-ddns.service.j2").read_text()
    assert f"LoadCredential=token:{writes['ansible.builtin.copy']['dest']}\n" in unit
    assert "token" not in unit.split("ExecStart=")[1].split("SyslogIdentifier")[0]
    assert "Environment" not in unit
