"""GitLab: https://docs.gitlab.com/api/rest."""

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

_FULL = {"per_page": "100"}
# https://docs.gitlab.com/api/protected_branches/#valid-access-levels
_NOBODY, _MAINTAINERS = 0, 40


class GitLab:
    """GitLab by its REST API. A repository is a project, a pull request a merge request."""

    kind = Kind.GITLAB

    def __init__(self, api: Api) -> None:
        self._api = api

    def repository(self, path: str, branch: str) -> Repository | None:
        """Return a project that is meant for a branch; None where there is none that this account sees."""
        found = self._api.find(_project(path))
        if found is None:
            return None
        begun = self._api.find(f"{_project(path)}/repository/branches/{quote(branch, safe='')}") is not None
        return Repository(found["visibility"] == "private", begun)

    def create(self, path: str, branch: str) -> None:
        """Make an empty, private project, whose default branch will be this one."""
        group, _, name = path.rpartition("/")
        namespace = self._api.get(f"/namespaces/{quote(group, safe='')}")["id"]
        body = {"name": name, "path": name, "namespace_id": namespace, "visibility": "private"}
        self._api.send("POST", "/projects", {**body, "initialize_with_readme": False, "default_branch": branch})

    def make_private(self, path: str) -> None:
        """Close a project to everybody but those who are let in."""
        self._api.send("PUT", _project(path), {"visibility": "private"})

    def keys(self, path: str) -> tuple[DeployKey, ...]:
        """Return the deploy keys of a project."""
        return tuple(DeployKey(one["title"], bare(one["key"]), bool(one["can_push"])) for one in self._keys(path))

    def set_key(self, path: str, key: DeployKey) -> None:
        """Register a deploy key; one with other rights is changed."""
        there = next((one for one in self._keys(path) if bare(one["key"]) == key.line), None)
        body = {"title": key.title, "can_push": key.writes}
        if there:
            self._api.send("PUT", f"{_project(path)}/deploy_keys/{there['id']}", body)
        else:
            self._api.send("POST", f"{_project(path)}/deploy_keys", {**body, "key": key.line})

    def protection(self, path: str, branch: str) -> Protection | None:
        """Return how a branch is guarded; GitLab deletes no branch that is by Git."""
        found = self._api.find(f"{_project(path)}/protected_branches/{quote(branch, safe='')}")
        if found is None:
            return None
        pushing = [one for one in found["push_access_levels"] if one["access_level"] != _NOBODY]
        return Protection(not pushing, bool(found["allow_force_push"]))

    def protect(self, path: str, branch: str, protection: Protection) -> None:
        """Guard a branch, whether it exists or not; what guards it otherwise is replaced."""
        rules = f"{_project(path)}/protected_branches"
        if self._api.find(f"{rules}/{quote(branch, safe='')}") is not None:
            # Without a licence, the levels of an existing rule can't be changed.
            self._api.send("DELETE", f"{rules}/{quote(branch, safe='')}")
        body = {
            "name": branch,
            "push_access_level": _NOBODY if protection.by_request else _MAINTAINERS,
            "merge_access_level": _MAINTAINERS,
            "allow_force_push": False,
        }
        self._api.send("POST", rules, body)

    def hooks(self, path: str) -> tuple[Hook, ...]:
        """Return the webhooks of a project."""
        return tuple(Hook(one["url"], bool(one["push_events"])) for one in self._hooks(path))

    def set_hook(self, path: str, url: str, secret: str) -> None:
        """Have pushes told to an address; a webhook that tells the same address, whatever its query, is replaced."""
        body = {"url": url, "token": secret, "push_events": True, "enable_ssl_verification": True}
        same = [one for one in self._hooks(path) if without_query(one["url"]) == without_query(url)]
        if same:
            self._api.send("PUT", f"{_project(path)}/hooks/{same[0]['id']}", body)
        else:
            self._api.send("POST", f"{_project(path)}/hooks", body)

    def request(self, path: str, proposal: Proposal) -> PullRequest | None:
        """Return the newest merge request of a branch into another one; None where there was none."""
        query = {"source_branch": proposal.branch, "target_branch": proposal.base, "state": "all"}
        order = {"order_by": "created_at", "sort": "desc"}
        found = self._api.get(f"{_project(path)}/merge_requests", **query, **order)
        return _request(found[0]) if found else None

    def open_request(self, path: str, proposal: Proposal) -> PullRequest:
        """Open a merge request."""
        body = {"source_branch": proposal.branch, "target_branch": proposal.base, "title": proposal.title}
        return _request(
            self._api.send("POST", f"{_project(path)}/merge_requests", {**body, "description": proposal.text})
        )

    def _keys(self, path: str) -> list[Any]:
        return self._api.all(f"{_project(path)}/deploy_keys", **_FULL)

    def _hooks(self, path: str) -> list[Any]:
        return self._api.all(f"{_project(path)}/hooks", **_FULL)


def _project(path: str) -> str:
    return f"/projects/{quote(path, safe='')}"


def _request(one: Any) -> PullRequest:
    states = {"merged": State.MERGED, "closed": State.CLOSED}
    return PullRequest(one["iid"], one["web_url"], one["sha"], states.get(one["state"], State.OPEN))
