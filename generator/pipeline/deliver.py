"""Delivery as the verbs use it: the leak gate over what is about to be published, then the push protocol."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from generator.delivery.local.commits import commit_tree
from generator.delivery.local.repository import open_repository
from generator.delivery.push import push
from generator.delivery.state import StateFile
from generator.errors import ChecksError
from generator.pipeline.check import Engine, check_repositories, leaks_in_commits, require_clean, usable_vault
from generator.pipeline.steps.supplied import take_supplied_values
from generator.template.source import template_root
from generator.workspace import find_repositories

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from generator.console import Console
    from generator.delivery.model import Author, Delivered, Target
    from generator.delivery.remote.ask import RemoteBranches
    from generator.workspace import Workspace


def new_run_id(workspace: Workspace) -> str:
    """Return the id of the delivery that was not finished here, or a new one that names the time."""
    return StateFile(workspace.state).unfinished_run() or f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def deliver(
    targets: Sequence[Target],
    workspace: Workspace,
    run_id: str,
    plaintexts: Collection[bytes],
    console: Console,
    remotes: Sequence[RemoteBranches] = (),
) -> tuple[Delivered, ...]:
    """Push repositories, unless a commit that would be published holds a secret.

    Args:
        targets: The repositories, argocd last.
        workspace: Where the state of the delivery is kept.
        run_id: Id of this delivery.
        plaintexts: What must stand in no commit.
        console: Is told about progress.
        remotes: What the remotes answered earlier in the same command.

    Raises:
        ChecksError: A commit holds a secret; nothing was pushed.
        FmcError: A remote or a repository stands in the way; the same command goes on where this one stopped.
    """
    leaks = leaks_in_commits(targets, plaintexts)
    if leaks:
        raise ChecksError(
            "a commit that would be pushed holds a secret; nothing was pushed",
            leaks,
            fix="Take the secret out of the history (`git commit --amend`, `git rebase`), and replace it: it may have "
            "been read. Then run the same command again.",
        )
    return push(
        targets,
        state=StateFile(workspace.state),
        run_id=run_id,
        progress=lambda line: console.note(f"    {line}"),
        answers=remotes,
    )


def push_workspace(
    start: Path, identity: Path | None, author: Author | None, engine: Engine, console: Console
) -> tuple[Delivered, ...]:
    """Check the repositories of a workspace, commit what `fmc seal` wrote, and push them.

    Args:
        start: The workspace, or a folder in it.
        identity: The operator's age identity; None for the usual place.
        author: Who commits; None leaves it to git.
        engine: What validates the manifests.
        console: Is told about progress.

    Raises:
        ChecksError: There are findings; nothing was pushed.
        FmcError: A remote or a repository stands in the way; the same command goes on where this one stopped.
    """
    from generator.secrets.vault.needles import needles
    from generator.secrets.verifying.without_vault import is_sealed_file

    take_supplied_values()
    with console.step("read the recorded answers"):
        repositories = find_repositories(start, template_root())
    workspace, targets = repositories.workspace, repositories.targets
    vault, warnings = usable_vault(workspace, repositories.loaded.answers.name, identity)
    plaintexts = needles(vault) if vault else ()
    console.findings(warnings)
    with workspace.locked():
        with console.step("check the repositories"):
            require_clean(check_repositories(repositories.paths, repositories.loaded, engine, plaintexts))
        run_id = new_run_id(workspace)
        with console.step("commit sealed manifests"):
            for target in targets:
                changes = open_repository(target).changes
                if changes and all(is_sealed_file(path) for path in changes):
                    commit_tree(target, author=author, subject="Seal secrets", run_id=run_id)
        with console.step("push"):
            return deliver(targets, workspace, run_id, plaintexts, console)
