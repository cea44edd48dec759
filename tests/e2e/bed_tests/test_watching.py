"""What watches during rotations sees what it has to: a client that is refused or shut out, a Secret that is wrong."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import bcrypt

from tests.e2e.bed.api import Api
from tests.e2e.bed.authority import Authority
from tests.e2e.bed.forge import Forge
from tests.e2e.bed.waiting import wait_for
from tests.e2e.client import Client, Passwords
from tests.e2e.doors import ArgoCd, MountedSecret
from tests.e2e.watcher import Watcher

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "apps/users"


class Door:
    """Opens with one password."""

    password = "first"

    def opens(self, password: str) -> bool:
        return password == self.password


def client(door: Door, *known: str) -> Client:
    passwords = Mock(Passwords)
    passwords.known.side_effect = lambda: known
    return Client("door", passwords, door.opens)


def test_a_client_that_knows_the_next_password_is_refused_once_and_never_shut_out() -> None:
    door = Door()
    with client(door, "first", "second") as asking:
        wait_for("the first questions", lambda: len(asking.asked) > 2)
        door.password = "second"
        changed = time.monotonic()
        wait_for("some more questions", lambda: len([at for at in asking.asked if at > changed]) > 5)
    assert asking.shut_out == []
    assert [at for at in asking.refused if at < changed - 0.1] == []
    assert 1 <= len(asking.refused) <= 2


def test_a_client_whose_passwords_are_all_wrong_is_shut_out() -> None:
    door = Door()
    door.password = "another"
    with client(door, "first", "second") as asking:
        wait_for("some questions", lambda: len(asking.asked) > 2)
    assert len(asking.shut_out) == len(asking.refused) == len(asking.asked)


def test_a_client_asks_twenty_times_a_second() -> None:
    with client(Door(), "first") as asking:
        time.sleep(1)
    assert 5 <= asking.rate <= 21


def encoded(**data: str) -> dict[str, str]:
    return {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}


def cluster(status: str, **data: str) -> Api:
    """A cluster with one SealedSecret and its Secret."""
    metadata = {"namespace": "apps", "name": "users"}
    condition = {"type": "Synced", "status": status, "message": "no key could decrypt secret"}
    held: dict[str, list[dict[str, Any]]] = {
        "SealedSecret": [{"metadata": metadata, "status": {"conditions": [condition]}}],
        "Secret": [{"metadata": metadata, "data": encoded(**data)}],
    }
    api = Mock(Api)
    api.objects.side_effect = held.get
    return api


def faults(api: Api) -> set[str]:
    with Watcher(api, {SECRET: {"password": b"right"}}) as watcher:
        wait_for("a look", lambda: watcher.looks)
    return set(watcher.faults)


def test_the_watcher_names_what_is_wrong() -> None:
    assert faults(cluster("True", password="right")) == set()
    assert faults(cluster("False", password="right")) == {f"{SECRET}: no key could decrypt secret"}
    assert faults(cluster("True", password="wrong")) == {f"{SECRET}: password has other bytes"}
    assert faults(cluster("True")) == {f"{SECRET}: password is gone"}


def test_a_mounted_file_is_there_whole_at_each_moment(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("tests.e2e.doors.RENEWS_EVERY", 0.1)
    api, texts = Mock(Api), ["first" * 100, "second" * 100]
    api.get.return_value = {"data": encoded(password=texts[0])}
    with MountedSecret(tmp_path / "mounted", api, SECRET) as mounted:
        file, seen = mounted.folder / "password", set()
        begin = time.monotonic()
        while time.monotonic() - begin < 2:
            api.get.return_value = {"data": encoded(password=texts[int(time.monotonic() * 5) % 2])}
            seen.add(file.read_text())
    assert seen == set(texts)
    assert not mounted.folder.exists()


def test_the_forge_takes_two_tokens_until_one_is_revoked(tmp_path: Path) -> None:
    forge = Forge(tmp_path / "git", Authority(tmp_path / "pki", "ca"), "git.example.com")
    first = forge.read_token
    second = forge.issue()
    assert forge.read_token == second != first
    assert [token for _, token in forge.readers] == [first, second]
    forge.revoke(first)
    assert [token for _, token in forge.readers] == [second]


def test_at_argo_cd_the_password_of_before_counts_until_its_sessions_end(monkeypatch: Any) -> None:
    """The server hears of its Secret a moment later, and whoever tries both in that moment is locked out."""
    hashes = {text: bcrypt.hashpw(text.encode(), bcrypt.gensalt(4)).decode() for text in ("first", "second")}
    api, sessions = Mock(Api), {"first": True, "second": False}
    monkeypatch.setattr("tests.e2e.doors.log_in", lambda password: password if sessions[password] else "")
    monkeypatch.setattr("tests.e2e.doors.is_in", sessions.__getitem__)
    argocd = ArgoCd(api)
    api.get.return_value = {"data": encoded(**{"admin.password": hashes["first"]})}
    assert argocd.likely(("first",)) == "first"
    assert argocd.opens("first")
    api.get.return_value = {"data": encoded(**{"admin.password": hashes["second"]})}
    assert argocd.likely(("second", "first")) == "first"
    assert argocd.opens("first")
    sessions.update(first=False, second=True)
    assert argocd.likely(("second", "first")) == "second"
    assert argocd.opens("second")
    assert argocd.likely(("second", "first")) == "second"
