"""`fmc rotate` on the bed: each secret of the catalogue, one command each, while clients ask all the time."""

from __future__ import annotations

import re
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pytest

from generator.secrets.catalogue.model import Constant, Form
from generator.secrets.sealing.crypto import load_private_keys, unseal
from generator.secrets.sealing.documents import documents_of
from generator.secrets.sealing.trust import active_key
from tests.e2e.applications import applications, complaints
from tests.e2e.bed.waiting import wait_for
from tests.e2e.client import Client, Passwords
from tests.e2e.course import GIT, OWN, Course, add_an_entry_of_ones_own, is_left_alone, rotate_each
from tests.e2e.doors import ARGOCD, HELLO, TRAEFIK, ArgoCd, Hello, held, in_htpasswd, reads
from tests.e2e.rotation import APPLICATION, Rotation, catalogue_of, rotate
from tests.secrets.test_rendered import expected

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.rollout import Rollout

COUNT = 20
"""Rotations during which the clients ask."""
QUIET_SECONDS = 2
"""How long they go on asking when one is over."""
LEAST = {ARGOCD: 0.5, TRAEFIK: 10.0, HELLO: 10.0}
"""How often in a second a client has to get its answer on a busy machine. Argo CD takes about a second for a login."""
GRAFANA, MACHINES = "monitoring/grafana-admin", "machines/k3s"
OVERLAP = {
    # One second for the watch by which the server hears of its Secret.
    "at the next log-in; older sessions end": 1.0,
    "within seconds": 5.0,
    "after about a minute, once the kubelet has renewed the volume": 60.0,
}
"""Seconds that fmc declares, by its words, between what is delivered and what counts: `noticed` in the catalogue."""


@dataclass(frozen=True)
class Twenty:
    """Twenty rotations.

    Attributes:
        course: Those of single entries.
        all: All of them, in their order.
        machines: That of the machines' secrets, which is none of the twenty.
        clients: Who asked meanwhile.
        opens: Whether the password of before and the last one open in the end, by `namespace/name`.
        root: When root's last sync began, before the first rotation and after the last one.
    """

    course: Course
    all: tuple[Rotation, ...]
    machines: Rotation
    clients: tuple[Client, ...]
    opens: dict[str, tuple[bool, bool]]
    root: tuple[str, str]


@pytest.fixture(scope="module")
def twenty(rollout: Rollout, evidence: Callable[[str], None]) -> Twenty:
    add_an_entry_of_ones_own(rollout)
    before, begin = rollout.last_sync_of_root(), time.monotonic()
    with ExitStack() as stack:
        clients = tuple(map(stack.enter_context, clients_of(rollout, stack.enter_context(Hello(rollout)))))
        wait_for("the first answers", lambda: all(client.asked for client in clients))
        course = rotate_each(rollout)
        evidence(f"{len(course.rotations)} entries one after the other: {time.monotonic() - begin:.0f} s")
        machines = rotate(rollout, MACHINES)
        rotations = [*course.rotations.values(), rotate(rollout, "--all")]
        while len(rotations) < COUNT:
            time.sleep(QUIET_SECONDS)
            rotations.append(rotate(rollout, *(client.secret for client in clients)))
        opens = {}
        for client in clients:
            old, new = rotations[-1].password(client.secret, client.passwords.value)
            wait_for(f"the last password of {client.secret}", partial(client.opens, new))
            opens[client.secret] = client.opens(old), client.opens(new)
        time.sleep(OVERLAP["within seconds"])
    rollout.wait_until_done()
    evidence(f"{len(rotations)} rotations: {time.monotonic() - begin:.0f} s until all was done")
    return Twenty(course, tuple(rotations), machines, clients, opens, (before, rollout.last_sync_of_root()))


def clients_of(rollout: Rollout, hello: Hello) -> list[Client]:
    """Return who asks: at the real Argo CD, at the Secret of Traefik's BasicAuth, and at the real hello."""
    api = rollout.bed.api
    argocd = ArgoCd(api)

    def traefik(password: str) -> bool:
        return in_htpasswd(password, held(api, TRAEFIK, "users"))

    return [
        # It takes one login after the other: what waits there would be judged by a Secret of long after the question.
        Client("Argo CD's login", Passwords(rollout, ARGOCD, "admin"), argocd.opens, argocd.likely, at_once=1),
        Client("Traefik's BasicAuth", Passwords(rollout, TRAEFIK, "admin"), traefik),
        Client("a mounted file", Passwords(rollout, HELLO, "hello"), hello.opens),
    ]


def test_each_entry_of_the_catalogue_has_new_bytes_by_one_command(
    rollout: Rollout, twenty: Twenty, evidence: Callable[[str], None]
) -> None:
    entries = {secret.id: secret for secret in catalogue_of(rollout).secrets}
    assert twenty.course.rotations.keys() | twenty.course.refused.keys() == entries.keys()
    for name, rotation in twenty.course.rotations.items():
        before, after = rotation.before[name].data, rotation.after[name].data
        wanted = expected(rotation.vaults[1], entries[name])
        made = [key for key, datum in entries[name].data.items() if not isinstance(datum, Constant)]
        # The names alone are printed when this fails.
        assert [key for key in wanted if after[key] != wanted[key]] == [], name
        assert [key for key in made if after[key] == before[key]] == [], name
        assert rotation.secrets == {name}
        evidence(f"{name}: {', '.join(made)} are others {rotation.delivered - rotation.begun:.1f} s after the command")


