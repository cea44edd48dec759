"""What a user does, with the commands of the READMEs: make the repositories, bootstrap, commit, push."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from generator.workspace import PARTS
from tests.e2e.bed.bed import GIT_HOST, Bed
from tests.e2e.bed.errors import BedError
from tests.e2e.bed.forge import WRITER
from tests.pipeline.world import ROOT
from tests.shell import Shell, set_answers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.pipeline.world import Finished

_TIMEOUT = 600
# Commits are looked for every five seconds instead of every three minutes: what a webhook does for a real forge.
_USER_VALUES = """
configs:
  cm:
    timeout.reconciliation: 5s
    timeout.reconciliation.jitter: 0s
server:
  env:
    # Who is refused five times in a row is shut out; clients of tests have more log-ins than that on their way.
    - name: ARGOCD_SESSION_FAILURE_MAX_FAIL_COUNT
      value: "100000"
"""


class User(Shell):
    """A person with a shell, an identity, and tokens for the forge."""

    def __init__(self, bed: Bed) -> None:
        """Give them a home in the bed's folder."""
        self._bed = bed
        self.workspace = bed.folder / "workspace"
        environment = {
            "HOME": str(bed.home),
            "KUBECONFIG": str(bed.control_plane.kubeconfig),
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), str(bed.tools), os.environ["PATH"]]),
            "FMC_GIT_TOKEN": bed.forge.write_token,
            "ANSIBLE_FORCE_COLOR": "0",
        }
        super().__init__(environment, self.workspace, BedError, _TIMEOUT)
        self.introduce()

    def introduce(self) -> None:
        """Tell git on this machine who they are."""
        (self._bed.home / ".gitconfig").write_text("[user]\nname = Operator\nemail = ops@example.com\n")

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Run kubectl."""
        return self.do("kubectl", *arguments, stdin=stdin, cwd=self._bed.folder)

    def make_repositories(self, example: str = "ha", parts: Sequence[str] = PARTS, **answers: Any) -> str:
        """Run `fmc new --push` for an example, and return what it printed.

        Args:
            example: Its name.
            parts: The parts that it renders.
            answers: Others than those of the example; all components, where they name none.
        """
        for part in parts:
            self._bed.forge.create(f"home/{part}.git")
        components = list(YAML(typ="safe").load(ROOT / "copier.yml")["components"]["choices"].values())
        wanted = {"components": components, "chart_mirror": self._bed.charts.url} | answers
        file = ROOT / "examples" / f"{example}.yaml"
        command = ["fmc", "new", "--answers", str(file), "--push", "--yes", "--workspace", str(self.workspace)]
        command += set_answers(wanted)
        # In the shell of this one command, as the README of the repository argocd has it.
        token = self._bed.forge.read_token
        logins = {
            "FMC_GIT_READ_TOKEN": token,
            "FMC_JENKINS_GIT_USER": "jenkins",
            "FMC_JENKINS_GIT_TOKEN": self._bed.forge.write_token,
            "FMC_REGISTRY_LOGIN": f"jenkins:{token}",
        }
        printed = self.do(*command, cwd=self._bed.folder, environment=logins)
        charts = self.yaml("argocd", "versions.yaml")["charts"]
        self._bed.charts.publish({name: chart["version"] for name, chart in charts.items()})
        values = self.workspace / "argocd" / "platform" / "argocd" / "values.user.yaml"
        self.commit("argocd", "Look for commits more often", {values: values.read_text() + _USER_VALUES})
        return printed

    def bootstrap(self, *options: str, environment: Mapping[str, str] | None = None) -> Finished:
        """Run the bootstrap playbook of the infra repository."""
        folder = self.workspace / "infra" / "ansible"
        return self.run("ansible-playbook", "playbooks/gitops.yml", *options, cwd=folder, environment=environment)

    def commit(self, part: str, message: str, files: Mapping[Path, str | None]) -> str:
        """Commit files and push them.

        Args:
            part: The repository.
            message: Of the commit.
            files: Content by path, absolute or in the repository; None removes a file.

        Returns:
            The commit.
        """
        folder = self.workspace / part
        for path, content in files.items():
            if content is None:
                (folder / path).unlink()
            else:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(content)
        self.do("git", "add", "--all", cwd=folder)
        self.do("git", "commit", "--quiet", "--message", message, cwd=folder)
        return self.push(part)

    def push(self, part: str) -> str:
        """Push what is committed with plain git, and return the commit."""
        self.git("push", "--quiet", "origin", "HEAD:main", cwd=self.workspace / part)
        return self.head(part)

    def pull(self, part: str) -> str:
        """Take in what others pushed, and return the commit."""
        self.git("pull", "--quiet", "--ff-only", "origin", "main", cwd=self.workspace / part)
        return self.head(part)

    def git(self, *arguments: str, cwd: Path) -> str:
        """Run git, with the token that a credential helper would answer."""
        helper = f'!f() {{ echo username={WRITER}; echo "password=$FMC_GIT_TOKEN"; }}; f'
        return self.do("git", "-c", f"credential.helper={helper}", *arguments, cwd=cwd)

    def head(self, part: str) -> str:
        """Return the commit that a repository is at."""
        return self.do("git", "rev-parse", "HEAD", cwd=self.workspace / part).strip()

    def yaml(self, part: str, file: str) -> Any:
        """Read a YAML file of a repository."""
        return YAML(typ="safe").load(self.workspace / part / file)

    def url(self, part: str) -> str:
        """Return the address of a repository."""
        return f"https://{GIT_HOST}/home/{part}.git"
