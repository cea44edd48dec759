"""One gate: what `fmc check` calls an error, `fmc push`, `fmc new` and a pipeline refuse as well (faults A4)."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from generator.answers.load import load
from generator.console import Console
from generator.errors import ChecksError
from generator.findings import Severity
from generator.pipeline.check import check
from generator.pipeline.push import push
from generator.pipeline.steps.gate import Candidate, Engine, judge, require
from generator.pipeline.steps.session import Session
from generator.secrets.catalogue.scope import Scope
from generator.secrets.sealing.crypto import Sealer
from generator.secrets.sealing.manifest import parse
from generator.secrets.vault.plaintext import Plaintext
from generator.workspace import PARTS, Folders, Repositories, Workspace
from tests.checks.cases import Case, cases
from tests.checks.test_mutants import MUTANTS, Mutant
from tests.pipeline.world import EXAMPLE, FMC, ROOT, Finished, World

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from generator.findings import Finding

ENGINE = Engine("builtin")
CATALOGUE = (
    b"version: 1\ncluster: home\nsealing_key: {namespace: kube-system, name: sealed-secrets-key-1}\nsecrets: []\n"
)
MANIFEST = "secrets/traefik/traefik-dashboard-auth.sealed.yaml"
ORDER = ("infra", "apps", "argocd")
FAILING = [
    case
    for case in cases("caught")
    # Of the parts alone; the plaintexts of others would have to be in a vault, and 100 MiB take their time.
    if not case.plaintexts
    and not case.sizes
    and {path.split("/")[0] for path in (*case.files, *case.links)} <= set(ORDER)
]


def _errors(findings: Iterable[Finding]) -> set[tuple[str, int, str]]:
    return {(item.file, item.line, item.rule) for item in findings if item.severity is Severity.ERROR}


def _session(case: Case, folder: Path) -> Session:
    """Return a workspace that holds the trees of a case, committed, beside remotes that are not there."""
    trees = case.write(folder)
    if "argocd" in trees:
        (trees["argocd"] / "secrets").mkdir(exist_ok=True)
        (trees["argocd"] / "secrets" / "catalogue.yaml").write_bytes(CATALOGUE)
    identity = "-c user.name=Ada -c user.email=ada@example.com"
    commit = f"git init -q -b main . && git add -A -f && git {identity} commit -qm 'All of it'"
    # What is in conflict can't be committed.
    for tree in trees.values() if not case.conflicts else ():
        subprocess.run(["sh", "-c", commit], cwd=tree, check=True, capture_output=True)
    loaded = load(EXAMPLE, ROOT)
    order = [part for part in ORDER if part in trees]
    repositories = Repositories(
        Workspace(folder), Folders({part: trees[part] for part in order}, PARTS), dict.fromkeys(order, loaded)
    )
    return Session(repositories, {}, folder / "no-identity")


@pytest.mark.parametrize("case", FAILING, ids=lambda case: case.name)
def test_every_failing_case_is_refused_alike(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults A4: check, push, new and CI call one function."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    session = _session(case, tmp_path)
    console = Console()
    _, checked = check(session, ENGINE, console)
    errors = _errors(checked.findings)
    repositories = session.repositories
    staged = Candidate(repositories.folders, repositories.recorded)
    if not errors:
        # A warning in the case; nobody refuses it.
        require(staged, judge(staged, ENGINE))
        return
    with pytest.raises(ChecksError) as pushing:
        push(session, None, ENGINE, console)
    assert _errors(pushing.value.findings) == errors
    with pytest.raises(ChecksError) as making:
        require(staged, judge(staged, ENGINE))
    # In which state a repository is matters to those that are delivered.
    assert _errors(making.value.findings) == {error for error in errors if error[2] != "delivery/repository"}


def test_enough_cases_are_refused() -> None:
    assert len(FAILING) > 40


def _refused(world: World, *rules: str) -> None:
    """Assert that check and push name the same rules, and that nothing was published."""
    before = world.references()
    for verb in ("check", "push"):
        done = world.fmc(verb, "--workspace", str(world.workspace))
        assert done.code == 1, (verb, done.all)
        for rule in rules:
            assert f"[{rule}]" in done.err, (verb, done.err)
    assert world.references() == before


def test_a_ciphertext_of_somebody_else_is_refused(pushed: World) -> None:
    """Faults A4: sealed to the committed certificate, which everybody has, by somebody who has no vault."""
    argocd = pushed.workspace / "argocd"
    manifest = argocd / MANIFEST
    found = parse(manifest.read_text())
    assert found is not None
    (ours,) = found.sealed.ciphertexts.values()
    sealer = Sealer((argocd / "secrets" / "sealing-cert.pem").read_bytes())
    theirs = sealer.seal(Plaintext(b"admin:theirs"), Scope.STRICT.label("traefik", "traefik-dashboard-auth"))
    pushed.commit("argocd", {MANIFEST: manifest.read_text().replace(ours, theirs)})
    _refused(pushed, "secrets/foreign-value")


@pytest.fixture(scope="module")
def committed(first_run: tuple[World, Finished], tmp_path_factory: pytest.TempPathFactory) -> World:
    """A machine on which commits come and go."""
    return first_run[0].copy(tmp_path_factory.mktemp("gate") / "world")


@contextmanager
def _commit(world: World, part: str, files: Mapping[str, str | None]) -> Iterator[None]:
    """Commit changes, and take the commit back; None deletes a file."""
    folder = world.workspace / part
    for name, content in files.items():
        if content is None:
            (folder / name).unlink()
    try:
        world.commit(part, {name: content for name, content in files.items() if content is not None})
        yield
    finally:
        world.git("reset", "--quiet", "--hard", "HEAD^", cwd=folder)


def _found_alike(world: World, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the rules that what is committed breaks; for the same errors check and push refuse it."""
    for name, value in world.environment.items():
        monkeypatch.setenv(name, value)
    session = Session.open(world.workspace, world.identity)
    _, checked = check(session, ENGINE, Console())
    if errors := _errors(checked.findings):
        with pytest.raises(ChecksError) as pushing:
            push(session, None, ENGINE, Console())
        assert _errors(pushing.value.findings) == errors
    return {finding.rule for finding in checked.findings}