def test_no_rotation_sends_root_through_its_waves(twenty: Twenty) -> None:
    """Nothing that root applies changes, and a sync of root takes minutes in which newer commits wait."""
    before, after = twenty.root
    assert before == after


def test_what_nothing_can_replace_is_refused_with_the_reason(
    rollout: Rollout, twenty: Twenty, evidence: Callable[[str], None]
) -> None:
    assert set(twenty.course.refused) == {
        secret.id for secret in catalogue_of(rollout).secrets if is_left_alone(secret)
    }
    for name, said in twenty.course.refused.items():
        assert "can't be rotated" in said or "has no value" in said
        evidence(f"{name}: {said.splitlines()[0]}")


def test_pods_that_name_a_secret_are_replaced_by_a_change_in_git(
    rollout: Rollout, twenty: Twenty, evidence: Callable[[str], None]
) -> None:
    entries = {secret.id: secret for secret in catalogue_of(rollout).secrets}
    restarting = {name for name, rotation in twenty.course.rotations.items() if rotation.document["restarts"]}
    assert restarting >= {GRAFANA, OWN, "jenkins/jenkins-admin", "jenkins/jenkins-git"}
    for name in restarting:
        rotation = twenty.course.rotations[name]
        before, after = rotation.before[name].pods, rotation.after[name].pods
        assert before
        assert not before.keys() & after.keys(), name
        wanted = f"{name}={rotation.revision(entries[name])}"
        assert all(wanted in named.split() for named in after.values()), name
        files = {line["file"].rpartition("/workspace/")[2] for line in rotation.document["restarts"]}
        for file in files:
            part, _, path = file.partition("/")
            change = rollout.user.do(
                "git", "diff", *rotation.commits[part], "--", path, cwd=rollout.user.workspace / part
            )
            assert wanted in change
        evidence(f"{name}: {len(after)} pods for {len(before)} of before, by {', '.join(sorted(files))}")
    untouched = {name: rotation for name, rotation in twenty.course.rotations.items() if name not in restarting}
    assert all(not rotation.before[name].pods for name, rotation in untouched.items())


def test_a_password_of_before_is_dead(rollout: Rollout, twenty: Twenty, evidence: Callable[[str], None]) -> None:
    """At the real Argo CD and hello, and in each htpasswd file, as Traefik would read it."""
    assert twenty.opens == dict.fromkeys((ARGOCD, TRAEFIK, HELLO), (False, True))
    entries = {secret.id: secret for secret in catalogue_of(rollout).secrets}
    files = 0
    for name, rotation in twenty.course.rotations.items():
        for key, datum in entries[name].data.items():
            if not isinstance(datum, Constant) and datum.form is Form.HTPASSWD:
                old, new = rotation.password(name, datum.source)
                users = rotation.after[name].data[key]
                assert (in_htpasswd(old, users), in_htpasswd(new, users)) == (False, True), name
                files += 1
    assert files >= 4
    evidence(f"Argo CD and hello refuse the password of before, and so would {files} htpasswd files")


def test_argo_cds_sessions_end_and_its_own_key_stays(twenty: Twenty) -> None:
    assert twenty.course.session is False
    rotation = twenty.course.rotations[ARGOCD]
    before, after = rotation.before[ARGOCD].data, rotation.after[ARGOCD].data
    assert before["server.secretkey"] == after["server.secretkey"]


def test_a_git_token_is_replaced_in_two_steps_without_a_gap(
    rollout: Rollout, twenty: Twenty, evidence: Callable[[str], None]
) -> None:
    old, new = twenty.course.rotations[GIT].password(GIT, "token")
    assert (reads(rollout.user.url("argocd"), old), reads(rollout.user.url("argocd"), new)) == (False, True)
    assert twenty.course.token is not None
    with_old, with_new = twenty.course.token
    assert with_old == 0
    assert with_new > 0
    evidence(f"since the token of before is revoked, Argo CD came {with_new} times with the new one, never with it")


def test_a_key_whose_other_half_is_elsewhere_takes_two_steps(twenty: Twenty, evidence: Callable[[str], None]) -> None:
    assert twenty.course.step is not None
    first, stayed = twenty.course.step
    assert stayed
    assert first.commits["argocd"][0] == first.commits["argocd"][1]
    (prepared,) = first.document["register"]
    second = twenty.course.rotations[OWN]
    record = second.vaults[1].values[OWN]["key"]
    assert prepared["public_key"] == record.public["public"]
    assert record.secret.reveal() == second.after[OWN].data["sshPrivateKey"]
    (retired,) = second.document["retired"]
    assert retired["public_key"] == second.vaults[0].values[OWN]["key"].public["public"]
    evidence("the next public half is printed, and nothing is changed; --registered lets it count")


