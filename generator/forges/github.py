"""GitHub, and GitHub Enterprise: https://docs.github.com/rest."""

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

_RULESET = "fmc"
_FULL = {"per_page": "100"}


class GitHub:
    """GitHub by its REST API. Branches are guarded by a ruleset, which may come before the branch."""

    kind = Kind.GITHUB

    def __init__(self, api: Api) -> None:
        self._api = api

    def repository(self, path: str, branch: str) -> Repository | None:
        """Return a repository that is meant for a branch; None where there is none that this account sees."""
        found = self._api.find(f"/repos/{path}")
        if found is None:
            return None
        begun = self._api.find(f"/repos/{path}/branches/{quote(branch, safe='')}") is not None
        return Repository(bool(found["private"]), begun)

    def create(self, path: str, branch: str) -> None:  # noqa: ARG002 (the first push decides on the default branch)
        """Make an empty, private repository."""
        owner, _, name = path.partition("/")
        own = self._api.get("/user")["login"].lower() == owner.lower()
        body = {"name": name, "private": True, "auto_init": False}
        self._api.send("POST", "/user/repos" if own else f"/orgs/{owner}/repos", body)

    def make_private(self, path: str) -> None:
        """Close a repository to everybody but those who are let in."""
        self._api.send("PATCH", f"/repos/{path}", {"private": True})

    def keys(self, path: str) -> tuple[DeployKey, ...]:
        """Return the deploy keys of a repository."""
        return tuple(_key(one) for one in self._keys(path))

    def set_key(self, path: str, key: DeployKey) -> None:
        """Register a deploy key; one with other rights is replaced, since GitHub changes none."""
        for one in self._keys(path):
            if bare(one["key"]) == key.line:
                self._api.send("DELETE", f"/repos/{path}/keys/{one['id']}")
        self._api.send(
            "POST", f"/repos/{path}/keys", {"title": key.title, "key": key.line, "read_only": not key.writes}
        )

    def protection(self, path: str, branch: str) -> Protection | None:
        """Return how a branch is guarded, by whichever rulesets."""
        rules = {one["type"] for one in self._api.all(f"/repos/{path}/rules/branches/{quote(branch, safe='')}")}
        if not rules & {"non_fast_forward", "deletion", "pull_request"}:
            return None
        return Protection("pull_request" in rules, "non_fast_forward" not in rules, "deletion" not in rules)

    def protect(self, path: str, branch: str, protection: Protection) -> None:
        """Guard a branch by a ruleset of fmc's own; others stay."""
        rules: list[dict[str, Any]] = [{"type": "non_fast_forward"}, {"type": "deletion"}]
        if protection.by_request:
            flags = (
                "dismiss_stale_reviews_on_push",
                "require_code_owner_review",
                "require_last_push_approval",
                "required_review_thread_resolution",
            )
            # Who works alone approves no request of their own: none is demanded.
            parameters = {**dict.fromkeys(flags, False), "required_approving_review_count": 0}
            rules.append({"type": "pull_request", "parameters": parameters})
        body = {
            "name": _RULESET,
            "target": "branch",
            "enforcement": "active",
            "conditions": {"ref_name": {"include": [f"refs/heads/{branch}"], "exclude": []}},
            "rules": rules,
        }
        own = [one for one in self._api.all(f"/repos/{path}/rulesets", **_FULL) if one["name"] == _RULESET]
        if own:
            self._api.send("PUT", f"/repos/{path}/rulesets/{own[0]['id']}", body)
        else:
            self._api.send("POST", f"/repos/{path}/rulesets", body)

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
        config = {"url": url, "content_type": "json", "secret": secret, "insecure_ssl": "0"}
        body = {"name": "web", "active": True, "events": ["push"], "config": config}
        same = [one for one in self._hooks(path) if without_query(one["config"].get("url", "")) == without_query(url)]
        if same:
            self._api.send("PATCH", f"/repos/{path}/hooks/{same[0]['id']}", body)
        else:
            self._api.send("POST", f"/repos/{path}/hooks", body)

    def request(self, path: str, proposal: Proposal) -> PullRequest | None:
        """Return the newest pull request of a branch into another one; None where there was none."""
        head = f"{path.partition('/')[0]}:{proposal.branch}"
        query = {"head": head, "base": proposal.base, "state": "all", "sort": "created", "direction": "desc"}
        found = self._api.get(f"/repos/{path}/pulls", **query)
        return _request(found[0]) if found else None

    def open_request(self, path: str, proposal: Proposal) -> PullRequest:
        """Open a pull request."""
        body = {"title": proposal.title, "head": proposal.branch, "base": proposal.base, "body": proposal.text}
        return _request(self._api.send("POST", f"/repos/{path}/pulls", body))

    def _keys(self, path: str) -> list[Any]:
        return self._api.all(f"/repos/{path}/keys", **_FULL)

    def _hooks(self, path: str) -> list[Any]:
        return self._api.all(f"/repos/{path}/hooks", **_FULL)


def _key(one: Any) -> DeployKey:
    return DeployKey(one["title"], bare(one["key"]), not one["read_only"])


def _request(one: Any) -> PullRequest:
    state = State.OPEN if one["state"] == "open" else State.MERGED if one["merged_at"] else State.CLOSED
    return PullRequest(one["number"], one["html_url"], one["head"]["sha"], state)
