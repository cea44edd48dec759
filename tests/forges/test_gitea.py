"""What a real Gitea does with what fmc asks of it."""

from __future__ import annotations

import base64
import subprocess
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from generator.errors import RemoteError
from generator.forges.compare import Aim, HookAim, differences
from generator.forges.gitea import Gitea
from generator.forges.locate import Place, Settings, kind_of, locate
from generator.forges.model import DeployKey, Kind, Proposal, Protection, State, bare
from generator.secrets.making.ssh import key_pair
from tests.forges.changes import rules_and_change

if TYPE_CHECKING:
    from pathlib import Path

    from tests.forges.gitea import Server

pytestmark = pytest.mark.tools
HOOK = HookAim("https://argocd.home.example.com/api/webhook?revision=1", "s3cret-of-the-hook")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def git(folder: Path, *arguments: str, token: str) -> subprocess.CompletedProcess[str]:
    basic = base64.b64encode(f"ada:{token}".encode()).decode()
    settings = {
        "user.name": "Ada",
        "user.email": "ada@example.org",
        "http.extraHeader": f"Authorization: Basic {basic}",
    }
    variables = {"GIT_CONFIG_COUNT": str(len(settings)), "GIT_CONFIG_GLOBAL": "/dev/null", "HOME": str(folder)}
    for number, (key, value) in enumerate(settings.items()):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    command = ["git", *arguments]
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "no_proxy": "127.0.0.1", **variables}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.parametrize("owner", ["ada", "team"])
def test_a_repository_becomes_what_it_should_be_and_takes_a_pull_request(
    forge: Server, owner: str, tmp_path: Path
) -> None:
    url = f"{forge.url}/{owner}/infra.git"
    assert kind_of(url, Settings()) is Kind.GITEA
    place = locate(url, Settings(), forge.token)
    key = DeployKey("argocd@home", bare(key_pair("argocd@home")[1]))
    aim = Aim("infra", url, "main", by_request=True, keys=(key,), hook=HOOK)
    assert rules_and_change(place, aim) == [
        "remotes/missing",
        "remotes/deploy-key",
        "remotes/unguarded",
        "remotes/webhook",
    ]
    assert differences(place, aim) == ()
    made = forge.api("GET", f"/repos/{owner}/infra")
    assert (made["private"], made["empty"], made["default_branch"]) == (True, True, "main")
    (registered,) = forge.api("GET", f"/repos/{owner}/infra/keys")
    assert registered["read_only"] is True

    work = tmp_path / "work"
    work.mkdir()
    git(work, "init", "--quiet", "--initial-branch=main", token="")
    for number in ("1", "2"):
        git(work, "commit", "--quiet", "--allow-empty", "--message", number, token="")
    assert git(work, "push", url, "main", token=forge.token).returncode == 0
    for refused in ("+HEAD~:main", ":main"):
        assert git(work, "push", url, refused, token=forge.token).returncode == 1
    # It notes a moment after the first push that the repository is not empty any more.
    deadline = time.monotonic() + 20
    while forge.api("GET", f"/repos/{owner}/infra")["empty"] and time.monotonic() < deadline:
        time.sleep(0.05)
    # Now that the branch exists, it takes pull requests alone.
    assert rules_and_change(place, aim) == ["remotes/pull-requests"]
    assert differences(place, aim) == ()
    git(work, "commit", "--quiet", "--allow-empty", "--message", "3", token="")
    declined = git(work, "push", url, "main", token=forge.token)
    assert (declined.returncode, "protected branch" in declined.stderr) == (1, True), declined.stderr

    # A key with other rights and a hook with another secret are replaced.
    aim = replace(aim, keys=(replace(key, writes=True),), hook=replace(HOOK, url=HOOK.url.replace("=1", "=2")))
    assert rules_and_change(place, aim) == ["remotes/deploy-key", "remotes/webhook"]
    assert differences(place, aim) == ()
    assert len(forge.api("GET", f"/repos/{owner}/infra/hooks")) == 1

    _pull_requests(forge, place, url, work)


def _pull_requests(forge: Server, place: Place, url: str, work: Path) -> None:
    client, path = place.forge, place.path
    assert isinstance(client, Gitea)
    for number, state in ((1, State.MERGED), (2, State.CLOSED)):
        proposal = Proposal(f"fmc-run-{number}", "main", "Seal secrets", "Made by fmc.")
        (work / f"{number}.txt").write_text("changed\n")
        git(work, "add", "--all", token="")
        git(work, "commit", "--quiet", "--message", str(number), token="")
        head = git(work, "rev-parse", "HEAD", token="").stdout.strip()
        assert git(work, "push", url, f"HEAD:{proposal.branch}", token=forge.token).returncode == 0
        assert client.request(path, proposal) is None
        opened = client.open_request(path, proposal)
        assert (opened.commit, opened.state) == (head, State.OPEN)
        assert client.request(path, proposal) == opened
        if state is State.MERGED:
            body = {"Do": "merge", "delete_branch_after_merge": True}
            forge.api("POST", f"/repos/{path}/pulls/{opened.number}/merge", body)
        else:
            forge.api("PATCH", f"/repos/{path}/pulls/{opened.number}", {"state": "closed"})
        ended = client.request(path, proposal)
        assert ended
        assert (ended.number, ended.state, ended.commit) == (opened.number, state, head)


def test_what_it_refuses_is_told_in_its_own_words(forge: Server) -> None:
    place = locate(f"{forge.url}/team/elsewhere.git", Settings(), forge.token)
    place.forge.create(place.path, "main")
    with pytest.raises(RemoteError, match=r"declined .* 409\); it said: .*already exists"):
        place.forge.create(place.path, "main")
    with pytest.raises(RemoteError, match="does not know the token") as caught:
        locate(f"{forge.url}/team/x.git", Settings(), "a-token-of-nobody").forge.create("team/x", "main")
    assert "Set FMC_GIT_TOKEN to a token that has the scopes" in (caught.value.fix or "")
    assert "a-token-of-nobody" not in caught.value.message
    nobodys = locate(f"{forge.url}/nobody/x.git", Settings(), forge.token)
    with pytest.raises(RemoteError, match="has nothing of the kind") as caught:
        nobodys.forge.create("nobody/x", "main")
    assert "make the group or organisation" in (caught.value.fix or "")
    assert place.forge.protection(place.path, "main") is None
    place.forge.protect(place.path, "main", Protection())
    assert place.forge.protection(place.path, "main") == Protection()
