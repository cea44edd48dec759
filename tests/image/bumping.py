"""A repository of apps on a bare remote, and `ci/bump-image` as a build agent runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.delivery.workspace import git, make_remote
from tests.pipeline.world import ROOT

PROGRAM = ROOT / "templates/apps/ci/bump-image"
MAIN = "refs/heads/main"
REGISTRY = "registry.example.com/team"
_TIMEOUT = 300

OVERLAY = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: {app}-{environment}
resources:
  - ../../base
images:
  # Written by the pipeline.
  - name: {app}
    newName: {registry}/{app}
    newTag: "0.0.0"
replicas:
  - name: {app}
    count: 2
"""


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def image(app: str, number: int) -> str:
    return f"{REGISTRY}/{app}:1.0.{number}@{digest(number)}"


@dataclass(frozen=True)
class Ended:
    """What a run left."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


@dataclass
class Apps:
    """The remote, and what agents know of it.

    Attributes:
        remote: The bare repository.
        url: How it is reached.
        variables: The agents' environment, besides PATH and HOME.
    """

    remote: Path
    url: str
    variables: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: str, python: str = sys.executable) -> subprocess.Popen[str]:
        """Begin a run."""
        places = ["--remote", self.url, "--branch", "main", "--output", "json"]
        return subprocess.Popen(
            [python, str(PROGRAM), *places, *arguments],
            env={"PATH": os.environ["PATH"], **identity(), **self.variables},
            cwd=self.remote.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def bump(self, *arguments: str, python: str = sys.executable) -> Ended:
        """Run it to its end."""
        running = self.start(*arguments, python=python)
        out, err = running.communicate(timeout=_TIMEOUT)
        return Ended(running.returncode, out, err)

    def overlay(self, app: str = "shop", environment: str = "staging", at: str = MAIN) -> str:
        return git(self.remote, "show", f"{at}:apps/{app}/overlays/{environment}/kustomization.yaml")

    def tip(self, reference: str = MAIN) -> str:
        return git(self.remote, "rev-parse", reference)

    def commits(self) -> list[str]:
        return git(self.remote, "rev-list", MAIN).splitlines()

    def push_by_hand(self, name: str, *, force: bool = False) -> str:
        """Let a person commit a file; with force, in place of the last commit."""
        clone = self.remote.parent / f"hand-{len(list(self.remote.parent.iterdir()))}"
        git(self.remote.parent, "clone", "--quiet", "--branch=main", str(self.remote), str(clone))
        if force:
            git(clone, "reset", "--quiet", "--hard", "HEAD~1")
        (clone / name).write_text("by hand\n")
        git(clone, "add", "--all")
        git(clone, "commit", "--quiet", f"--message={name}")
        git(clone, "push", "--quiet", *(["--force"] if force else []), "origin", "main")
        return git(clone, "rev-parse", "HEAD")


def identity() -> dict[str, str]:
    """Return a person for git, who has no files of configuration."""
    who = {f"GIT_{role}_{part}": text for role in ("AUTHOR", "COMMITTER") for part, text in _PERSON.items()}
    return {**who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


_PERSON = {"NAME": "Build", "EMAIL": "build@example.org"}


def make_apps(folder: Path, apps: tuple[str, ...] = ("shop",), environments: tuple[str, ...] = ("staging",)) -> Apps:
    """Make a remote that holds apps, and a first commit of a person before them."""
    remote = make_remote(folder / "apps.git")
    clone = folder / "first"
    git(folder, "clone", "--quiet", str(remote), str(clone))
    git(clone, "switch", "--quiet", "--create", "main")
    (clone / "README.md").write_text("# apps\n")
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message=first")
    for app in apps:
        for environment in environments:
            overlay = clone / f"apps/{app}/overlays/{environment}"
            overlay.mkdir(parents=True)
            text = OVERLAY.format(app=app, environment=environment, registry=REGISTRY)
            (overlay / "kustomization.yaml").write_text(text)
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message=apps")
    git(clone, "push", "--quiet", "origin", "main")
    return Apps(remote, f"file://{remote}")
