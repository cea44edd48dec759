"""The workspace: the folder that holds a cluster's repositories side by side, and its vault.

It is the same folder whether `fmc new` made it, or a person put the results of `copier copy` next to each other: a
repository is recognised by the layout that Copier recorded in it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from generator.answers.load import LoadedAnswers, recorded
from generator.answers.parts import load_parts
from generator.delivery.local.repository import RECORDED_ANSWERS
from generator.delivery.model import Target
from generator.errors import BadInputError, ConflictError
from generator.files import followed, remove_leftovers, write_error

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from generator.answers.load import Recorded

ANSWERS_FILE = "answers.yaml"
"""The answers that `fmc new` was given, as a person keeps them."""
PARTS = ("infra", "apps", "argocd")
"""The parts in the order of delivery: the cluster acts on argocd at once, and must find the others complete."""
MONOREPO = "monorepo"
NOTES = ("answers", "rotation", "backup", "drill")
"""The answers of the last run, what an unfinished rotation set out to do, when there was a backup, and a drill."""
_WORKLOADS = ("apps", "argocd")
_PRIVATE = ".fmc"
_DISK_FAILED = {errno.EDQUOT, errno.EIO, errno.ENOSPC}


@dataclass(frozen=True)
class Workspace:
    """Where a cluster's files lie.

    Attributes:
        root: The folder.
    """

    root: Path

    @property
    def answers(self) -> Path:
        """The answers that `fmc new` was given."""
        return self.root / ANSWERS_FILE

    @property
    def vault(self) -> Path:
        """The vault; it lies beside the repositories, never in one."""
        return self.root / "vault.age"

    @property
    def state(self) -> Path:
        """How far the last delivery got."""
        return self.root / _PRIVATE / "state.json"

    def note(self, name: str) -> Path:
        """What fmc notes beside `state` under a name of NOTES."""
        return self.root / _PRIVATE / f"{name}.json"

    @property
    def staging(self) -> Path:
        """Where trees are made before they appear by rename."""
        return self.root / _PRIVATE / "staging"

    def targets(self, loaded: LoadedAnswers) -> tuple[Target, ...]:
        """Return the repositories that a complete layout consists of, in the order of delivery."""
        answers, repositories = loaded.answers, loaded.plan.repositories
        if answers.layout == MONOREPO:
            folder = re.split("[/:]", repositories["argocd"].url)[-1].removesuffix(".git")
            return (_target(loaded, MONOREPO, self.root / folder),)
        parts = [part for part in PARTS if part in repositories] if answers.layout == "parts" else [answers.layout]
        return tuple(_target(loaded, part, self.root / part) for part in parts)

    def require_usable(self, targets: tuple[Target, ...]) -> None:
        """Refuse a folder with somebody's other files in it.

        Raises:
            BadInputError: It is not empty, and nothing in it is this cluster's.
        """
        if not self.root.exists():
            return
        if not self.root.is_dir():
            raise BadInputError(f"{self.root} is not a folder", where=str(self.root), fix="Choose another --workspace.")
        self._require_one_layout(targets)
        known = {_PRIVATE, ANSWERS_FILE, self.vault.name, *(target.path.name for target in targets)}
        present = {entry.name for entry in self.root.iterdir()}
        if present and not present & known:
            raise BadInputError(
                f"{self.root} is not empty, and no workspace of fmc: it holds {', '.join(sorted(present)[:5])}",
                where=str(self.root),
                fix="Choose an empty folder with --workspace, or one that does not exist yet.",
            )

    def rendered(self) -> dict[Path, Recorded]:
        """Return the rendered repositories that lie here, with what each says of itself."""
        files = sorted(self.root.glob(f"*/{RECORDED_ANSWERS}"))
        return {file.parent: found for file in files if (found := recorded(file))}

    def _require_one_layout(self, targets: tuple[Target, ...]) -> None:
        """Refuse a monorepo beside the repositories of its parts: both would hold the same cluster."""
        for folder, found in self.rendered().items():
            if (found.layout == MONOREPO) != (targets[0].part == MONOREPO):
                raise BadInputError(
                    f"{folder} is of the layout {found.layout}, and the answers ask for another one",
                    where=str(folder / RECORDED_ANSWERS),
                    fix="Keep the layout, or choose another --workspace and empty remotes for the new one.",
                )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second fmc out of this workspace; the lock ends with the process, however it ends.

        What a killed fmc left of files that it was writing is removed.

        Raises:
            BadInputError: It can't be a workspace: a file is in its way, or it may not be made there.
            ConflictError: Another fmc is at work here.
            WriteError: The disk is full, or failed.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in _DISK_FAILED:
                raise write_error(self.root, error) from error
            message = f"{self.root} can't be a workspace: {error.strerror or error}"
            raise BadInputError(message, where=str(self.root), fix="Choose another folder with --workspace.") from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ConflictError(
                    f"another fmc is at work in {self.root}", where=str(self.root), fix="Wait until it has ended."
                ) from None
            for path in (self.answers, followed(self.vault), self.state, *map(self.note, NOTES)):
                remove_leftovers(path)
            yield
        finally:
            os.close(descriptor)


@dataclass(frozen=True)
class Folders:
    """Where rendered repositories lie, be it in a workspace or in staging.

    Attributes:
        repositories: Folder of each repository, by its layout, in the order of delivery.
        present: The parts of the cluster.
    """

    repositories: Mapping[str, Path]
    present: Collection[str]

    @property
    def workloads(self) -> Mapping[str, Path]:
        """The folder of each part that has workloads of the cluster."""
        return {part: path for part, path in self.parts.items() if part in _WORKLOADS}

    @cached_property
    def parts(self) -> Mapping[str, Path]:
        """The folder of each part: a repository of its own, or a folder of the monorepo."""
        mono = self.repositories.get(MONOREPO)
        inside = {part: mono / part for part in PARTS if part in self.present} if mono else {}
        return inside | {layout: path for layout, path in self.repositories.items() if layout != MONOREPO}


@dataclass(frozen=True)
class Repositories:
    """The rendered repositories that were found in a workspace.

    Attributes:
        workspace: Where they lie.
        folders: Their folders.
        recorded: The answers that Copier recorded in each, by its layout, in the order of delivery.
    """

    workspace: Workspace
    folders: Folders
    recorded: Mapping[str, LoadedAnswers]

    @property
    def loaded(self) -> LoadedAnswers:
        """The answers that count: those of the last part, which the cluster acts on."""
        return list(self.recorded.values())[-1]

    @property
    def catalogue_root(self) -> Path:
        """The folder that holds `secrets/`; an error where it is not there."""
        return self.part("argocd")

    def part(self, name: str) -> Path:
        """Return the folder of a part by its name.

        Raises:
            BadInputError: It is not there.
        """
        if name not in self.folders.parts:
            raise BadInputError(
                f"there is no repository of the layout {name} or monorepo in {self.workspace.root}",
                where=str(self.workspace.root),
                fix="Clone it next to the others. If it was never rendered, render it with the same answers: "
                f"`copier copy --data-file OTHER/.copier-answers.yml --data layout={name} TEMPLATE_URL {name}`.",
            )
        return self.folders.parts[name]

    @property
    def targets(self) -> tuple[Target, ...]:
        """What is delivered where."""
        return tuple(_target(self.loaded, layout, path) for layout, path in self.folders.repositories.items())


def _target(loaded: LoadedAnswers, layout: str, path: Path) -> Target:
    answers, repositories = loaded.answers, loaded.plan.repositories
    url, watched = repositories["argocd" if layout == MONOREPO else layout].url, repositories["argocd"].url
    # The authority is that of the server that Argo CD reads from; another one may be public.
    same = urlsplit(url).netloc == urlsplit(watched).netloc
    authority = answers.git_authority if same else ""
    return Target(layout, path, url, answers.git_branch, tuple(answers.git_known_hosts), authority)


def workspace_around(start: Path) -> Workspace | None:
    """Return the workspace that a folder belongs to: one with a vault, or with rendered repositories and this folder.

    Args:
        start: The workspace, or a folder in it.
    """
    folder = start.absolute()
    for candidate in (folder, *folder.parents):
        inside = recorded(candidate / RECORDED_ANSWERS) is not None
        workspace = Workspace(candidate.parent if inside else candidate)
        if inside or workspace.vault.exists() or (candidate == folder and workspace.rendered()):
            return workspace
    return None


def find_repositories(start: Path, template_root: Path) -> Repositories:
    """Find the workspace that a folder belongs to: the folder itself, or one above that has a vault or this repository.

    Other folders above are passed over, whatever lies in them: `fmc push` must not publish what merely lies nearby.

    Args:
        start: Where to begin.
        template_root: The template, for reading the recorded answers.

    Raises:
        BadInputError: There are no rendered repositories here, or the repositories are of different clusters.
    """
    folder = start.absolute()
    for candidate in (folder, *folder.parents):
        inside = (candidate / RECORDED_ANSWERS).is_file()
        root = Workspace(candidate.parent if inside else candidate)
        if (inside or candidate == folder or root.vault.exists()) and (
            found := _rendered_below(root.root, template_root)
        ):
            return Repositories(root, *found)
    raise BadInputError(
        f"there is no workspace here: neither {folder} nor a folder above it holds rendered repositories",
        where=str(folder),
        fix="Go to the folder that `fmc new` or `copier copy` made, or name it with --workspace.",
    )


def _rendered_below(root: Path, template_root: Path) -> tuple[Folders, dict[str, LoadedAnswers]] | None:
    found: dict[str, tuple[Path, LoadedAnswers]] = {}
    folders = list(Workspace(root).rendered())
    recordings = load_parts((folder / RECORDED_ANSWERS for folder in folders), template_root, PARTS)
    for folder, loaded in zip(folders, recordings, strict=True):
        earlier = found.setdefault(loaded.answers.layout, (folder, loaded))[0]
        if earlier != folder:
            raise BadInputError(
                f"{earlier} and {folder} are both of the layout {loaded.answers.layout}",
                where=str(root),
                fix="Keep one cluster in a workspace: move one of them to a folder of its own.",
            )
    if not found:
        return None
    names = {loaded.answers.name for _, loaded in found.values()}
    if len(names) > 1:
        raise BadInputError(
            f"{root} holds repositories of different clusters: {', '.join(sorted(names))}",
            where=str(root),
            fix="Keep one cluster in a workspace: move the others to a folder of their own.",
        )
    order = [layout for layout in (MONOREPO, *PARTS) if layout in found]
    present = found[order[-1]][1].plan.repositories
    return Folders({layout: found[layout][0] for layout in order}, present), {part: found[part][1] for part in order}
