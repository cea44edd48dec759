"""`fmc push`: check the repositories of a workspace, commit what `fmc seal` wrote, and push them."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from generator.delivery.local.commits import commit_tree
from generator.delivery.local.ignored import stage_ignored
from generator.delivery.local.repository import open_repository
from generator.delivery.remote.ask import ask_all
from generator.delivery.remote.forge_start import take_over
from generator.pipeline.steps.deliver import deliver, new_run_id
from generator.pipeline.steps.gate import candidate_of, judge_commits, judge_folders, require
from generator.pipeline.steps.own_changes import all_fmcs_own
from generator.pipeline.steps.requests import requests_for

if TYPE_CHECKING:
    from generator.console import Console
    from generator.delivery.model import Author
    from generator.pipeline.steps.deliver import Pushed
    from generator.pipeline.steps.gate import Engine
    from generator.pipeline.steps.requests import Requests
    from generator.pipeline.steps.session import Session

PAUSE = 5.0
"""Seconds between two looks at what people have merged."""


def push(
    session: Session,
    author: Author | None,
    engine: Engine,
    console: Console,
    subject: str = "Seal secrets",
    *,
    mode: str | None = None,
    wait: bool = False,
) -> Pushed:
    """Check the repositories of a workspace, commit what `fmc seal` wrote, and push them.

    Args:
        session: The workspace.
        author: Who commits; None leaves it to git.
        engine: What validates the manifests.
        console: Is told about progress.
        subject: What the commit says that fmc makes of its own changes.
        mode: `direct` or `pull-request`; None takes what the answers say.
        wait: Go on when people have merged, until all is delivered.

    Raises:
        ChecksError: There are findings; nothing was pushed.
        ConflictError: People closed a pull request, or a remote has something else.
        FmcError: A remote or a repository stands in the way; the same command goes on where this one stopped.
    """
    loaded = session.repositories.loaded
    requests = requests_for(loaded, mode)
    with session.workspace.locked():
        pushed = _push(session, author, engine, console, subject, requests)
        while pushed.proposed and requests and wait:
            with console.step("wait until people have merged"):
                while not requests.moved():
                    time.sleep(PAUSE)
            requests = requests_for(loaded, mode)
            pushed = _push(session, author, engine, console, subject, requests)
        return pushed


def _push(
    session: Session,
    author: Author | None,
    engine: Engine,
    console: Console,
    subject: str,
    requests: Requests | None,
) -> Pushed:
    """Check and deliver once; what people commit while fmc waits is checked as well."""
    from generator.secrets.sealing.files import is_sealed_file

    candidate, workspace = candidate_of(session), session.workspace
    with console.step("check the repositories"):
        report = judge_folders(candidate, engine)
        console.findings(require(candidate, judge_commits(candidate, engine, report)).report.findings)
    run_id = new_run_id(workspace)
    with console.step("commit sealed manifests"):
        for target in candidate.targets:
            stage_ignored(target, is_sealed_file)
            changes = open_repository(target).changes
            if changes and all_fmcs_own(target, changes):
                commit_tree(target, author=author, subject=subject, run_id=run_id)
    with console.step("check what is going out"):
        remotes = ask_all(candidate.targets)
        take_over(remotes, author=author, progress=lambda line: console.note(f"    {line}"))
        asked = replace(candidate, tips={answer.target: answer.tip for answer in remotes})
        passed = require(asked, judge_commits(asked, engine, report))
    with console.step("push"):
        return deliver(passed, workspace, run_id, console, remotes, requests)
