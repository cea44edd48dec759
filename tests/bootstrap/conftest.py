"""A pushed workspace, a cluster that is files in a folder, and the playbook that is to hand it over."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.conftest import started_playbook
from tests.pipeline.world import FMC, World
from tests.warm_python import warm_python, write_script

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OUR_IMPORTS = (
    *("argparse", "yaml", "generator.secrets.vault.keys"),
    *("generator.cli.main", "generator.cli.keys", "generator.pipeline.steps.session", "generator.secrets.export"),
)
TOKEN = "glpat-of-the-git-server"
FIRST_PASSWORD = "password-of-the-first-start"
# One poll each second, and no wait longer than some seconds.
SHORT = {
    "gitops_bootstrap_interval": 1,
    "gitops_bootstrap_secrets_timeout": 3,
    "gitops_bootstrap_rollout_timeout": 4,
    "gitops_bootstrap_patience": 2,
}


@dataclass(frozen=True)
class Pythons:
    """Interpreters that have imported what they are for; see `tests/warm_python`.

    Attributes:
        ansible: For Ansible's modules.
        ours: For the programs of the cluster.
        playbook: The command `ansible-playbook`.
        killed_playbook: The same, for a cluster that kills it.
    """

    ansible: Path
    ours: Path
    playbook: tuple[str, ...]
    killed_playbook: tuple[str, ...]


@dataclass(frozen=True)
class Played:
    """What a playbook left."""

    code: int
    output: str

    @property
    def changed(self) -> int:
        """The number of changed tasks."""
        (count,) = re.findall(r"(?m)^localhost .*\bchanged=(\d+)", self.output)
        return int(count)

    @property
    def message(self) -> str:
        """The output without its indentation and line breaks."""
        return " ".join(self.output.split())


@dataclass
class Operator:
    """A person with a workspace and a kubeconfig.

    Attributes:
        world: Their machine.
        pythons: What their cluster and Ansible's modules run with.
        repository: The repository that holds the parts; None where each is one of its own.
    """

    world: World
    pythons: Pythons
    repository: Path | None = None

    @property
    def cluster(self) -> Path:
        return self.world.folder / "cluster"

    @property
    def argocd(self) -> Path:
        return (self.repository or self.world.workspace) / "argocd"

    def make_cluster(self) -> None:
        """Make an empty cluster, and the programs that lead to it."""
        programs = self.world.folder / "bin"
        for folder in (self.cluster, programs):
            folder.mkdir()
        for name, program in (
            ("kubectl", "-m tests.bootstrap.kubectl"),
            ("helm", "-m tests.bootstrap.helm"),
            ("fmc", FMC),
        ):
            write_script(programs / name, f'exec {self.pythons.ours} {program} "$@"')
        self.change_world(
            tree=str(self.argocd),
            revision=self.world.git("rev-parse", "HEAD", cwd=self.argocd),
            first_password=FIRST_PASSWORD,
        )

    def change_world(self, **facts: Any) -> None:
        """Say what is pushed, or what is broken."""
        known = self._known() | facts
        (self.cluster / "world.json").write_text(json.dumps(known))

    def _known(self) -> dict[str, Any]:
        path = self.cluster / "world.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def play(
        self, *arguments: str, env: Mapping[str, str] | None = None, without: str = "", **variables: Any
    ) -> Played:
        """Run the playbook, in a session of its own.

        Args:
            arguments: Further arguments of ansible-playbook.
            env: Further environment variables.
            without: A program that is not on PATH.
            variables: Of the role.
        """
        command = self.pythons.killed_playbook if self._known().get("power_cut") else self.pythons.playbook
        variables = SHORT | {"ansible_python_interpreter": str(self.pythons.ansible)} | variables
        folders = [str(self.world.folder / "bin"), str(FMC.parent), *os.environ["PATH"].split(os.pathsep)]
        environment = self.world.environment | {
            "PATH": os.pathsep.join(folder for folder in folders if not (Path(folder) / (without or "\0")).exists()),
            "FAKE_CLUSTER": str(self.cluster),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_NOCOLOR": "1",
        }
        with subprocess.Popen(
            [*command, "playbooks/gitops.yml", "-e", json.dumps(variables), *arguments],
            cwd=self.argocd.parent / "infra/ansible",
            env=environment | dict(env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as playbook:
            (self.cluster / "playbook.pid").write_text(str(playbook.pid))
            try:
                output, _ = playbook.communicate(timeout=180)
            except subprocess.TimeoutExpired:
                os.killpg(playbook.pid, signal.SIGKILL)
                raise
        self._require_presentable(output)
        return Played(playbook.returncode, output)

    def _require_presentable(self, output: str) -> None:
        """No output of any run may hold a secret."""
        shown = output.encode()
        leaks = sum(needle in shown for needle in (*self.world.needles(), FIRST_PASSWORD.encode()))
        assert leaks == 0

    def have_git_refuse(self, message: str) -> None:
        """Have the Git server refuse Argo CD as long as it has the credential of now."""
        manifest = yaml.safe_load((self.argocd / "secrets/argocd/git-credentials.sealed.yaml").read_text())
        self.change_world(git_refuses=message, refused_token=manifest["spec"]["encryptedData"]["password"])

    def push(self, part: str, files: Mapping[str, str]) -> None:
        """Commit files, and push them; Argo CD sees the new commit."""
        self.world.commit(part, files)
        self.world.git("push", "--quiet", "origin", "HEAD", cwd=self.world.workspace / part)
        self.change_world(revision=self.world.tips()["argocd"])

    def calls(self) -> list[str]:
        """What the cluster was asked to do, so far."""
        log = self.cluster / "calls.log"
        return log.read_text().splitlines() if log.exists() else []

    def objects(self) -> dict[str, Any]:
        """The live objects, by `kind/namespace/name`."""
        folder = self.cluster / "objects"
        return {
            path.relative_to(folder).with_suffix("").as_posix(): json.loads(path.read_text())["live"]
            for path in sorted(folder.rglob("*.json"))
        }


@pytest.fixture(scope="session")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A machine on which everything is sealed and pushed. Look at it, and leave it as it is."""
    world = World(tmp_path_factory.mktemp("delivered") / "world").make()
    done = world.new("--push", env={"FMC_GIT_READ_TOKEN": TOKEN})
    assert done.code == 0, done.err
    return world


@pytest.fixture(scope="session")
def pythons(
    ansible_python: Path, ansible_playbook: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pythons]:
    """Two servers, and scripts that are used as `python3` is."""
    with warm_python(sys.executable, OUR_IMPORTS) as ours:
        yield Pythons(ansible_python, ours, ansible_playbook, started_playbook(tmp_path_factory))


@pytest.fixture
def operator(delivered: World, pythons: Pythons, tmp_path: Path) -> Operator:
    """A person with that workspace and an empty cluster."""
    made = Operator(delivered.copy(tmp_path / "world"), pythons)
    made.make_cluster()
    return made


@pytest.fixture(scope="session")
def handed_over(
    delivered: World, pythons: Pythons, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Operator, Played]:
    """A person whose cluster the playbook has handed over, and what it said with -vvv. Leave both as they are."""
    made = Operator(delivered.copy(tmp_path_factory.mktemp("handed-over") / "world"), pythons)
    made.make_cluster()
    done = made.play("-vvv")
    assert done.code == 0, done.output
    return made, done
