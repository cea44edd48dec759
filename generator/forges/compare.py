"""What a repository at a forge is, against what it should be: each difference with the change that ends it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from generator.findings import Flaw
from generator.forges import ruleset
from generator.forges.model import Protection, without_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from generator.findings import Finding, Rule
    from generator.forges.locate import Place
    from generator.forges.model import DeployKey, Repository

_CREATE = "`fmc remotes create` {does}."


@dataclass(frozen=True)
class HookAim:
    """The webhook that should be there.

    Attributes:
        url: Whom it tells; its query changes with the secret, since no forge shows that.
        secret: What signs its messages.
    """

    url: str
    secret: str


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


def differences(place: Place, aim: Aim) -> tuple[Difference, ...]:
    """Compare a repository with what it should be; nothing is changed.

    Raises:
        FmcError: The forge can't be asked.
    """
    there = place.forge.repository(place.path, aim.branch)
    if there is None:
        made = "makes it, private and empty"
        return (
            Difference(
                ruleset.MISSING,
                aim.part,
                f"there is no repository {aim.url}, or this account can't see it",
                made,
                lambda: place.forge.create(place.path, aim.branch),
            ),
        )
    return tuple(_of_existing(place, aim, there))


def _of_existing(place: Place, aim: Aim, there: Repository) -> Iterator[Difference]:
    if there.private is False:
        yield Difference(
            ruleset.PUBLIC,
            aim.part,
            f"{aim.url} is open to people who are not let in by name",
            "makes it private",
            lambda: place.forge.make_private(place.path),
        )
    yield from _of_keys(place, aim)
    yield from _of_protection(place, aim, there)
    yield from _of_hook(place, aim)


def _of_keys(place: Place, aim: Aim) -> Iterator[Difference]:
    registered = place.forge.keys(place.path)
    if registered is None:
        return
    known = {key.line: key for key in registered}
    for key in aim.keys:
        found = known.get(key.line)
        if found is None or found.writes != key.writes:
            may = "may push" if key.writes else "may read"
            yield Difference(
                ruleset.KEY,
                aim.part,
                f"the key {key.title} is not registered"
                if found is None
                else f"the key {key.title} should be one that {may}",
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


def _of_protection(place: Place, aim: Aim, there: Repository) -> Iterator[Difference]:
    # The first push founds the branch, and no request could.
    wanted = Protection(by_request=aim.by_request and there.begun)
    found = place.forge.protection(place.path, aim.branch)
    if found == wanted:
        return
    if found == Protection(by_request=True):
        if aim.by_request:
            return
        yield Difference(
            ruleset.REQUESTS,
            aim.part,
            f"the branch {aim.branch} takes pull requests alone",
            fix="Say so in the answers, `forge: {pull_requests: true}`, or let people push there again at the forge.",
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


def _of_hook(place: Place, aim: Aim) -> Iterator[Difference]:
    hooks = place.forge.hooks(place.path)
    if aim.hook is None or hooks is None:
        return
    wanted = aim.hook
    if any(hook.url == wanted.url and hook.works for hook in hooks):
        return
    tells = without_query(wanted.url)
    is_old = any(without_query(hook.url) == tells for hook in hooks)
    old, missing = f"the webhook that tells {tells} does not work, or has an older secret", f"no webhook tells {tells}"
    yield Difference(
        ruleset.HOOK,
        aim.part,
        old if is_old else missing,
        f"has pushes told to {tells}",
        lambda: place.forge.set_hook(place.path, wanted.url, wanted.secret),
    )
