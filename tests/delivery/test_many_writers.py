"""Promise 13 on real servers: whatever people and fmc push in turn, fmc moves and deletes nothing that it did not make.

Faults A1: ownership was decided by a name, and the remotes were asked before the last deletion.
"""

from __future__ import annotations

import dataclasses
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from generator.errors import ConflictError, RemoteError
from tests.conftest import require_tool
from tests.delivery.gitserver import GitServer
from tests.delivery.sshserver import shared_connection, ssh_server
from tests.delivery.workspace import PARTS, RUN, Workspace, git, hook, make_workspace

MAIN = "refs/heads/main"
# What people may call their branches, next to what fmc might call its own.
NAMES = ("gitops", "gitops/new-app", "fmc", "fmc/run", "fmc-run", f"fmc-run-{RUN}", "fmc-run-0", "main-2")


@dataclass
class Writers:
    """Several people and one fmc, who push to the same three remotes.

    Attributes:
        workspace: fmc's; its targets have the server's URLs.
        theirs: What people made: commits by full names of references, for each repository.
        pushes: How often fmc has begun to push.
    """

    workspace: Workspace
    theirs: dict[str, dict[str, str]] = field(default_factory=lambda: {part: {} for part in PARTS})
    pushes: int = 0

    # What people do.

    def push_to_main(self, part: str, name: str) -> None:
        clone = self._clone(part)
        self._commit(clone, name)
        self._push_main(clone, "HEAD")

    def set_main_back(self, part: str, name: str) -> None:
        clone = self._clone(part)
        if git(clone, "rev-list", "--count", "HEAD") != "1":
            self._push_main(clone, "HEAD~1")

    def make_a_branch(self, part: str, name: str) -> None:
        """Make or move a branch that has nothing of its own yet: it is contained in what fmc delivers."""
        self._push_branch(self._clone(part), part, name)

    def work_on_a_branch(self, part: str, name: str) -> None:
        clone = self._clone(part)
        self._commit(clone, name)
        self._push_branch(clone, part, name)

    def delete_a_branch(self, part: str, name: str) -> None:
        if self.theirs[part].pop(f"refs/heads/{name}", None):
            git(self.workspace.remote(part), "update-ref", "-d", f"refs/heads/{name}")

    def protect_main(self, part: str, name: str) -> None:
        hook(self.workspace.remote(part), "update", f'test "$1" != {MAIN}')

    def refuse_deletions(self, part: str, name: str) -> None:
        git(self.workspace.remote(part), "config", "receive.denyDeletes", "true")

    def allow_everything(self, part: str, name: str) -> None:
        hook(self.workspace.remote(part), "update", "exit 0")
        git(self.workspace.remote(part), "config", "receive.denyDeletes", "false")

    # What the operator of fmc does.

    def render(self, part: str, name: str) -> None:
        self.pushes += 1
        self.workspace.edit(part, f"rendered-{self.pushes}.md")
        self.workspace.commit()

    def take_in(self, part: str, name: str) -> None:
        """Do what fmc advises for a branch that moved on."""
        git(self.workspace.target(part).path, "pull", "--quiet", "--rebase", "origin", "main")

    def deliver(self, part: str, name: str) -> None:
        self.pushes += 1
        before = {one: self.references(one) for one in PARTS}
        run_id = self.workspace.state.unfinished_run() or (RUN if self.pushes == 1 else f"{RUN}-{self.pushes}")
        try:
            delivered = self.workspace.push(run_id)
        except (ConflictError, RemoteError):
            delivered = ()
        self.assert_nobody_lost_anything(before)
        for one in delivered:
            assert git(self.workspace.root, "ls-remote", one.url, MAIN) == f"{one.remote_sha}\t{MAIN}"
            assert self.contains(one.part, one.remote_sha, one.commit)
        state = self.workspace.state.read()
        if delivered and state is not None:
            recorded = {(made.url, made.name) for made in state.made}
            assert recorded == {(one.url, name) for one in delivered for name in self.left_by_fmc(one.part)}

    def assert_nobody_lost_anything(self, before: dict[str, dict[str, str]]) -> None:
        for part in PARTS:
            now = self.references(part)
            assert {name: now.get(name) for name in self.theirs[part]} == self.theirs[part]
            if MAIN in before[part]:
                assert self.contains(part, now[MAIN], before[part][MAIN])

    # What there is.

    def references(self, part: str) -> dict[str, str]:
        listed = git(self.workspace.remote(part), "for-each-ref", "--format=%(refname) %(objectname)")
        return dict(line.split(" ") for line in listed.splitlines())

    def left_by_fmc(self, part: str) -> set[str]:
        return self.references(part).keys() - self.theirs[part].keys() - {MAIN}

    def contains(self, part: str, descendant: str, ancestor: str) -> bool:
        return ancestor in git(self.workspace.remote(part), "rev-list", descendant).splitlines()

    def _clone(self, part: str) -> Path:
        folder = Path(tempfile.mkdtemp(dir=self.workspace.root)) / part
        git(self.workspace.root, "clone", "--quiet", "--branch=main", self.workspace.target(part).url, str(folder))
        return folder

    def _commit(self, clone: Path, name: str) -> None:
        (clone / f"{clone.parent.name}.md").write_text(f"{name}\n")
        git(clone, "add", "--all")
        git(clone, "commit", "--quiet", f"--message={name}")

    def _push_main(self, clone: Path, commit: str) -> None:
        """Push to main; where it is protected, people are declined as well."""
        command = ["git", "push", "--quiet", "--force", "origin", f"{commit}:main"]
        subprocess.run(command, cwd=clone, capture_output=True, check=False)

    def _push_branch(self, clone: Path, part: str, name: str) -> None:
        reference = f"refs/heads/{name}"
        there = self.references(part)
        if any(one.startswith(f"{reference}/") or reference.startswith(f"{one}/") for one in there):
            return  # Git keeps no branch `a` beside `a/b`.
        git(clone, "push", "--quiet", "--force", "origin", f"HEAD:{reference}")
        self.theirs[part][reference] = git(clone, "rev-parse", "HEAD")


