"""A user's machine in a folder: a home, bare remotes under a real-looking address, and the command `fmc`."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "ha.yaml"
FMC = Path(sys.executable).with_name("fmc")
PARTS = ("infra", "apps", "argocd")
# What examples/ha.yaml names as git_base_url.
BASE_URL = "https://git.example.com/home/"
TIMEOUT = 120


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
    """A machine of its own below a folder; nothing of the real user's is seen."""

    folder: Path

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    @property
    def vault(self) -> Path:
        return self.workspace / "vault.age"

    @property
    def identity(self) -> Path:
        return self.folder / "home" / "identity.txt"

    def remote(self, part: str) -> Path:
        return self.folder / "remotes" / f"{part}.git"

    def make_remotes(self, *names: str) -> None:
        for name in names or PARTS:
            self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.remote(name)))

    @property
    def environment(self) -> dict[str, str]:
        home = self.folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.com",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.com",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.file://{self.folder}/remotes/.insteadOf",
            "GIT_CONFIG_VALUE_0": BASE_URL,
            "FMC_IDENTITY": str(self.identity),
            # Compiled rules are the same for all tests.
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")),
        }

    def fmc(self, *arguments: str, cwd: Path | None = None, stdin: str = "", **variables: str) -> Finished:
        """Run the command; it must not show a traceback, whatever happens."""
        done = self.run(str(FMC), *arguments, cwd=cwd, stdin=stdin, **variables)
        assert "Traceback" not in done.all, done.all
        return done

    def new(self, *arguments: str, answers: Path = EXAMPLE, **variables: str) -> Finished:
        """Run `fmc new` into the workspace."""
        given = ("new", "--answers", str(answers), "--workspace", str(self.workspace), "--yes")
        return self.fmc(*given, *arguments, **variables)

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        done = self.run("git", *arguments, cwd=cwd)
        assert done.code == 0, done.err
        return done.out.strip()

    def run(self, *command: str, cwd: Path | None = None, stdin: str = "", **variables: str) -> Finished:
        environment = {key: value for key, value in (self.environment | variables).items() if value}
        done = subprocess.run(
            command,
            cwd=cwd or self.folder,
            env=environment,
            input=stdin.encode(),
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
        return Finished(done.returncode, done.stdout.decode(), done.stderr.decode())

    def heads(self) -> dict[str, str]:
        """The commit of each remote's main branch."""
        return {part: self.git("rev-parse", "main", cwd=self.remote(part)) for part in PARTS}


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, without `.git`."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }
