"""A build agent of Jenkins without Jenkins: it does what the rendered Jenkinsfile has the shells do, stage by stage.

That the Jenkinsfile comes to these shells is shown elsewhere, on Jenkins's own Groovy (tests/ci). Real are here the
programs in ci/ and whom they talk to; BuildKit and Trivy, which need a kernel's favour and a download, are stand-ins.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.ci.jenkins_bed import STANDINS
from tests.e2e.bed.errors import BedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.ci.registry import Registry
    from tests.shell import Shell

_STAGE = re.compile(r"^ {4}stage\('([^']+)'\) \{$(.*?)^ {4}\}$", re.MULTILINE | re.DOTALL)
_SHELL = re.compile(r"^ +sh '([^']+)'$", re.MULTILINE)
# They look at the whole repository, with packages from an index that the bed can't reach.
_ELSEWHERE = "check"


@dataclass(frozen=True)
class Stage:
    """A stage of the branch that is rolled out."""

    name: str
    commands: tuple[str, ...]


def stages(jenkinsfile: str) -> list[Stage]:
    """Return the stages of a rendered Jenkinsfile that build and roll out, in order, each with its shells."""
    found = [
        Stage(name, tuple(_SHELL.findall(body)))
        for name, body in _STAGE.findall(jenkinsfile)
        if "not { branch" not in body and name != _ELSEWHERE
    ]
    return [stage for stage in found if stage.commands]


@dataclass(frozen=True)
class Built:
    """What a build came to.

    Attributes:
        image: What was pushed: NAME:TAG@DIGEST.
        stages: What ran.
        said: What all of it printed.
    """

    image: str
    stages: tuple[str, ...]
    said: str


@dataclass(frozen=True)
class Agent:
    """A checkout, and what Jenkins gives the shells there.

    Attributes:
        shell: Runs a command.
        checkout: The repository of the apps.
        registry: Where images are pushed.
        variables: Of every shell.
        credentials: Variables of one stage alone, by its name.
    """

    shell: Shell
    checkout: Path
    registry: Registry
    variables: Mapping[str, str]
    credentials: Mapping[str, Mapping[str, str]]

    def build(self, since: str = "") -> Built:
        """Build what is checked out, and roll it out.

        Args:
            since: The commit of the last build that succeeded.

        Raises:
            BedError: A stage failed, or another app than `hello` changed.
        """
        environment = self._environment()
        changed = ("ci/changed-apps", since)
        apps = self.shell.do(*changed, cwd=self.checkout, environment=environment).split()
        if apps != ["hello"]:
            raise BedError(f"{apps} changed since {since or 'ever'}, and not hello alone")
        said, ran = "", []
        for stage in stages((self.checkout / "Jenkinsfile").read_text()):
            own = {**environment, "APP": "hello", **self.credentials.get(stage.name, {})}
            for command in stage.commands:
                done = self.shell.run("sh", "-c", command, cwd=self.checkout, environment=own)
                said += done.all
                if done.code:
                    raise BedError(f"the stage {stage.name} ended with {done.code}:\n{said}")
            ran.append(stage.name)
        return Built((self.checkout / "out/hello/image").read_text().strip(), tuple(ran), said)

    def _environment(self) -> dict[str, str]:
        login = self.checkout.parent / "docker"
        login.mkdir(mode=0o700, exist_ok=True)
        auths = {self.registry.host: {"auth": self.registry.login}}
        (login / "config.json").write_text(json.dumps({"auths": auths}))
        return {
            "PATH": os.pathsep.join([str(STANDINS), self.shell.environment["PATH"]]),
            "DOCKER_CONFIG": str(login),
            "STANDIN_NOTES": str(self.checkout.parent / "calls"),
            "REGISTRY": f"{self.registry.host}/team",
            "FMC_GIT_TOKEN": "",
            **self.variables,
        }
