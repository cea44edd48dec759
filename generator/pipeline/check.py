"""`fmc check`: everything that can be known about rendered repositories before a cluster sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.pipeline.steps.gate import candidate_of, judge_commits, judge_folders

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from generator.answers.load import LoadedAnswers
    from generator.checks.run import Report
    from generator.console import Console
    from generator.pipeline.steps.gate import Engine
    from generator.pipeline.steps.session import Session
    from generator.workspace import Repositories


def check_answers(path: Path, overrides: Mapping[str, str], console: Console) -> LoadedAnswers:
    """Check an answers file.

    Raises:
        AnswersError: Some answers are wrong; it holds every finding.
        BadInputError: The file can't be used at all.
    """
    from generator.answers.load import load
    from generator.template.source import template_root

    with console.step("check the answers"):
        return load(path, template_root(), overrides)


def check(session: Session, engine: Engine, console: Console) -> tuple[Repositories, Report]:
    """Check the repositories of a workspace: files, manifests, secrets, and the commits that a push would publish.

    Where no identity opens the vault, the search for leaks knows patterns alone, and a finding says so.

    Args:
        session: The workspace.
        engine: What validates the manifests.
        console: Is told about progress.

    Returns:
        The repositories, and what was found.

    Raises:
        FmcError: The workspace can't be checked at all.
    """
    candidate = candidate_of(session)
    with console.step("check the files"):
        report = judge_folders(candidate, engine)
    with console.step("check the commits that are not pushed yet"):
        return session.repositories, judge_commits(candidate, engine, report)
