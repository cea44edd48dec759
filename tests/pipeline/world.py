"""A user's machine in a folder: a home, bare remotes under a real-looking address, and the command `fmc`."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from generator.secrets.vault.file import open_vault
from generator.secrets.vault.needles import needles
from generator.workspace import PARTS
from tests.pipeline import forked
from tests.trees import copy_tree, files_outside_git

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "ha.yaml"
FMC = Path(sys.executable).with_name("fmc")
# What examples/ha.yaml names as git_base_url.
BASE_URL = "https://git.example.com/home/"
TIMEOUT = 120
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Finished:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        """Both streams."""
        return self.out + self.err


@dataclass
class World:
    """A machine of its own below a folder; nothing of the real user's is seen.

    Attributes:
        folder: Where everything of it lies.
        cluster: Name of the cluster that it makes.
        base_url: The address below which git finds its remotes.
    """

    folder: Path
    cluster: str = "home"
    base_url: str = BASE_URL

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    @property
    def vault(self) -> Path:
        return self.workspace / "vault.age"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def identity(self) -> Path:
        return self.home / "identity.txt"

    def remote(self, part: str) -> Path:
        return self.folder / "remotes" / f"{part}.git"

    @property
    def environment(self) -> dict[str, str]:
        """Only what is named here: variables of whoever runs the tests change nothing."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.folder / "tmp"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.com",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.com",
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": f"url.file://{self.folder}/remotes/.insteadOf",
            "GIT_CONFIG_VALUE_0": self.base_url,
            # No machine loses its power here.
            "GIT_CONFIG_KEY_1": "core.fsync",
            "GIT_CONFIG_VALUE_1": "none",
            "FMC_IDENTITY": str(self.identity),
            # Compiled rules and unpacked schemas are the same for all tests.
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")),
        }

    def make(self, *remotes: str) -> World:
        """Make the machine with empty remotes, by default one for each part."""
        for folder in (self.home, self.folder / "tmp"):
            folder.mkdir(parents=True)
        for name in remotes or PARTS:
            self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.remote(name)))
        return self

    def copy(self, folder: Path) -> World:
        """Return another machine that is as this one is now."""
        copy_tree(self.folder, folder)
        return replace(self, folder=folder)

    def fmc(
        self, *arguments: str, cwd: Path | None = None, stdin: str = "", env: Mapping[str, str] = _NOTHING
    ) -> Finished:
        """Run the command; whatever happens, it must show neither a traceback nor a secret of its vault."""
        done = self.run(str(FMC), *arguments, cwd=cwd, stdin=stdin, env=env)
        self.require_presentable(done)
        return done

    def new(self, *arguments: str, answers: Path = EXAMPLE, env: Mapping[str, str] = _NOTHING) -> Finished:
        """Run `fmc new` into the workspace."""
        return self.fmc(*self.command_new(answers), *arguments, env=env)

    def command_new(self, answers: Path = EXAMPLE) -> tuple[str, ...]:
        """Return the arguments of `fmc new`."""
        return ("new", "--answers", str(answers), "--workspace", str(self.workspace), "--yes")

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        done = self.run("git", *arguments, cwd=cwd)
        assert done.code == 0, done.err
        return done.out.strip()

    def run(
        self, *command: str, cwd: Path | None = None, stdin: str = "", env: Mapping[str, str] = _NOTHING
    ) -> Finished:
        """Run a program to its end, with further variables; an empty one is left out."""
        variables = {key: value for key, value in {**self.environment, **env}.items() if value}
        done = forked.run(command, cwd=cwd or self.folder, env=variables, stdin=stdin.encode(), timeout=TIMEOUT)
        return Finished(done.returncode, *(os.fsdecode(stream) for stream in (done.stdout, done.stderr)))

    def require_presentable(self, done: Finished) -> None:
        """Assert that the output may be shown to anybody."""
        assert "Traceback" not in done.all, done.all
        assert "Exception ignored" not in done.all, done.all
        if self.vault.exists() and self.identity.exists():
            shown = os.fsencode(done.all)
            # Counted, since a failure shows what it is about.
            leaks = sum(needle in shown for needle in self.needles())
            assert leaks == 0

    def needles(self) -> tuple[bytes, ...]:
        """Every form in which a secret of the vault could stand somewhere."""
        return needles(open_vault(self.vault, self.identity, cluster=self.cluster))

    def commit(self, part: str, files: Mapping[str, str]) -> None:
        """Write files into a repository of the workspace, and commit them as the user."""
        repository = self.workspace / part
        for name, text in files.items():
            (repository / name).parent.mkdir(parents=True, exist_ok=True)
            (repository / name).write_text(text)
        self.git("add", "--all", cwd=repository)
        self.git("commit", "--quiet", "--message", "Mine", cwd=repository)

    def tips(self) -> dict[str, str]:
        """The commit of each remote's main branch; remotes without one are left out."""
        return {
            remote.stem: found.out.strip()
            for remote in sorted((self.folder / "remotes").iterdir())
            if (found := self.run("git", "rev-parse", "--verify", "main", cwd=remote)).code == 0
        }

    def references(self) -> dict[str, str]:
        """All references of all remotes: what must stay as it is where nothing may happen."""
        return {
            remote.stem: self.git("for-each-ref", cwd=remote) for remote in sorted((self.folder / "remotes").iterdir())
        }

    def published(self) -> dict[str, dict[str, bytes]]:
        """The files of each remote, from a clone of it."""
        trees = {}
        for name in self.tips():
            clone = self.folder / "tmp" / f"clone-of-{name}"
            self.git("clone", "--quiet", str(self.remote(name)), str(clone))
            trees[name] = tree(clone)
            shutil.rmtree(clone)
        return trees

    def local(self) -> dict[str, dict[str, bytes]]:
        """The files of each repository in the workspace."""
        return {path.parent.name: tree(path.parent) for path in sorted(self.workspace.glob("*/.git"))}


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, without `.git`."""
    return {name: path.read_bytes() for name, path in files_outside_git(folder)}


def answers(folder: Path, text: str = "", **changed: str) -> Path:
    """Write an answers file: the example with some answers changed, or a text."""
    lines = (text or EXAMPLE.read_text()).splitlines()
    kept = [line for line in lines if line.partition(":")[0] not in changed]
    path = folder / "changed.yaml"
    path.write_text("\n".join([*kept, *(f"{name}: {value}" for name, value in changed.items())]) + "\n")
    return path