ACTIONS: tuple[Callable[[Writers, str, str], None], ...] = (
    Writers.push_to_main,
    Writers.set_main_back,
    Writers.make_a_branch,
    Writers.make_a_branch,
    Writers.work_on_a_branch,
    Writers.delete_a_branch,
    Writers.protect_main,
    Writers.refuse_deletions,
    Writers.allow_everything,
    Writers.render,
    Writers.render,
    Writers.take_in,
)
HISTORIES = st.lists(
    st.tuples(st.sampled_from(ACTIONS), st.sampled_from(PARTS), st.sampled_from(NAMES)), min_size=2, max_size=6
)


@contextmanager
def writers(served: Path, base_url: str) -> Iterator[Writers]:
    """Give three remotes below a served folder, to which fmc has delivered once."""
    with tempfile.TemporaryDirectory(dir=served) as folder:
        workspace = make_workspace(Path(folder))
        base = f"{base_url}/{Path(folder).name}/remotes"
        workspace.targets = [dataclasses.replace(one, url=f"{base}/{one.part}.git") for one in workspace.targets]
        workspace.commit()
        everybody = Writers(workspace)
        everybody.deliver("infra", "")
        yield everybody


def play(everybody: Writers, history: list[tuple[Callable[[Writers, str, str], None], str, str]]) -> None:
    """Let people act, and fmc push after each of them, with what it finds then."""
    for action, part, name in history:
        if action is Writers.take_in and everybody.references(part).get(MAIN) is None:
            continue
        action(everybody, part, name)
        everybody.deliver(part, name)
    for part in PARTS:
        everybody.allow_everything(part, "")
        everybody.take_in(part, "")
    everybody.render("argocd", "")
    everybody.deliver("argocd", "")


# A history is short, and each attempt to shorten it takes seconds.
QUICK = settings(
    phases=[Phase.generate],
    max_examples=4,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@QUICK
@given(history=HISTORIES)
def test_over_http_nothing_of_other_people_is_moved_or_deleted(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[Callable[[Writers, str, str], None], str, str]]
) -> None:
    served = tmp_path_factory.mktemp("http")
    with GitServer(served) as server, writers(served, server.url) as everybody:
        play(everybody, history)


@pytest.mark.tools
@settings(QUICK, max_examples=2)
@given(history=HISTORIES)
def test_over_ssh_nothing_of_other_people_is_moved_or_deleted(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    history: list[tuple[Callable[[Writers, str, str], None], str, str]],
) -> None:
    served = tmp_path_factory.mktemp("ssh")
    with (
        ssh_server(require_tool("sshd"), served / "keys") as (host, command),
        shared_connection(host, command) as shared,
    ):
        monkeypatch.setenv("GIT_SSH_COMMAND", shared)
        with writers(served, f"{host}{served}") as everybody:
            play(everybody, history)
