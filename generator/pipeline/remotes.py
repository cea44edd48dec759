"""`fmc remotes`: the repositories at the forge, compared with what the answers and the catalogue want of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.delivery.git.failures import combined
from generator.delivery.remote.ask import ask_all
from generator.delivery.remote.forge_start import take_over
from generator.delivery.remote.shipment import conflict, examine
from generator.forges.compare import Aim, HookAim, differences
from generator.forges.locate import locate
from generator.forges.model import DeployKey, bare
from generator.pipeline.steps.forge import by_request, forge_settings
from generator.workspace import MONOREPO

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from generator.console import Console
    from generator.delivery.model import Author, Target
    from generator.forges.compare import Difference
    from generator.pipeline.steps.session import Session
    from generator.secrets.catalogue.model import Secret

_ARGOCD_SECRET, _WEBHOOK = "argocd/argocd-secret", "webhook"  # names, not values
_PUSHING = "jenkins/jenkins-git"
_PATH = "/api/webhook"


def compare(session: Session, token: str) -> tuple[Difference, ...]:
    """Compare the repositories with what they should be; nothing is changed.

    Args:
        session: The workspace.
        token: Who asks the forge.

    Raises:
        FmcError: The forge can't be asked, or the vault can't be opened.
    """
    loaded = session.repositories.loaded
    settings = forge_settings(loaded)
    keys = _keys(session)
    found: list[Difference] = []
    for target in session.repositories.targets:
        aim = Aim(
            target.part,
            target.url,
            target.branch,
            by_request(loaded),
            tuple(key for part, key in keys if part == target.part),
            _hook(session) if target.part in (MONOREPO, "argocd", "apps") else None,
        )
        found += differences(locate(target.url, settings, token), aim)
    return tuple(found)


def change(planned: Sequence[Difference], progress: Callable[[str], None]) -> None:
    """End the differences that fmc ends, in their order.

    Args:
        planned: What `compare` found.
        progress: Is told about each.

    Raises:
        FmcError: The forge refused; the same command goes on where this one stopped.
    """
    for one in planned:
        if one.change:
            one.change()
            progress(f"{one.part}: {one.does}")


def adopt(session: Session, author: Author | None, console: Console) -> bool:
    """Take in the history of remotes that hold a forge's first files alone; return whether there was one.

    Args:
        session: The workspace.
        author: Who commits; None leaves it to git.
        console: Is told what was taken in.

    Raises:
        ConflictError: A remote holds something else.
        FmcError: A remote can't be asked, or a repository is not in a state to be worked on.
    """
    lines: list[str] = []
    with session.workspace.locked():
        answers = ask_all(session.repositories.targets)
        take_over(answers, author=author, progress=lines.append)
        shipments = [examine(answer.target, answer) for answer in answers]
    for line in lines:
        console.note(f"  {line}")
    if conflicts := [error for one in shipments if (error := conflict(one, None)) is not None]:
        raise combined(conflicts)
    return bool(lines)


def _keys(session: Session) -> list[tuple[str, DeployKey]]:
    """Return the deploy keys of the catalogue, each with the part whose repository it opens."""
    from generator.pipeline.secret import show_one
    from generator.secrets.catalogue.model import Generator

    if "argocd" not in session.repositories.folders.parts:
        return []
    found = []
    for secret in session.store.catalogue().secrets:
        part = _opens(secret, session.repositories.targets)
        for name, value in secret.values.items():
            if part and value.generator is Generator.SSH_KEY:
                public = show_one(session, secret.id, name, public=True).content.reveal().decode()
                found.append((part, DeployKey(value.comment or secret.id, bare(public), secret.id == _PUSHING)))
    return found


def _opens(secret: Secret, targets: Sequence[Target]) -> str:
    """Return the part whose repository a secret opens; "" where it opens none."""
    from generator.secrets.catalogue.model import Constant

    if secret.id == _PUSHING:
        return next((target.part for target in targets if target.part in (MONOREPO, "apps")), "")
    url = secret.data.get("url")
    return next(
        (target.part for target in targets if isinstance(url, Constant) and target.url == url.text),
        "",
    )


def _hook(session: Session) -> HookAim | None:
    """Return the webhook that the catalogue has a secret for."""
    from generator.pipeline.secret import history_of, show_one

    loaded = session.repositories.loaded
    if loaded.answers.forge.get("webhook") != "argocd" or "argocd" not in session.repositories.folders.parts:
        return None
    host = next(service.host for service in loaded.plan.services if service.host.startswith("argocd."))
    secret = show_one(session, _ARGOCD_SECRET, _WEBHOOK).content.reveal().decode()
    # No forge shows a secret: its revision, which is none, tells whether the webhook has the one that counts.
    _, known = history_of(session, _ARGOCD_SECRET, _WEBHOOK)
    return HookAim(f"https://{host}{_PATH}?revision={known[0].revision}", secret)
