"""What is wrong with a repository at a forge, and that the change, or what is advised, ends it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from generator.forges.compare import Aim, HookAim, differences
from generator.forges.locate import Place
from generator.forges.model import DeployKey, Hook, Protection, Repository
from tests.forges.memory import Memory

OWN = DeployKey("argocd@home", "ssh-ed25519 AAAAB3")
HOOK = HookAim("https://argocd.example.com/api/webhook?2", "s3cret")
AIM = Aim("argocd", "https://git.example.com/home/argocd.git", "main", keys=(OWN,), hook=HOOK)
GOOD = Memory(Repository(private=True, begun=True), [OWN], Protection(), [Hook(HOOK.url)])


def found(forge: Memory, aim: Aim = AIM) -> list[str]:
    return [f"{one.rule.id}: {one.found}" for one in differences(Place(forge, "home/argocd"), aim)]


@pytest.mark.parametrize(
    ("forge", "says"),
    [
        (replace(GOOD, there=Repository(private=False, begun=True)), "remotes/public: "),
        (replace(GOOD, registered=[replace(OWN, writes=True)]), "argocd@home should be one that may read"),
        (replace(GOOD, registered=[]), "argocd@home is not registered"),
        (replace(GOOD, guard=None), "remotes/unguarded: the branch main is not guarded"),
        (replace(GOOD, guard=Protection(forced=True)), "the branch main can be set back by force"),
        (replace(GOOD, guard=Protection(forced=True, deletable=True)), "can be set back by force and deleted"),
        (replace(GOOD, told=[]), "no webhook tells https://argocd.example.com/api/webhook"),
        (replace(GOOD, told=[Hook("https://argocd.example.com/api/webhook?1")]), "has an older secret"),
        (replace(GOOD, told=[Hook(HOOK.url, works=False)]), "does not work, or has an older secret"),
    ],
)
def test_each_difference_is_ended_by_its_change(forge: Memory, says: str) -> None:
    assert found(GOOD) == []
    (one,) = differences(Place(forge, "home/argocd"), AIM)
    assert says in f"{one.rule.id}: {one.found}"
    assert one.finding().fix.startswith("`fmc remotes create` ")
    assert "s3cret" not in f"{one.finding()}{AIM}"
    assert one.change
    one.change()
    assert not any(says in line for line in found(forge))


def test_what_is_missing_is_made_with_all_that_it_should_have() -> None:
    forge = Memory()
    plan = differences(Place(forge, "home/argocd"), AIM)
    assert [one.does for one in plan] == [
        "makes it, private and empty",
        "registers the key argocd@home, which may read",
        "guards it against force and deletion",
        "has pushes told to https://argocd.example.com/api/webhook",
    ]
    assert forge.there is None
    for one in plan:
        assert one.change
        one.change()
    assert found(forge) == []
    assert forge.secrets == {HOOK.url: "s3cret"}


def test_a_branch_takes_pull_requests_alone_once_it_exists() -> None:
    aim = replace(AIM, by_request=True)
    empty = replace(GOOD, there=Repository(private=True, begun=False))
    assert found(empty, aim) == []
    begun = replace(GOOD)
    (one,) = differences(Place(begun, "home/argocd"), aim)
    assert (one.rule.id, one.found) == ("remotes/pull-requests", "the branch main takes pushes")
    assert one.change
    one.change()
    assert begun.guard == Protection(by_request=True)
    assert found(begun, aim) == []


def test_what_people_guard_more_strictly_is_not_loosened() -> None:
    strict = replace(GOOD, guard=Protection(by_request=True))
    (one,) = differences(Place(strict, "home/argocd"), AIM)
    assert (one.rule.id, one.change) == ("remotes/pull-requests", None)
    # What it advises.
    assert "`forge: {delivery: pull-requests}`" in one.fix
    assert found(strict, replace(AIM, by_request=True)) == []


def test_a_strangers_key_that_may_push_is_named_and_left_to_people() -> None:
    stranger = DeployKey("old ci", "ssh-rsa AAAAold", writes=True)
    forge = replace(GOOD, registered=[OWN, stranger, DeployKey("reader", "ssh-rsa AAAAread")])
    (one,) = differences(Place(forge, "home/argocd"), AIM)
    assert (one.rule.id, one.change) == ("remotes/foreign-key", None)
    assert "the key old ci may push" in one.found
    # What it advises.
    assert "let it read alone" in one.fix
    forge.registered[1] = replace(stranger, writes=False)
    assert found(forge) == []