@pytest.mark.parametrize("path", MUTANTS, ids=lambda path: path.stem)
def test_every_mutant_is_found_alike(committed: World, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant = Mutant.read(path)
    part, *inside = mutant.file.parts
    name = "/".join(inside)
    text = (committed.workspace / part / name).read_text()
    changed = None if mutant.delete else text.replace(mutant.old, mutant.new)
    with _commit(committed, part, {name: changed}):
        assert mutant.rule in _found_alike(committed, monkeypatch)


# What is done to a file of the secrets, and the rule that refuses it.
SECRETS: dict[str, tuple[str, str, str, str]] = {
    "a type of one's own": (MANIFEST, 'type: "Opaque"', 'type: "kubernetes.io/basic-auth"', "secrets/edited"),
    "a ciphertext cut short": (MANIFEST, '="\n', '"\n', "secrets/ciphertext"),
    "another key": (MANIFEST, '"users":', '"auth":', "secrets/keys"),
    "another place": (MANIFEST, 'name: "traefik-dashboard-auth"', 'name: "dashboard-auth"', "secrets/place"),
    "no certificate": ("secrets/sealing-cert.pem", "BEGIN CERTIFICATE", "BEGIN SOMETHING", "secrets/certificate"),
    "another sealing key": ("secrets/catalogue.yaml", "sealed-secrets-key-1", "sealed-secrets-key-2", "secrets/vault"),
}


@pytest.mark.parametrize(("name", "old", "new", "rule"), SECRETS.values(), ids=SECRETS)
def test_every_mistake_with_secrets_is_refused_alike(
    committed: World, name: str, old: str, new: str, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (committed.workspace / "argocd" / name).read_text()
    assert old in text
    with _commit(committed, "argocd", {name: text.replace(old, new)}):
        assert rule in _found_alike(committed, monkeypatch)


def test_what_is_committed_counts_and_not_what_lies_there(pushed: World) -> None:
    """Faults A2: the mistake was mended on the disk alone."""
    kustomization = "apps/hello/overlays/staging/kustomization.yaml"
    good = (pushed.workspace / "apps" / kustomization).read_text()
    pushed.commit("apps", {kustomization: good.replace("resources:", "resources:\n  - missing.yaml", 1)})
    (pushed.workspace / "apps" / kustomization).write_text(good)
    _refused(pushed, "kustomize/missing-file")
    done = pushed.fmc("check", "--workspace", str(pushed.workspace))
    assert "in the commit that a push would publish" in done.err
    pushed.commit("apps", {})
    assert pushed.fmc("push", "--workspace", str(pushed.workspace)).code == 0


def test_a_file_that_nobody_added_is_missed_in_the_commit(pushed: World) -> None:
    """Faults A2: the kustomization is committed, the file that it names is not."""
    kustomization = "apps/hello/overlays/staging/kustomization.yaml"
    good = (pushed.workspace / "apps" / kustomization).read_text()
    pushed.commit("apps", {kustomization: good.replace("resources:", "resources:\n  - more.yaml", 1)})
    more = pushed.workspace / "apps" / kustomization.replace("kustomization", "more")
    more.write_text("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: more\n")
    _refused(pushed, "kustomize/missing-file")


@pytest.mark.parametrize("mistake", ["detached", "gone", "branch", "merge"])
def test_a_repository_that_can_not_be_pushed_is_an_error(pushed: World, mistake: str) -> None:
    """Faults E16: what push refuses, check says."""
    infra = pushed.workspace / "infra"
    if mistake == "detached":
        pushed.git("checkout", "--quiet", "--detach", cwd=infra)
    elif mistake == "gone":
        (infra / ".git").rename(pushed.folder / "moved")
    elif mistake == "branch":
        pushed.git("switch", "--quiet", "--create", "mine", cwd=infra)
    else:
        (infra / ".git" / "MERGE_HEAD").write_text(pushed.git("rev-parse", "HEAD", cwd=infra) + "\n")
    _refused(pushed, "delivery/repository")


def test_a_pipeline_checks_out_a_commit_and_that_is_right(pushed: World) -> None:
    """No vault, no state of a delivery, no branch: nobody delivers from here."""
    pushed.vault.unlink()
    (pushed.workspace / ".fmc" / "state.json").unlink()
    pushed.git("checkout", "--quiet", "--detach", cwd=pushed.workspace / "infra")
    done = pushed.fmc("check", "--workspace", str(pushed.workspace))
    assert done.code == 0
    assert "warning: " in done.err
    assert "[delivery/repository]" in done.err


def test_a_damaged_vault_is_an_error(pushed: World) -> None:
    """Faults E16: nobody could seal or search with it; without the identity, somebody else can."""
    references = pushed.references()
    pushed.vault.write_bytes(pushed.vault.read_bytes()[:300] + b"damage")
    for verb in ("check", "push"):
        # Not by `pushed.fmc`, which looks for the vault's secrets in what was printed.
        done = pushed.run(str(FMC), verb, "--workspace", str(pushed.workspace))
        assert (done.code, "[secrets/vault]" in done.err) == (1, True), done.err
    assert pushed.references() == references


def test_parts_of_different_answers_are_refused(pushed: World) -> None:
    """Faults E7: `copier update` with another domain in infra alone."""
    recorded = (pushed.workspace / "infra" / ".copier-answers.yml").read_text()
    other = recorded.replace("domain: home.example.com", "domain: other.example.com")
    pushed.commit("infra", {".copier-answers.yml": other})
    _refused(pushed, "answers/parts-differ")
    done = pushed.fmc("check", "--workspace", str(pushed.workspace))
    line = other.splitlines().index("domain: other.example.com") + 1
    assert f'infra/.copier-answers.yml:{line}: error: domain is "other.example.com" here, and "home.example' in done.err


def test_a_repository_of_another_user_is_no_empty_answer(pushed: World) -> None:
    """Faults E9: a key in a commit that is not pushed yet; git refuses to look, and that is an error."""
    done = pushed.fmc("check", "--workspace", str(pushed.workspace), env={"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"})
    assert done.code != 0
    assert "belongs to another user" in done.err
