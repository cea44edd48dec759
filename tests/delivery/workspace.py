"""Rendered trees, local repositories and bare remotes to deliver to."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from generator.delivery.local.commits import commit_trees
from generator.delivery.local.merge import Ownership
from generator.delivery.local.replace import replace_trees
from generator.delivery.local.staged import Decisions, Rendered, Staged, find_last_renderings, merge_rendered
from generator.delivery.model import Commit, Delivered, Target
from generator.delivery.push import push
from generator.delivery.state import StateFile

PARTS = ("infra", "apps", "argocd")
RUN = "20260101T000000Z"
OWNERSHIP = Ownership(
    is_owned=lambda path: fnmatch(path, "*.user.yaml"), is_sealed=lambda path: path.endswith(".sealed.yaml")
)


def git(folder: Path, *arguments: str) -> str:
    """Run git as a person would, and return what it prints."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def conflict(path: Path, operation: str = "merge") -> None:
    """Leave a git command in the middle of a conflict over README.md."""
    git(path, "switch", "--quiet", "--create", "other")
    (path / "README.md").write_text("theirs\n")
    git(path, "commit", "--quiet", "--all", "--message=theirs")
    git(path, "switch", "--quiet", "main")
    (path / "README.md").write_text("ours\n")
    git(path, "commit", "--quiet", "--all", "--message=ours")
    if operation == "revert":
        (path / "README.md").write_text("later\n")
        git(path, "commit", "--quiet", "--all", "--message=later")
    what = "HEAD^" if operation == "revert" else "other"
    assert subprocess.run(["git", operation, what], cwd=path, capture_output=True, check=False).returncode == 1


def hook(repository: Path, name: str, script: str) -> None:
    """Install a hook in a repository, bare or not."""
    folder = repository / ".git" if (repository / ".git").exists() else repository
    file = folder / "hooks" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def merged(
    pairs: Sequence[tuple[Target, Path]], decisions: Decisions | None = None, again: Path | None = None
) -> list[Staged]:
    """Merge copies of rendered trees with repositories, as `fmc new` does.

    Args:
        pairs: Repositories, and what is rendered for them.
        decisions: What a person decided.
        again: The last rendering, where the repository may not tell.
    """
    # Beside the rendered tree, so that a file may be moved from one to the other.
    copies = [Path(tempfile.mkdtemp(dir=staging.parent)) for _, staging in pairs]
    for copy, (_, staging) in zip(copies, pairs, strict=True):
        shutil.copytree(staging, copy / "staging", symlinks=True, ignore=shutil.ignore_patterns(".git"))
    lasts = find_last_renderings([target for target, _ in pairs])
    trees = [
        Rendered(target, copy / "staging", copy / "aside", last.entries, again)
        for (target, _), copy, last in zip(pairs, copies, lasts, strict=True)
    ]
    return merge_rendered(trees, OWNERSHIP, decisions or Decisions())


def rendered_again(
    *pairs: tuple[Target, Path],
    message: str = "feat: render again",
    run_id: str = "20260102T000000Z",
    decisions: Decisions | None = None,
    again: Path | None = None,
) -> list[Commit]:
    """Merge copies of rendered trees with repositories, and commit them, as `fmc new` does."""
    staged = merged(pairs, decisions, again)
    return replace_trees(staged, author=None, messages={target.part: message for target, _ in pairs}, run_id=run_id)


@dataclass
class Workspace:
    """A workspace with three rendered trees, and their three bare remotes.

    Attributes:
        root: Folder of both.
        targets: In the order of delivery.
        heard: What push told as progress.
    """

    root: Path
    targets: list[Target]
    heard: list[str] = field(default_factory=list)

    @property
    def state(self) -> StateFile:
        return StateFile(self.root / "workspace" / ".fmc" / "state.json")

    def target(self, part: str) -> Target:
        return next(target for target in self.targets if target.part == part)

    def remote(self, part: str) -> Path:
        return self.root / "remotes" / f"{part}.git"

    def edit(self, part: str, name: str = "notes.md", text: str = "more\n") -> None:
        (self.target(part).path / name).write_text(text)

    def commit(self, subject: str = "chore: render") -> list[Commit]:
        return commit_trees(self.targets, author=None, subject=subject, run_id=RUN)

    def push(self, run_id: str = RUN) -> tuple[Delivered, ...]:
        return push(self.targets, state=self.state, run_id=run_id, progress=self.heard.append)

    def heads(self) -> dict[str, str]:
        """Return the commits of the local branches."""
        return {target.part: git(target.path, "rev-parse", "HEAD") for target in self.targets}

    def remote_heads(self) -> dict[str, str]:
        """Return the commits of the remote branches; parts without one are left out."""
        return {part: refs["main"] for part in PARTS if "main" in (refs := self.branches(part))}

    def branches(self, part: str) -> dict[str, str]:
        """Return all branches of a remote and their commits."""
        listed = git(self.remote(part), "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads")
        return dict(line.split(" ") for line in listed.splitlines())

    def run_branches(self) -> list[str]:
        return [f"{part}:{name}" for part in PARTS for name in self.branches(part) if name.startswith("fmc-run-")]


def make_workspace(root: Path) -> Workspace:
    """Make three rendered trees, not committed yet, and three empty remotes."""
    for part in PARTS:
        make_remote(root / "remotes" / f"{part}.git")
        make_tree(root / "workspace" / part)
    return Workspace(
        root, [Target(part, root / "workspace" / part, str(root / "remotes" / f"{part}.git"), "main") for part in PARTS]
    )


def make_remote(path: Path) -> Path:
    """Make an empty bare repository that also takes pushes over HTTP."""
    path.mkdir(parents=True)
    git(path, "init", "--quiet", "--bare", "--initial-branch=main", "--template=")
    with (path / "config").open("a") as config:
        config.write("[http]\n\treceivepack = true\n")
    return path


def make_tree(path: Path, cluster: str = "lab") -> Path:
    """Write a few files as a template would."""
    (path / "scripts").mkdir(parents=True)
    (path / "README.md").write_text(f"# {path.name}\n")
    (path / ".copier-answers.yml").write_text(f"# Written by Copier\nlayout: {path.name}\nname: {cluster}\n")
    (path / "scripts" / "run.sh").write_text("#!/bin/sh\ntrue\n")
    (path / "scripts" / "run.sh").chmod(0o755)
    return path
