"""`fmc new`: answers in; rendered, sealed, checked, committed and (if wanted) pushed repositories out.

Everything is made in the workspace's staging folder first. The order makes a kill harmless at every point: the vault is
written before anything that was sealed from it, trees appear by rename with their commit already in them, and what lies
in staging is made again. The same command run again finds what is there and goes on.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING

from generator.answers.questionnaire import Questionnaire
from generator.delivery.local.staged import Decisions
from generator.delivery.remote.forge_start import take_over
from generator.errors import InterruptedByUserError
from generator.pipeline.steps.answers import keep_answers, load_for_new
from generator.pipeline.steps.deliver import Pushed, deliver, new_run_id
from generator.pipeline.steps.delivered import delivered_secrets
from generator.pipeline.steps.effects import foreseen, require_allowed, require_same_origin
from generator.pipeline.steps.gate import Candidate, Engine, in_folder, judge, judge_commits, require
from generator.pipeline.steps.last_answers import remember_rendered
from generator.pipeline.steps.merging import mark_restarts, merge_with_people
from generator.pipeline.steps.place import place
from generator.pipeline.steps.staging import staging_folder
from generator.pipeline.steps.supplied import take_supplied_values
from generator.pipeline.steps.workers import Workers
from generator.signals import interrupts_held
from generator.template.render import render_layout, warm_up
from generator.template.source import find_template
from generator.workspace import Folders

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from generator.answers.effects import Effect
    from generator.answers.load import LoadedAnswers
    from generator.checks.run import Report
    from generator.console import Console
    from generator.delivery.model import Author, Commit, Target
    from generator.delivery.remote.ask import RemoteBranches
    from generator.findings import Finding
    from generator.pipeline.steps.workers import Task
    from generator.secrets.seal import SealReport
    from generator.secrets.vault.keys import SealingKey
    from generator.workspace import Workspace


@dataclass(frozen=True)
class NewOptions:
    """What `fmc new` was told.

    Attributes:
        answers: The answers file, or what Copier recorded in a repository.
        workspace: Where the repositories go; None takes the workspace that one stands in, or that the answers lie in,
            else a folder with the cluster's name.
        push: Deliver the repositories, too.
        overrides: Answers given as options.
        template_url: Git address of the template to record; None for the usual one.
        author: Who commits; None leaves it to git.
        identity: The operator's age identity; None for the usual place.
        engine: What validates the manifests.
        allow_destructive: Names of machines, disks and other things whose data may be lost.
        decisions: Which side holds in files that both a person and the answers changed.
    """

    answers: Path
    workspace: Path | None = None
    push: bool = False
    overrides: Mapping[str, str] = field(default_factory=dict)
    template_url: str | None = None
    author: Author | None = None
    identity: Path | None = None
    engine: Engine = field(default_factory=Engine)
    allow_destructive: frozenset[str] = frozenset()
    decisions: Decisions = field(default_factory=Decisions)


@dataclass(frozen=True)
class Overview:
    """What is about to be made: shown before anything is written.

    Attributes:
        loaded: The answers and the address plan.
        workspace: Where the repositories go.
        targets: The repositories, in the order of delivery.
        template_root: Folder of the template.
        effects: What changes for machines, networks, repositories and secrets that are there.
    """

    loaded: LoadedAnswers
    workspace: Workspace
    targets: tuple[Target, ...]
    template_root: Path
    effects: tuple[Effect, ...]


@dataclass(frozen=True)
class NewReport:
    """What `fmc new` did.

    Attributes:
        workspace: Where everything lies.
        loaded: The answers, with their warnings.
        targets: The repositories, in the order of delivery.
        files: Number of rendered and sealed files of each repository.
        commits: The tip of each repository's branch.
        sealed: What was sealed; None where the layout has no secrets.
        checked: What the checks looked at.
        pushed: What the remotes have; nothing without a push.
        effects: What changes for machines, networks, repositories and secrets that were there.
    """

    workspace: Workspace
    loaded: LoadedAnswers
    targets: tuple[Target, ...]
    files: Mapping[str, int]
    commits: tuple[Commit, ...]
    sealed: SealReport | None
    checked: Report
    pushed: Pushed
    effects: tuple[Effect, ...]

    @property
    def changed(self) -> bool:
        """Whether a repository or a remote is another one than before."""
        return any(commit.changed for commit in self.commits) or any(part.changed for part in self.pushed.delivered)

    @property
    def argocd(self) -> Path:
        """The folder that holds `secrets/`; for layouts that have it."""
        return _placed(self.targets, self.loaded).parts["argocd"]

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What is worth a look, though it stopped nothing."""
        if self.sealed is None:
            return (*self.loaded.warnings, *self.checked.findings)
        from generator.secrets.verify import MISSING

        # Whatever was not sealed just now waits for a value, and the report of the sealing says for which.
        found = (finding for finding in self.checked.findings if finding.rule != MISSING)
        return (*self.loaded.warnings, *found, *in_folder(self.argocd, self.sealed.warnings()))


