"""Somebody who works with plain Copier, on a machine that has the world's remotes and the template's repository."""

from __future__ import annotations

import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.copier.releases import FIRST, TEMPLATE_URL, Releases
from tests.pipeline.world import EXAMPLE, Finished, World
from tests.trees import files_outside_git

COPIER = Path(sys.executable).with_name("copier")
LAYOUTS = ("infra", "argocd", "apps", "monorepo")
ANSWERS_FILE = ".copier-answers.yml"
Snapshot = dict[str, tuple[bool, bytes]]


@dataclass(kw_only=True)
class Person(World):
    """A person's machine.

    Attributes:
        releases: The template's repository through time.
        newest: Its newest version, as the person sees it now.
    """

    releases: Releases
    newest: str = FIRST

    @property
    def environment(self) -> dict[str, str]:
        caches = {"COPIER_CACHE_DIR": str(self.folder / "cache")}
        return super().environment | self.releases.variables(self.newest) | caches

    def copier(self, *arguments: str, cwd: Path | None = None) -> Finished:
        """Run Copier to a good end, without trust and without a question."""
        done = self.run(str(COPIER), *arguments, cwd=cwd)
        assert done.code == 0, done.all
        return done

    def render(self, layout: str, destination: Path, answers: Path = EXAMPLE) -> Finished:
        """Render a layout of the newest version, as a README would say it, and commit it."""
        given = ("--defaults", "--data-file", str(answers), "--data", f"layout={layout}")
        done = self.copier("copy", *given, TEMPLATE_URL, str(destination))
        self.git("init", "--quiet", "--initial-branch=main", cwd=destination)
        self.save(destination, "Copy the template")
        return done

    def update(self, repository: Path, *arguments: str) -> None:
        """Bring a repository to the newest version; what can't be merged fails."""
        self.copier("update", *(arguments or ("--defaults",)), cwd=repository)
        assert self.git("ls-files", "--unmerged", cwd=repository) == ""
        assert not list(repository.rglob("*.rej"))

    def save(self, repository: Path, message: str) -> None:
        self.git("add", "--all", cwd=repository)
        self.git("commit", "--quiet", "--message", message, cwd=repository)


def make_person(folder: Path, releases: Releases) -> Person:
    """Make a person's machine."""
    person = Person(folder, releases=releases)
    person.make()
    return person


def snapshot(folder: Path) -> Snapshot:
    """Return whether each file may be executed, and its content; `.git` is left out."""
    return {
        name: (bool(path.stat().st_mode & stat.S_IXUSR), path.read_bytes()) for name, path in files_outside_git(folder)
    }


def recorded(repository: Path) -> dict[str, Any]:
    """Return what Copier recorded in a repository."""
    return dict(yaml.safe_load((repository / ANSWERS_FILE).read_text()))


def of_sealing(files: Snapshot) -> Snapshot:
    """Return the files that `fmc seal` writes."""
    return {name: file for name, file in files.items() if name.endswith((".sealed.yaml", "secrets/sealing-cert.pem"))}