def test_what_machines_need_comes_by_the_playbook_that_is_named(twenty: Twenty) -> None:
    assert set(twenty.machines.document["rotated"]) == {f"{MACHINES}: agent-token", f"{MACHINES}: token"}
    assert twenty.machines.document["playbooks"] == ["rotate-token.yml"]
    assert twenty.machines.commits["argocd"][0] == twenty.machines.commits["argocd"][1]


def test_all_replaces_everything_that_fmc_makes(rollout: Rollout, twenty: Twenty) -> None:
    everything = next(rotation for rotation in twenty.all if len(rotation.secrets) > len(twenty.clients))
    of_people = {line["secret"] for line in everything.document["left"]}
    with_values = {secret.id for secret in catalogue_of(rollout).secrets if secret.values}
    assert everything.secrets == with_values - of_people
    assert GIT in of_people
    assert len(everything.secrets) >= 9


@pytest.mark.parametrize("number", range(3), ids=["argocd", "traefik", "mounted-file"])
def test_a_client_is_never_shut_out_and_refused_in_declared_overlaps_alone(
    twenty: Twenty, number: int, evidence: Callable[[str], None]
) -> None:
    """Shut out: neither the password that the vault has nor the one before it opens. Refused: the first try fails."""
    client = twenty.clients[number]
    replaced = [rotation for rotation in twenty.all if client.secret in rotation.secrets]
    overlaps = [(each.begun, each.delivered + declared(each, client.secret)) for each in replaced]
    evidence(
        f"{client.name}: asked {len(client.asked)} times, {client.rate:.1f} a second, in {len(twenty.all)} rotations, "
        f"{len(replaced)} of them its own; refused {len(client.refused)} times, shut out {len(client.shut_out)} times"
    )
    assert len(replaced) >= 5
    assert client.rate >= LEAST[client.secret]
    assert client.errors == []
    assert client.shut_out == []
    outside = [at for at in client.refused if not any(begin <= at <= end for begin, end in overlaps)]
    assert outside == []


def declared(rotation: Rotation, secret: str) -> float:
    """Return how long a reader may take by what fmc says of this rotation, in seconds."""
    (when,) = (line["when"] for line in rotation.document["noticed"] if line["secret"] == secret)
    return OVERLAP[when]


# The five rows of the system's table of continuous operation. One command does them all: `fmc rotate NAME`.


@pytest.fixture(scope="module")
def one(twenty: Twenty) -> Rotation:
    return twenty.course.rotations[GRAFANA]


def test_row_1_a_new_safe_password_is_made(one: Rotation) -> None:
    old, new = one.password(GRAFANA, "admin")
    assert old != new
    assert re.fullmatch("[A-Za-z][-_A-Za-z0-9]{31}", new)
    assert one.vaults[1].history[GRAFANA]["admin"][0].secret.reveal().decode() == old


def test_row_2_the_sealed_secret_is_encrypted_anew(rollout: Rollout, one: Rotation) -> None:
    folder, path = rollout.user.workspace / "argocd", f"secrets/{GRAFANA}.sealed.yaml"
    key = active_key(catalogue_of(rollout), one.vaults[1])
    keys = load_private_keys([key.private_key])
    opened = []
    for commit in one.commits["argocd"]:
        text = rollout.user.do("git", "show", f"{commit}:{path}", cwd=folder)
        (document,) = documents_of(text.encode())
        opened.append(unseal(keys, document.ciphertexts["admin-password"], document.label).reveal().decode())
    assert tuple(opened) == one.password(GRAFANA, "admin")


def test_row_3_it_is_committed_and_pushed(rollout: Rollout, one: Rotation) -> None:
    folder, (before, after) = rollout.user.workspace / "argocd", one.commits["argocd"]
    assert rollout.user.do("git", "rev-list", f"{before}..{after}", cwd=folder).split() == [after]
    assert rollout.user.do("git", "log", "-1", "--format=%s", after, cwd=folder).strip() == f"Rotate {GRAFANA}"
    changed = rollout.user.do("git", "diff", "--name-only", before, after, cwd=folder).split()
    assert changed == ["platform/kube-prometheus-stack/values.yaml", f"secrets/{GRAFANA}.sealed.yaml"]
    (pushed,) = (line for line in one.document["delivered"] if line["part"] == "argocd")
    assert pushed["commit"] == after


def test_row_4_argo_cd_applies_it(rollout: Rollout, one: Rotation) -> None:
    """By itself: nobody asked it to. It is at what was pushed since, too."""
    secret = next(secret for secret in catalogue_of(rollout).secrets if secret.id == GRAFANA)
    wanted = expected(one.vaults[1], secret)
    assert wanted.items() <= one.after[GRAFANA].data.items()
    assert complaints(applications(rollout.bed.api)[APPLICATION], rollout.revisions()) == []


def test_row_5_the_pods_restart(one: Rotation) -> None:
    assert one.before[GRAFANA].pods
    assert not one.before[GRAFANA].pods.keys() & one.after[GRAFANA].pods.keys()
