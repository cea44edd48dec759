"""A runner: it does the lines of a pipeline, in a checkout, as the forge's own would.

Real are the shell, the programs in ci/, git, and by what they speak the servers of Git, images, Argo CD and the
webhook, all on loopback. BuildKit and Trivy are the stand-ins that Jenkins's tests have, too; so is Docker, which here
hands them out.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.ci.jenkins_bed import ARGOCD_TOKEN, GIT_TOKEN, REGISTRY_TOKEN, STANDINS, Listener
from tests.ci.registry import Registry
from tests.delivery.gitserver import GitServer
from tests.delivery.workspace import git, make_remote

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.ci.forges import Line

_USER = "bot"
_DOCKER = """#!/bin/sh
echo "docker $*" >>"$STANDIN_NOTES"
case $1 in
  run | create) echo "container-of-$1" ;;
  cp)
    program=$(basename "$3")
    ln -sf "$STANDINS/$(echo "$program" | sed s/buildctl/buildkit/)" "$4/$program"
    ;;
esac
"""


@dataclass
class Runner:
    """A checkout of the branch, and what the forge knows.

    Attributes:
        folder: Everything of this run.
        root: The checkout.
        place: Folder of the apps in it.
        forge: Whose runner it is.
        server: The server of Git, which has the repository.
        registry: The server of images.
        argocd: Argo CD, which has rolled out whatever was pushed.
        webhook: Who is told.
        said: What the lines printed.
        ran: For each line that ran, whether it succeeded.
        built: The commit that was pushed.
        status: How the pipeline ended.
    """

    folder: Path
    root: Path
    place: str
    forge: str
    server: GitServer
    registry: Registry
    argocd: Listener
    webhook: Listener
    said: str = ""
    ran: list[tuple[str, bool]] = field(default_factory=list)
    built: str = ""
    status: str = ""

    @property
    def remote(self) -> Path:
        """The server's repository."""
        return self.server.root / "apps.git"

    @property
    def calls(self) -> list[str]:
        """How the stand-ins were called."""
        return _lines(self.folder / "calls")

    @property
    def secrets(self) -> dict[str, str]:
        """What the forge keeps, by name."""
        return {
            "REGISTRY_LOGIN": json.dumps({"auths": {self.registry.host: {"auth": self.registry.login}}}),
            "FMC_GIT_TOKEN": GIT_TOKEN,
            "FMC_GIT_USER": _USER,
            "ARGOCD_TOKEN": ARGOCD_TOKEN,
            "NOTIFY_URL": f"{self.webhook.url}/secret-webhook",
        }

    def image(self) -> str:
        """Return the image that was pushed last."""
        (file,) = (self.root / self.place / "out").glob("*/image")
        return file.read_text().strip()

    def do(self, lines: Sequence[Line], base: str = "") -> str:
        """Do lines as a job does them, and return the result: success or failure."""
        status, environment = "success", self._environment(base)
        for line in lines:
            if (status == "failure" and not line.always) or line.only not in ("", status):
                continue
            own = {name: self._expanded(text, status, base) for name, text in line.env.items()}
            done = subprocess.run(
                ["bash", "-eo", "pipefail", "-c", line.run],
                cwd=self.root / self.place,
                env={**environment, **{name: text for name, text in own.items() if text}},
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )
            self.said += done.stdout + done.stderr
            self.ran.append((line.run, done.returncode == 0))
            status = status if done.returncode == 0 else "failure"
            environment.update(self._left())
        return status

    def _expanded(self, text: str, status: str, base: str) -> str:
        known = {"github.server_url": self.server.url, "github.repository": "apps", "job.status": status}
        known |= {"github.event.pull_request.base.sha": base}
        known |= {f"secrets.{name}": value for name, value in self.secrets.items()}
        text = re.sub(r"\$\{\{ ([\w.]+) \}\}", lambda match: known.get(match[1], ""), text)
        return text.replace("$CI_PROJECT_URL", f"{self.server.url}/apps")

    def _environment(self, base: str) -> dict[str, str]:
        places = {"GITHUB_ENV": "env", "GITHUB_PATH": "path", "RUNNER_TEMP": "temp", "HOME": "home"}
        for name in ("temp", "home"):
            (self.folder / name).mkdir(exist_ok=True)
        return {
            **{name: str(self.folder / place) for name, place in places.items()},
            **{"PATH": self._path(), "STANDINS": str(STANDINS), "STANDIN_NOTES": str(self.folder / "calls")},
            **{"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "CI_MERGE_REQUEST_DIFF_BASE_SHA": base},
            **{"REGISTRY": f"{self.registry.host}/team", "ARGOCD_URL": self.argocd.url},
        }

    def _path(self) -> str:
        """Return where programs are: GitLab's images have them, other runners bring them."""
        inside = STANDINS if self.forge == "gitlab" else self.folder / "bin"
        return os.pathsep.join([*reversed(_lines(self.folder / "path")), str(inside), os.environ["PATH"]])

    def _left(self) -> dict[str, str]:
        """Return what a step left for those after it."""
        pairs = (line.partition("=") for line in _lines(self.folder / "env"))
        return {"PATH": self._path(), **{name: value for name, _, value in pairs}}


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


@contextmanager
def runner(folder: Path, rendered: Path, place: str, forge: str) -> Iterator[Runner]:
    """Make a repository of a rendered tree, the servers around it, and a checkout."""
    root, program = folder / "checkout", folder / "bin/docker"
    shutil.copytree(rendered, root)
    program.parent.mkdir()
    program.write_text(_DOCKER)
    program.chmod(0o755)
    git(root, "init", "--quiet", "--initial-branch=main")
    with (
        GitServer(folder / "remotes", user=_USER, token=GIT_TOKEN) as server,
        Registry("builder", REGISTRY_TOKEN) as registry,
        Listener() as argocd,
        Listener() as webhook,
    ):
        here = Runner(folder, root, place, forge, server, registry, argocd, webhook)
        health = {"sync": {"status": "Synced"}, "health": {"status": "Healthy"}}
        argocd.document = lambda: {"status": {**health, "summary": {"images": [here.image()]}}}
        make_remote(here.remote)
        git(here.remote, "config", "http.receivepack", "true")
        yield here


def commit(here: Runner, message: str) -> str:
    """Commit what lies in the checkout, and return the commit."""
    git(here.root, "add", "--all")
    person = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    git(here.root, *person, "commit", "--quiet", f"--message={message}")
    return git(here.root, "rev-parse", "HEAD")
