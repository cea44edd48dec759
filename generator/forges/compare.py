"""What a repository at a forge is, against what it should be: each difference with the change that ends it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from generator.findings import Flaw
from generator.forges import ruleset
from generator.forges.model import Kind, Protection, Repository, without_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from generator.findings import Finding, Rule
    from generator.forges.locate import Place
    from generator.forges.model import DeployKey, Hook

_CREATE = "`fmc remotes create` {does}."
"""The remedy, where fmc has one itself."""


@dataclass(frozen=True)
class HookAim:
    """The webhook that should be there.

    Attributes:
        url: Whom it tells; its query changes with the secret, since no forge shows that.
        secret: What signs its messages.
    """

    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Aim:
    """What a repository should be.

    Attributes:
        part: What it is called in messages.
        url: Its remote.
        branch: The branch that Argo CD follows.
        by_request: Whether it takes changes by pull requests alone.
        keys: The deploy keys that it should have.
        hook: The webhook that it should have; None where none is wanted.
    """

    part: str
    url: str
    branch: str
    by_request: bool = False
    keys: tuple[DeployKey, ...] = ()
    hook: HookAim | None = None


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it should be.

    Attributes:
        rule: The rule that it breaks.
        part: Where.
        found: What is there.
        does: What `change` does, as it follows "will" or a command's name: "makes the repository".
        change: Ends it; None where fmc leaves it to people.
        fix: What people do where there is no change.
    """

    rule: Rule
    part: str
    found: str
    does: str = ""
    change: Callable[[], None] | None = None
    fix: str = ""

    def finding(self) -> Finding:
        """Return it as the finding of a check."""
        fix = _CREATE.format(does=self.does) if self.change else self.fix
        return self.rule.finding(Flaw("", 0, f"{self.part}: {self.found}", path=self.part, fix=fix))


@dataclass(frozen=True)
class _Facts:
    """What is there; None for what a server has none of the kind of."""

    repository: Repository
    keys: tuple[DeployKey, ...] | None
    protection: Protection | None
    hooks: tuple[Hook, ...] | None


def differences(place: Place, aim: Aim) -> tuple[Difference, ...]:
    """Compare a repository with what it should be; nothing is changed.

    Returns:
        The differences, in the order in which they are to be ended.

    Raises:
        FmcError: The forge can't be asked.
    """
    forge, path = place.forge, place.path
    there = forge.repository(path, aim.branch)
    if there is not None:
        facts = _Facts(there, forge.keys(path), forge.protection(path, aim.branch), forge.hooks(path))
        return tuple(_differences(place, aim, facts))
    missing = Difference(
        ruleset.MISSING,
        aim.part,
        f"there is no repository {aim.url}, or this account can't see it",
        "makes it, private and empty",
        lambda: forge.create(path, aim.branch),
    )
    nothing = None if forge.kind is Kind.FOLDER else ()
    fresh = _Facts(Repository(private=True, begun=False), nothing, None, nothing)
    return (missing, *_differences(place, aim, fresh))


def _differences(place: Place, aim: Aim, facts: _Facts) -> Iterator[Difference]:
    if facts.repository.private is False:
        yield Difference(
            ruleset.PUBLIC,
            aim.part,
            f"{aim.url} is open to people who are not let in by name",
            "makes it private",
            lambda: place.forge.make_private(place.path),
        )
    if facts.keys is not None:
        yield from _of_keys(place, aim, facts.keys)
    yield from _of_protection(place, aim, facts)
    if facts.hooks is not None and aim.hook is not None:
        yield from _of_hook(place, aim.part, aim.hook, facts.hooks)


def _of_keys(place: Place, aim: Aim, registered: tuple[DeployKey, ...]) -> Iterator[Difference]:
    known = {key.line: key for key in registered}
    for key in aim.keys:
        found = known.get(key.line)
        if found is None or found.writes != key.writes:
            may = "may push" if key.writes else "may read"
            yield Difference(
                ruleset.KEY,
                aim.part,
                f"the key {key.title} " + (f"should be one that {may}" if found else "is not registered"),
                f"registers the key {key.title}, which {may}",
                partial(place.forge.set_key, place.path, key),
            )
    own = {key.line for key in aim.keys}
    for key in registered:
        if key.writes and key.line not in own:
            yield Difference(
                ruleset.UNKNOWN_KEY,
                aim.part,
                f"the key {key.title} may push, and is none of this cluster's",
                fix="Delete it at the forge, or let it read alone, unless you know whose it is.",
            )


def _of_protection(place: Place, aim: Aim, facts: _Facts) -> Iterator[Difference]:
    # The first push founds the branch, and no request could.
    wanted = Protection(by_request=aim.by_request and facts.repository.begun)
    found = facts.protection
    if found == wanted:
        return
    if found == Protection(by_request=True):
        if aim.by_request:
            return
        yield Difference(
            ruleset.REQUESTS,
            aim.part,
            f"the branch {aim.branch} takes pull requests alone",
            fix="Say so in the answers, `forge: {delivery: pull-requests}`, or let people push there again.",
        )
        return
    if found == Protection():
        rule, text = ruleset.REQUESTS, "takes pushes"
    elif found is None:
        rule, text = ruleset.UNGUARDED, "is not guarded"
    else:
        lost = [word for word, yes in (("set back by force", found.forced), ("deleted", found.deletable)) if yes]
        rule, text = ruleset.UNGUARDED, f"can be {' and '.join(lost)}"
    guards = "guards it against force and deletion"
    yield Difference(
        rule,
        aim.part,
        f"the branch {aim.branch} {text}",
        f"{guards}, and lets it take pull requests alone" if wanted.by_request else guards,
        lambda: place.forge.protect(place.path, aim.branch, wanted),
    )


def _of_hook(place: Place, part: str, wanted: HookAim, hooks: tuple[Hook, ...]) -> Iterator[Difference]:
    if any(hook.url == wanted.url and hook.works for hook in hooks):
        return
    tells = without_query(wanted.url)
    is_old = any(without_query(hook.url) == tells for hook in hooks)
    old, missing = f"the webhook that tells {tells} does not work, or has an older secret", f"no webhook tells {tells}"
    yield Difference(
        ruleset.HOOK,
        part,
        old if is_old else missing,
        f"has pushes told to {tells}",
        lambda: place.forge.set_hook(place.path, wanted.url, wanted.secret),
    )
