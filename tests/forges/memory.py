"""A forge in memory, for what is the same at all of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from generator.forges.model import (
    DeployKey,
    Hook,
    Kind,
    Proposal,
    Protection,
    PullRequest,
    Repository,
    State,
    without_query,
)


@dataclass
class Memory:
    """One repository of a forge, whatever its path is."""

    there: Repository | None = None
    registered: list[DeployKey] = field(default_factory=list)
    guard: Protection | None = None
    told: list[Hook] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    requests: list[PullRequest] = field(default_factory=list)
    asked: list[Proposal] = field(default_factory=list)

    kind = Kind.GITEA

    def repository(self, path: str, branch: str) -> Repository | None:
        return self.there

    def create(self, path: str, branch: str) -> None:
        self.there = Repository(private=True, begun=False)

    def make_private(self, path: str) -> None:
        assert self.there
        self.there = Repository(private=True, begun=self.there.begun)

    def keys(self, path: str) -> tuple[DeployKey, ...]:
        return tuple(self.registered)

    def set_key(self, path: str, key: DeployKey) -> None:
        self.registered = [one for one in self.registered if one.line != key.line] + [key]

    def protection(self, path: str, branch: str) -> Protection | None:
        return self.guard

    def protect(self, path: str, branch: str, protection: Protection) -> None:
        self.guard = protection

    def hooks(self, path: str) -> tuple[Hook, ...]:
        return tuple(self.told)

    def set_hook(self, path: str, url: str, secret: str) -> None:
        self.told = [one for one in self.told if without_query(one.url) != without_query(url)] + [Hook(url)]
        self.secrets[url] = secret

    def request(self, path: str, proposal: Proposal) -> PullRequest | None:
        self.asked.append(proposal)
        return self.requests[-1] if self.requests else None

    def open_request(self, path: str, proposal: Proposal) -> PullRequest:
        number = len(self.requests) + 1
        opened = PullRequest(number, f"https://git.example.com/pulls/{number}", "", State.OPEN)
        self.requests.append(opened)
        return opened
