"""Jenkins for tests: its Groovy runs the rendered Jenkinsfile in a checkout; all that it talks to is on loopback."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.conftest import require_tool
from tests.delivery.gitserver import GitServer
from tests.delivery.processes import counting_git
from tests.delivery.workspace import git, make_remote
from tests.image.bumping import OVERLAY
from tests.loopback import LoopbackServer, QuietHandler

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from tests.ci.registry import Registry

STANDINS = Path(__file__).with_name("standins")
GIT_TOKEN, ARGOCD_TOKEN, REGISTRY_TOKEN, WEBHOOK_KEY = "git-s3cret", "argocd-s3cret", "registry-s3cret", "hook-s3cret"
"""What no log and no argument may hold."""
CHECK = "#!/bin/sh\n[ ! -e faulty ] || { echo 'the check found something'; exit 1; }\n"


class Jenkins:
    """The process that runs builds, one after the other; use it as a context manager."""

    def __enter__(self) -> Jenkins:
        program = str(require_tool("jenkinsfile"))
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=60)

    def build(self, settings: dict[str, Any]) -> list[dict[str, Any]]:
        """Run a build, and return what happened in it."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{json.dumps(settings)}\n")
        self._process.stdin.flush()
        events: list[dict[str, Any]] = []
        for line in self._process.stdout:
            events.append(json.loads(line))
            if events[-1]["step"] == "over":
                assert not events[-1]["error"]
                break
        return events


class _Heard(QuietHandler):
    """One request; `owner` is who hears it."""

    owner: Listener

    def do_GET(self) -> None:
        self.owner.heard.append((self.path, self.headers.get("Authorization", ""), self.body().decode()))
        self.reply(self.owner.status, json.dumps(self.owner.document()).encode())

    do_POST = do_GET


@dataclass
class Listener(LoopbackServer):
    """An HTTP server that notes what it is sent.

    Attributes:
        status: What it answers.
        document: Makes what it answers, as JSON.
        heard: Path, Authorization and body of each request.
    """

    handler = _Heard
    status: int = 200
    document: Callable[[], Any] = dict
    heard: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Ended:
    """A build that has ended.

    Attributes:
        events: What happened in it.
    """

    events: list[dict[str, Any]]

    @property
    def result(self) -> str:
        return next(str(event["result"]) for event in self.events if event["step"] == "end")

    @property
    def commands(self) -> list[tuple[str, str]]:
        """Container and command of each shell."""
        return [(event["container"], event["command"]) for event in self.events if event["step"] == "sh"]

    @property
    def stages(self) -> list[str]:
        """The stages that began."""
        return [event["stage"] for event in self.events if event["step"] == "stage"]

    @property
    def log(self) -> str:
        return "\n".join(event.get("log", "") for event in self.events)


@dataclass
class Bed:
    """A repository of apps with two apps, of which the last commit changed `shop`, and what its pipeline talks to.

    Attributes:
        folder: Where everything lies.
        jenkins: Who builds.
        server: The Git server; the pipeline's token is one of a writer.
        registry: Where images are pushed.
        argocd: Says that what Git says is rolled out.
        webhook: Is told of builds.
        place: The folder of the apps in the repository, "" or with a slash at its end.
        before: The commit before the last one.
        variables: Further ones of the build.
    """

    folder: Path
    jenkins: Jenkins
    server: GitServer
    registry: Registry
    argocd: Listener
    webhook: Listener
    place: str = ""
    before: str = ""
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def checkout(self) -> Path:
        return self.folder / "checkout"

    @property
    def remote(self) -> Path:
        return self.folder / "remotes/apps.git"

    @property
    def arguments(self) -> str:
        """What the stand-ins and git were called with."""
        notes = [self.folder / "notes", *(self.folder / "git/steps").glob("*")]
        return "\n".join(note.read_text() for note in notes if note.exists())

    def write(self, path: str, text: str, *, program: bool = False) -> None:
        """Write a file of the apps."""
        file = self.checkout / self.place / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755 if program else 0o644)

    def commit(self, message: str) -> str:
        """Commit what was written, push it, and return the commit."""
        git(self.checkout, "add", "--all")
        git(self.checkout, "commit", "--quiet", f"--message={message}")
        git(self.checkout, "push", "--quiet", str(self.remote), "HEAD")
        return git(self.checkout, "rev-parse", "HEAD")

    def overlay(self) -> str:
        return git(self.remote, "show", f"main:{self.place}apps/shop/overlays/staging/kustomization.yaml")

    def image(self) -> str:
        """Return what Git says that runs in staging."""
        name, tag, digest = re.findall(r'(?:newName|newTag|digest): "?([^"\n]+)', self.overlay())
        return f"{name}:{tag}@{digest}"

    def build(self, branch: str = "main", since: str = "", login: str = "") -> Ended:
        """Let Jenkins build what is checked out.

        Args:
            branch: Whose build it is.
            since: What the last build that succeeded had checked out.
            login: At the registry, where it is another one than the registry wants.
        """
        auths = {self.registry.host: {"auth": login or self.registry.login}}
        (self.folder / "docker").mkdir(exist_ok=True)
        (self.folder / "docker/config.json").write_text(json.dumps({"auths": auths}))
        system = f"{self.folder}/git/bin:{os.environ['PATH']}"
        tools = {
            "PATH": f"{STANDINS}:{system}",
            "DOCKER_CONFIG": f"{self.folder}/docker",
            "STANDIN_NOTES": f"{self.folder}/notes",
        }
        settings = {
            "workspace": str(self.checkout),
            "script": f"{self.place}Jenkinsfile",
            "environment": {
                "PATH": system,
                "PYTHONDONTWRITEBYTECODE": "1",
                "GIT_CONFIG_GLOBAL": os.devnull,
                "BRANCH_NAME": branch,
                "BUILD_URL": "https://jenkins.example.com/job/apps/7/",
                "REGISTRY": f"{self.registry.host}/team",
                "ARGOCD_URL": self.argocd.url,
                **({"GIT_PREVIOUS_SUCCESSFUL_COMMIT": since} if since else {}),
                **self.variables,
            },
            "containers": {"python": {}, "buildkit": tools, "trivy": tools},
            "credentials": {
                "git": {"username": self.server.user, "password": GIT_TOKEN},
                "argocd": {"secret": ARGOCD_TOKEN},
                "notify": {"secret": f"{self.webhook.url}/{WEBHOOK_KEY}"},
            },
        }
        return Ended(self.jenkins.build(settings))


def fill(bed: Bed, rendered: Path) -> None:
    """Make the repository from a rendered tree, and a last commit that changed `shop` alone."""
    subprocess.run(["cp", "-r", str(rendered), str(bed.checkout)], check=True)
    make_remote(bed.remote)
    counting_git(bed.folder / "git")
    settings = bed.checkout / bed.place / "ci/delivery.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"remote": f"{bed.server.url}/apps.git"}))
    git(bed.checkout, "init", "--quiet", "--initial-branch=main")
    # Its own tests are in test_check.py: it gets fmc from where the answers say, and packages from an index.
    (bed.checkout / "ci/check").write_text(CHECK)
    overlay = OVERLAY.format(app="shop", environment="staging", registry=f"{bed.registry.host}/team")
    bed.write("apps/shop/overlays/staging/kustomization.yaml", overlay)
    bed.before = bed.commit("everything but shop")
    bed.write("sources/shop/Dockerfile", "FROM scratch\nCOPY shop /shop\n")
    bed.write("sources/shop/test", "#!/bin/sh\necho 'shop is tested'\n", program=True)
    bed.commit("shop")
