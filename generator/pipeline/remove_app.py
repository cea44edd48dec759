"""`fmc remove app`: takes away what `fmc add app` made, and what became of it; nothing is committed.

What is still as fmc writes it comes back with the same command. What a person wrote is taken away only where that is
said. The order lets a run that was killed be run again: what the others are compared with goes last.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from generator.apps.existing import read_app
from generator.apps.judge import is_name
from generator.apps.names import without_hosts
from generator.apps.request import OwnSecret
from generator.apps.tree import FOLDERS, files_there
from generator.errors import BadInputError, ConflictError, InterruptedByUserError
from generator.files import write_atomic, write_error
from generator.pipeline.steps.apps import Workbench
from generator.pipeline.steps.staging import staging_folder
from generator.secrets.catalogue.model import USER_CATALOGUE
from generator.secrets.own_entries import own_secrets, without_entries
from generator.wording import command

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from generator.console import Console
    from generator.pipeline.steps.session import Session


@dataclass(frozen=True)
class Removal:
    """What goes with an app.

    Attributes:
        name: Name of the app.
        files: Its files.
        changed: Those of them that are not as fmc writes them, and the catalogue where its entries are not.
        namespaces: What the cluster has of it: these, with all that lies in them.
        secrets: The secrets that leave the catalogue.
        lists: The user's own lists as they are without it: the catalogue, and the hosts.
    """

    name: str
    files: tuple[Path, ...]
    changed: tuple[Path, ...]
    namespaces: tuple[str, ...]
    secrets: tuple[str, ...]
    lists: Mapping[Path, bytes]

    @property
    def is_nothing(self) -> bool:
        """Tell whether there is no such app."""
        return not self.files


def remove_app(
    session: Session,
    name: str,
    allowed: Collection[str],
    confirm: Callable[[Removal], bool],
    console: Console,
) -> Removal:
    """Take an app away.

    Args:
        session: The workspace.
        name: Name of the app.
        allowed: What `--allow-destructive` named.
        confirm: Is shown what goes, and may decline; nothing has been removed by then.
        console: Is told about progress.

    Raises:
        BadInputError: The template renders that app.
        ConflictError: A person changed its files, and nobody said that they may go.
        FmcError: A part is not there, or the disk refused.
    """
    with session.workspace.locked():
        with console.step("look at what is there"):
            bench = Workbench.of(session)
            _require_own(bench, name)
            removal = _removal(bench, name)
        if removal.is_nothing:
            return removal
        _require_allowed(removal, allowed)
        if not confirm(removal):
            raise InterruptedByUserError("nothing was removed", fix="The same command shows again what would go.")
        with console.step("remove its files"), staging_folder(session.workspace) as staging:
            _remove(bench, removal, staging)
    return removal


def _require_own(bench: Workbench, name: str) -> None:
    """Refuse what is no app, or none of the user's own."""
    if not is_name(name):
        raise BadInputError(
            f"{name!r} is no name of an app", fix=f"Name a folder below {bench.parts['apps'] / 'apps'}."
        )
    if name in bench.rendered_names():
        raise BadInputError(
            f"{name} is nothing that `fmc add app` made: the template renders what is called so",
            fix="Take it out of the answer `components` if it stands there, and run `fmc new`.",
        )


def _removal(bench: Workbench, name: str) -> Removal:
    argocd = bench.parts["argocd"]
    there = tuple(bench.parts[part] / path for part, path in files_there(name, bench.parts))
    app, around = read_app(name, bench.parts, bench.image_in), bench.surroundings(but=name)
    # What others have as well is theirs.
    namespaces = [namespace for namespace in app.namespaces if namespace not in around.namespaces]
    own = [secret for secret in own_secrets(argocd, bench.catalogue) if secret.namespace in namespaces]
    values = [value for secret in own if secret.name == name for value in secret.values.values()]
    app = replace(app, secrets=tuple(dict.fromkeys(OwnSecret(value.name, value.generator.value) for value in values)))
    catalogue, entries = without_entries(argocd, bench.catalogue, namespaces)
    made = bench.files(app)
    changed = [path for path in there if path.is_symlink() or path.read_bytes() != made.get(path)]
    if entries and entries != bench.entries(app):
        changed.append(argocd / USER_CATALOGUE)
    ids = tuple(secret.id for secret in own)
    lists = {argocd / USER_CATALOGUE: catalogue} if entries else {}
    if bench.variables and bench.variables.exists():
        hosts = {environment.host for environment in app.environments} - set(around.hosts)
        before = bench.variables.read_bytes()
        if (after := without_hosts(bench.variables, before, hosts)) != before:
            lists[bench.variables] = after
    return Removal(name, there, tuple(changed), tuple(namespaces), ids, lists)


def _require_allowed(removal: Removal, allowed: Collection[str]) -> None:
    """Refuse to remove what a person wrote, unless that was said."""
    if not removal.changed or removal.name in allowed:
        return
    lines = "\n".join(f"  {path}" for path in removal.changed)
    raise ConflictError(
        f"these files of {removal.name} are not as fmc wrote them; nothing was removed\n{lines}",
        where=str(removal.changed[0]),
        fix="Keep what you need of them elsewhere, then run "
        f"{command('fmc', 'remove', 'app', removal.name, '--allow-destructive', removal.name)}.",
    )


def _remove(bench: Workbench, removal: Removal, staging: Path) -> None:
    """Remove the source, the app, its secrets and its border, in this order."""
    argocd, apps = bench.parts["argocd"], bench.parts["apps"]
    try:
        for folder in reversed(FOLDERS["apps"]):
            if (apps / folder / removal.name).exists():
                # In one step, and gone afterwards.
                (apps / folder / removal.name).rename(staging / folder)
        shutil.rmtree(staging, ignore_errors=True)
        for path, content in removal.lists.items():
            write_atomic(path, content)
        for folder in reversed(FOLDERS["argocd"]):
            (argocd / folder / f"{removal.name}.yaml").unlink(missing_ok=True)
    except OSError as error:
        raise write_error(apps / "apps" / removal.name, error) from error
