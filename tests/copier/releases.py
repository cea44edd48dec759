"""The template as its Git repository offers it: three tagged versions, made from this work tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from generator import __version__
from tests.pipeline.world import ROOT

# The first is the version of this work tree, so that plain Copier can go on from what its fmc rendered.
FIRST, SECOND, THIRD = f"v{__version__}", "v98.0.0", "v99.0.0"
# The files that belong to people, as copier.yml names them.
OWNED: tuple[str, ...] = tuple(yaml.safe_load((ROOT / "copier.yml").read_text())["_skip_if_exists"])
# Copier checks all of it out five times for one update.
_OFFERED = ("copier.yml", "lib", "templates")
_ADDRESS = "https://git.example.com/fmc/"
TEMPLATE_URL = f"{_ADDRESS}template.git"
_TIMEOUT = 60


@dataclass(frozen=True)
class Releases:
    """Bare repositories of the template, one for each time at which it is looked at.

    Attributes:
        folder: Where they lie.
    """

    folder: Path

    def variables(self, version: str) -> dict[str, str]:
        """Return what sends git to the repository whose newest tag is that version, instead of TEMPLATE_URL."""
        return {
            "GIT_CONFIG_KEY_1": f"url.file://{self.folder / version}/.insteadOf",
            "GIT_CONFIG_VALUE_1": _ADDRESS,
            "GIT_CONFIG_COUNT": "2",
        }

    def repository(self, version: str) -> Path:
        """Return the repository whose newest tag is that version."""
        return self.folder / version / "template.git"

    def checkout(self, version: str, destination: Path) -> Path:
        """Make a checkout of a version, with this fmc in it."""
        _git(self.folder, "clone", "--quiet", "--branch", version, self.repository(version), destination)
        _copy_project(destination, "generator")
        return destination


def make_releases(folder: Path) -> Releases:
    """Make the repositories."""
    releases = Releases(folder)
    source = folder / "source"
    _copy_project(source, *_OFFERED)
    _git(source, "init", "--quiet", "--initial-branch=main")
    for version, change in ((FIRST, _as_it_is), (SECOND, _change_files), (THIRD, _change_files_of_people)):
        change(source)
        _git(source, "add", "--all")
        _git(source, "commit", "--quiet", "--message", f"Release {version}")
        _git(source, "tag", version)
        _git(folder, "clone", "--quiet", "--bare", source, releases.repository(version))
    return releases


def _copy_project(destination: Path, *paths: str) -> None:
    for name in project_files(*paths):
        (destination / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, destination / name)


def project_files(*paths: str) -> list[str]:
    """Return the files of this work tree that are or could be committed."""
    arguments = ("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *paths)
    names = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True, timeout=_TIMEOUT).stdout
    return [name for name in names.decode().split("\0") if name and (ROOT / name).is_file()]


def _as_it_is(_source: Path) -> None:
    pass


def _change_files(source: Path) -> None:
    """Raise pins, add a file to each part, and take one away."""
    templates = source / "templates"
    _substitute(source / "lib/components.jinja", r"('chart': 'argo-cd'.*'version': ')[^']+", r"\g<1>99.1.0")
    _substitute(templates / "infra/versions.yaml.jinja", r'(flatcar:\n +version: ")[^"]+', r"\g<1>99.1.0")
    (deployment,) = (templates / "apps").rglob("deployment.yaml.jinja")
    _substitute(deployment, r"(limits:\n +memory: )\w+", r"\g<1>99Mi")
    for part in ("infra", "argocd", "apps"):
        (templates / part / "NEWS.md.jinja").write_text("# News of #{ name }#\n")
    (templates / "infra/terraform/modules/topology/README.md").unlink()


def _change_files_of_people(source: Path) -> None:
    """Give the files that belong to people another text."""
    for pattern in OWNED:
        files = list((source / "templates").glob(pattern))
        assert files, pattern
        for file in files:
            file.write_text(file.read_text() + "# Another text.\n")


def _substitute(file: Path, pattern: str, replacement: str) -> None:
    text, count = re.subn(pattern, replacement, file.read_text())
    assert count == 1, f"{file}: {pattern}"
    file.write_text(text)


def _git(folder: Path, *arguments: str | Path) -> None:
    person = {"GIT_AUTHOR_NAME": "Grace", "GIT_AUTHOR_EMAIL": "grace@example.com"}
    person |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in person.items()}
    environment = {**os.environ, **person, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", *arguments], cwd=folder, env=environment, check=True, timeout=_TIMEOUT, capture_output=True)
