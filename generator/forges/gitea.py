"""Gitea and Forgejo, whose API is the same in all that is used here: https://docs.gitea.com/api."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from generator.forges.model import (
    DeployKey,
    Hook,
    Kind,
    Protection,
    PullRequest,
    Repository,
    State,
    bare,
    without_query,
)

if TYPE_CHECKING:
    from generator.forges.http import Api
    from generator.forges.model import Proposal

_FULL = {"limit": "50"}


class Gitea:
    """Gitea or Forgejo by its API."""

    kind = Kind.GITEA

    def __init__(self, api: Api) -> None:
        self._api = api

    def repository(self, path: str, branch: str) -> Repository | None:
        """Return a repository that is meant for a branch; None where there is none that this account sees."""
        found = self._api.find(f"/repos/{path}")
        if found is None:
            return None
        # Asked for a branch of an empty repository, it fails with an error of its own.
        begun = not found["empty"] and self._api.find(f"/repos/{path}/branches/{quote(branch, safe='')}") is not None
        return Repository(bool(found["private"]), begun)

    def create(self, path: str, branch: str) -> None:
        """Make an empty, private repository, whose default branch will be this one."""
        owner, _, name = path.partition("/")
        own = self._api.get("/user")["login"].lower() == owner.lower()
        body = {"name": name, "private": True, "auto_init": False, "default_branch": branch}
        self._api.send("POST", "/user/repos" if own else f"/orgs/{owner}/repos", body)

    def make_private(self, path: str) -> None:
        """Close a repository to everybody but those who are let in."""
        self._api.send("PATCH", f"/repos/{path}", {"private": True})

    def keys(self, path: str) -> tuple[DeployKey, ...]:
        """Return the deploy keys of a repository."""
        return tuple(DeployKey(one["title"], bare(one["key"]), not one["read_only"]) for one in self._keys(path))

    def set_key(self, path: str, key: DeployKey) -> None:
        """Register a deploy key; one with other rights is replaced, since Gitea changes none."""
        for one in self._keys(path):
            if bare(one["key"]) == key.line:
                self._api.send("DELETE", f"/repos/{path}/keys/{one['id']}")
        self._api.send(
            "POST", f"/repos/{path}/keys", {"title": key.title, "key": key.line, "read_only": not key.writes}
        )

    def protection(self, path: str, branch: str) -> Protection | None:
        """Return how a branch is guarded; Gitea deletes no branch that is."""
        found = self._rule(path, branch)
        if found is None:
            return None
        return Protection(not found["enable_push"], bool(found.get("enable_force_push")))

    def protect(self, path: str, branch: str, protection: Protection) -> None:
        """Guard a branch, whether it exists or not."""
        rule = {"enable_push": not protection.by_request, "enable_force_push": False}
        if self._rule(path, branch) is None:
            self._api.send("POST", f"/repos/{path}/branch_protections", {"rule_name": branch, **rule})
        else:
            self._api.send("PATCH", f"/repos/{path}/branch_protections/{quote(branch, safe='')}", rule)

    def hooks(self, path: str) -> tuple[Hook, ...]:
        """Return the webhooks of a repository."""
        return tuple(
            Hook(
                one["config"].get("url", ""),
                bool(one["active"]) and "push" in one["events"] and one["config"].get("content_type") == "json",
            )
            for one in self._hooks(path)
        )

    def set_hook(self, path: str, url: str, secret: str) -> None:
        """Have pushes told to an address; a webhook that tells the same address, whatever its query, is replaced."""
        body = {
            "type": "gitea",
            "active": True,
            "events": ["push"],
            "config": {"url": url, "content_type": "json", "secret": secret},
        }
        for one in self._hooks(path):
            if without_query(one["config"].get("url", "")) == without_query(url):
                # A change leaves the secret as it was.
                self._api.send("DELETE", f"/repos/{path}/hooks/{one['id']}")
        self._api.send("POST", f"/repos/{path}/hooks", body)

    def request(self, path: str, proposal: Proposal) -> PullRequest | None:
        """Return the newest pull request of a branch into another one; None where there was none."""
        found = [
            one
            for one in self._api.all(f"/repos/{path}/pulls", state="all", **_FULL)
            if (one["head"]["ref"], one["base"]["ref"]) == (proposal.branch, proposal.base)
            # Of a branch that is gone the forge keeps the number alone.
            or (one["head"].get("label"), one["base"]["ref"]) == (proposal.branch, proposal.base)
        ]
        return _request(max(found, key=lambda one: int(one["number"]))) if found else None

    def open_request(self, path: str, proposal: Proposal) -> PullRequest:
        """Open a pull request."""
        body = {"title": proposal.title, "head": proposal.branch, "base": proposal.base, "body": proposal.text}
        return _request(self._api.send("POST", f"/repos/{path}/pulls", body))

    def _rule(self, path: str, branch: str) -> Any | None:
        rules = self._api.all(f"/repos/{path}/branch_protections")
        return next((one for one in rules if branch in (one.get("rule_name"), one.get("branch_name"))), None)

    def _keys(self, path: str) -> list[Any]:
        return self._api.all(f"/repos/{path}/keys", **_FULL)

    def _hooks(self, path: str) -> list[Any]:
        return self._api.all(f"/repos/{path}/hooks", **_FULL)


def _request(one: Any) -> PullRequest:
    state = State.MERGED if one["merged"] else State.OPEN if one["state"] == "open" else State.CLOSED
    return PullRequest(one["number"], one["html_url"], one["head"]["sha"], state)
