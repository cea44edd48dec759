"""`fmc push`: check the repositories of a workspace, commit what `fmc seal` wrote, and push them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.delivery.local.commits import commit_tree
from generator.delivery.local.repository import open_repository
from generator.pipeline.steps.deliver import deliver, new_run_id
from generator.pipeline.steps.gate import check_repositories, require_clean, usable_vault

if TYPE_CHECKING:
    from generator.console import Console
    from generator.delivery.model import Author, Delivered
    from generator.pipeline.steps.gate import Engine
    from generator.pipeline.steps.session import Session


def push(session: Session, author: Author | None, engine: Engine, console: Console) -> tuple[Delivered, ...]:
    """Check the repositories of a workspace, commit what `fmc seal` wrote, and push them.

    Args:
        session: The workspace.
        author: Who commits; None leaves it to git.
        engine: What validates the manifests.
        console: Is told about progress.

    Raises:
        ChecksError: There are findings; nothing was pushed.
        FmcError: A remote or a repository stands in the way; the same command goes on where this one stopped.
    """
    from generator.secrets.sealing.files import is_sealed_file
    from generator.secrets.vault.needles import needles

    repositories, workspace = session.repositories, session.workspace
    vault, warnings = usable_vault(workspace, repositories.loaded.answers.name, session.identity)
    plaintexts = needles(vault) if vault else ()
    console.findings(warnings)
    with workspace.locked():
        with console.step("check the repositories"):
            require_clean(check_repositories(repositories.folders, repositories.loaded, engine, plaintexts))
        run_id = new_run_id(workspace)
        with console.step("commit sealed manifests"):
            for target in repositories.targets:
                changes = open_repository(target).changes
                if changes and all(is_sealed_file(path) for path in changes):
                    commit_tree(target, author=author, subject="Seal secrets", run_id=run_id)
        with console.step("push"):
            return deliver(repositories.targets, workspace, run_id, plaintexts, console)