def new(options: NewOptions, console: Console, confirm: Callable[[Overview], bool]) -> NewReport:
    """Make the repositories of a cluster.

    Args:
        options: What to make.
        console: Is told about progress.
        confirm: Is shown what is about to be made, and may decline; nothing has been written by then.

    Raises:
        FmcError: Something went wrong; what is half made lies in staging alone.
    """
    supplied = take_supplied_values()
    template = find_template(options.template_url)
    with console.step("check the answers"):
        loaded, workspace = load_for_new(options.answers, options.workspace, template.root, options.overrides)
        targets = workspace.targets(loaded)
        workspace.require_usable(targets)
        require_same_origin(workspace, loaded)
        changes = foreseen(_placed(targets, loaded), loaded, template.root)
        require_allowed(changes, options.allow_destructive)
    if not confirm(Overview(loaded, workspace, targets, template.root, changes)):
        raise InterruptedByUserError("nothing was written", fix="The same command shows the plan again.")
    with workspace.locked(), staging_folder(workspace) as staging, Workers() as workers:
        staged = Folders({target.part: staging / target.part for target in targets}, loaded.plan.repositories)
        _clone_missing(targets, workspace, staging, console)
        key = _start_key(workers, workspace, staged)
        with console.step(f"render {', '.join(staged.repositories)}"):
            with interrupts_held():
                # Once, for all processes.
                warm_up()
            rendering = [
                workers.start(render_layout, template, loaded.data, layout, folder)
                for layout, folder in staged.repositories.items()
            ]
            remotes = _preflight(options, targets, loaded)
            with interrupts_held():
                # While the others work.
                import_module("generator.secrets.seal")
            for part in rendering:
                part.result()
        # From here on staging holds what people and answers give together: that is sealed, checked and committed.
        merged = merge_with_people(
            targets, staged.repositories, staging / "merge", template, workers, options.decisions, console
        )
        with console.step("make and seal the secrets"):
            sealed = _seal(options, workspace, loaded, targets, staged, key, supplied)
            mark_restarts(staged, merged)
        candidate = Candidate(
            staged,
            {target.part: loaded for target in targets},
            sealed.vault if sealed else None,
            sealed.plaintexts() if sealed else (),
        )
        with console.step("check what was made"):
            checked = require(candidate, judge(candidate, options.engine)).report
        files = {
            part: sum(path.is_file() for path in folder.rglob("*")) for part, folder in staged.repositories.items()
        }
        run_id = new_run_id(workspace)
        with console.step("commit"):
            # Before the first commit: the answers of a run that is killed between two of them are no older ones.
            keep_answers(loaded, workspace, Questionnaire.load(template.root))
            commits = place(
                targets,
                staged.repositories,
                merged,
                cluster=loaded.answers.name,
                sealed=(*sealed.made, *sealed.changed) if sealed else (),
                author=options.author,
                run_id=run_id,
            )
            remember_rendered(workspace, loaded.data)
        pushed = Pushed(())
        if options.push:
            from generator.pipeline.steps.requests import requests_for

            take_over(remotes, author=options.author, progress=lambda line: console.note(f"    {line}"))
            tips = {answer.target: answer.tip for answer in remotes}
            placed = replace(candidate, folders=_placed(targets, loaded), targets=targets, tips=tips)
            with console.step("check what is going out"):
                passed = require(placed, judge_commits(placed, options.engine, checked))
            with console.step("push"):
                pushed = deliver(passed, workspace, run_id, console, remotes, requests_for(loaded))
    return NewReport(workspace, loaded, targets, files, commits, sealed, checked, pushed, changes)


def _placed(targets: Sequence[Target], loaded: LoadedAnswers) -> Folders:
    """Return where the repositories lie once they are in the workspace."""
    return Folders({target.part: target.path for target in targets}, loaded.plan.repositories)


def _clone_missing(targets: tuple[Target, ...], workspace: Workspace, staging: Path, console: Console) -> None:
    """Get repositories back that were delivered from here, and are gone."""
    if not workspace.state.exists() or all(target.path.exists() for target in targets):
        return
    from generator.delivery.remote.clone import clone_missing
    from generator.delivery.state import StateFile

    with console.step("clone what is missing here"):
        clone_missing(targets, StateFile(workspace.state).read(), staging, lambda line: console.note(f"    {line}"))


def _start_key(workers: Workers, workspace: Workspace, staged: Folders) -> Task[SealingKey] | None:
    """Begin to make the sealing key of a new vault: RSA keys of 4096 bits take up to two seconds."""
    if workspace.vault.exists() or "argocd" not in staged.parts:
        return None
    from generator.secrets.vault.keys import generate_sealing_key

    return workers.start(generate_sealing_key)


def _preflight(options: NewOptions, targets: tuple[Target, ...], loaded: LoadedAnswers) -> tuple[RemoteBranches, ...]:
    """Find out early what would make a commit or a push fail; return what the remotes answered, if they were asked."""
    from generator.delivery.local.commits import require_identity
    from generator.delivery.local.repository import open_repository
    from generator.delivery.remote.ready import remotes_ready

    existing = [target for target in targets if target.path.exists()]
    for target in existing:
        open_repository(target, cluster=loaded.answers.name, clean=True)
    if len(existing) < len(targets):
        require_identity(targets[0].path.parent, options.author)
    return remotes_ready(targets) if options.push else ()


def _seal(
    options: NewOptions,
    workspace: Workspace,
    loaded: LoadedAnswers,
    targets: tuple[Target, ...],
    staged: Folders,
    key: Task[SealingKey] | None,
    supplied: Mapping[str, str],
) -> SealReport | None:
    root = staged.parts.get("argocd")
    if root is None:
        return None
    from generator.secrets.rekey import name_kept_key
    from generator.secrets.seal import GitState, seal_repository
    from generator.secrets.store import Store
    from generator.secrets.vault.identities import Identities, identity_path

    argocd = _placed(targets, loaded).parts["argocd"]
    git = GitState(replaces=argocd, delivered=delivered_secrets([one for one in targets if one.path.exists()], argocd))
    identities = Identities(identity_path(options.identity, os.environ), tuple(loaded.answers.vault_recipients))
    store = Store(root, workspace.vault, identities)
    if not argocd.exists():
        name_kept_key(store)
    return seal_repository(store, supplied, datetime.now(UTC), key.result() if key else None, git)
