"""`fmc add app`: the files of a further app, in the parts argocd and apps; nothing is committed.

Each of them is the user's from then on: none has a name that the template renders, and the catalogue is the user's own.
All is judged before anything is written. A run that was killed is run again, and writes what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.apps.judge import read_request
from generator.apps.names import with_hosts
from generator.errors import ConflictError
from generator.files import write_atomic
from generator.pipeline.steps.apps import Workbench
from generator.secrets.catalogue.model import USER_CATALOGUE
from generator.secrets.own_entries import with_entries, without_entries
from generator.wording import command

if TYPE_CHECKING:
    from pathlib import Path

    from generator.apps.request import App, Given
    from generator.console import Console
    from generator.pipeline.steps.session import Session


@dataclass(frozen=True)
class Added:
    """What is there now.

    Attributes:
        app: The app.
        written: The files that this run has written; none where all was there.
        is_named: Whether the cluster's name servers are told its hosts; infra may not be there.
        has_names: Whether the cluster has name servers of its own: one that is there already has none of ours.
    """

    app: App
    written: tuple[Path, ...]
    is_named: bool
    has_names: bool


def add_app(session: Session, given: Given, console: Console) -> Added:
    """Write the files of an app.

    Args:
        session: The workspace.
        given: The app, as somebody describes it.
        console: Is told about progress.

    Raises:
        RequestError: Something about it is wrong; it holds every finding, and nothing was written.
        ConflictError: There is such an app, and it is another one.
        FmcError: A part is not there, or the disk refused.
    """
    with session.workspace.locked():
        with console.step("check what is asked for"):
            bench = Workbench.of(session)
            image = bench.image_reader(mutable=given.mutable)
            app = read_request(given, bench.surroundings(but=given.name), image)
            wanted = bench.files(app)
            _require_same(app, [path for path, content in wanted.items() if _differs(path, content)])
            wanted |= _lists(bench, app)
        with console.step("write its files"):
            written = [path for path, content in wanted.items() if not path.exists() or _differs(path, content)]
            for path in written:
                write_atomic(path, wanted[path])
    has_names = not session.repositories.loaded.plan.existing
    return Added(app, tuple(written), bench.variables is not None, has_names)


def _differs(path: Path, content: bytes) -> bool:
    """Tell whether something else is there."""
    return path.exists() and path.read_bytes() != content


def _lists(bench: Workbench, app: App) -> dict[Path, bytes]:
    """Return the lists of the user's that an app has entries in: the catalogue, and the hosts.

    Raises:
        ConflictError: The catalogue has other entries of it.
    """
    argocd = bench.parts["argocd"]
    catalogue, entries = argocd / USER_CATALOGUE, bench.entries(app)
    others, there = without_entries(argocd, bench.catalogue, app.namespaces)
    _require_same(app, [catalogue] if there not in ("", entries) else [])
    lists = {catalogue: with_entries(argocd, others, entries)} if entries and not there else {}
    hosts = [environment.host for environment in app.environments if environment.host]
    if bench.variables and hosts:
        content = bench.variables.read_bytes() if bench.variables.exists() else b""
        lists[bench.variables] = with_hosts(bench.variables, content, hosts)
    return lists


def _require_same(app: App, different: list[Path]) -> None:
    """Refuse to change what is there already."""
    if not different:
        return
    files = ", ".join(map(str, different[:3])) + (f" and {len(different) - 3} more" if len(different) > 3 else "")
    raise ConflictError(
        f"there is an app {app.name} already, and its files say otherwise: {files}; nothing was written",
        where=str(different[0]),
        fix="They are yours: change them there, and let an environment run another image with `fmc image bump`. "
        f"To begin anew, run {command('fmc', 'remove', 'app', app.name)} first.",
    )
