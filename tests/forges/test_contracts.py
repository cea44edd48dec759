"""GitHub and GitLab as their documentation has them: from nothing to what should be, and a pull request."""

from __future__ import annotations

import pytest

from generator.forges.compare import Aim, HookAim
from generator.forges.github import GitHub
from generator.forges.gitlab import GitLab
from generator.forges.http import Api
from generator.forges.locate import Place
from generator.forges.model import DeployKey, Proposal, State
from tests.forges.changes import rules_and_change
from tests.forges.tape import play

TOKEN = "token-of-the-test"
HOOK = HookAim("https://argocd.home.example.com/api/webhook?1", "s3cret-of-the-hook")
AIM = Aim(
    "infra",
    "https://git.example.com/team/infra.git",
    "main",
    by_request=True,
    keys=(DeployKey("argocd@home", "ssh-ed25519 AAAAB3"),),
    hook=HOOK,
)
PROPOSAL = Proposal("fmc-run-1", "main", "Seal secrets", "Made by fmc.")


@pytest.mark.parametrize(("contract", "kind"), [("github.yaml", GitHub), ("gitlab.yaml", GitLab)])
def test_a_repository_becomes_what_it_should_be_and_takes_a_pull_request(
    contract: str, kind: type[GitHub] | type[GitLab]
) -> None:
    with play(contract) as tape:
        forge = kind(Api(tape.url, {"Authorization": f"Bearer {TOKEN}"}))
        place = Place(forge, "team/infra")
        # Before the first push no pull request could bring the branch there.
        made = ["remotes/missing", "remotes/deploy-key", "remotes/unguarded", "remotes/webhook"]
        assert rules_and_change(place, AIM) == made
        assert rules_and_change(place, AIM) == ["remotes/foreign-key", "remotes/pull-requests"]
        assert forge.request("team/infra", PROPOSAL) is None
        opened = forge.open_request("team/infra", PROPOSAL)
        assert (opened.number, opened.state, opened.page.endswith("/1347")) == (1347, State.OPEN, True)
        for state in (State.MERGED, State.CLOSED):
            found = forge.request("team/infra", PROPOSAL)
            assert found is not None
            assert (found.commit, found.state) == (opened.commit, state)
        assert all(headers["Authorization"] == f"Bearer {TOKEN}" for headers in tape.seen)
