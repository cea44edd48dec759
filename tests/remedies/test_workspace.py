"""Remedies of the whole command, followed on a machine of one's own: what is advised is done, and the verb succeeds."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.pipeline.conftest import first_run  # noqa: F401 (a fixture)
from tests.pipeline.world import EXAMPLE, FMC, Finished, World, answers
from tests.remedies.walk import commands

if TYPE_CHECKING:
    from pathlib import Path

FINDINGS, BAD_INPUT, CONFLICT = 1, 2, 3
SEALED_LATER = """\
version: 1
secrets:
  - namespace: traefik
    name: database
    values: {password: {generator: password}}
    data: {password: {from: password}}
"""
PLAIN = """\
apiVersion: v1
kind: Secret
metadata:
  name: database
  namespace: traefik
stringData:
  password: correct horse
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A machine with three empty remotes, in a folder whose name has a blank."""
    return World(tmp_path / "my world").make()


@pytest.fixture
def pushed(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """A machine on which `fmc new --push` has run, in a folder whose name has a blank."""
    made: World = request.getfixturevalue("first_run")[0]
    return made.copy(tmp_path / "my world")


def refused(done: Finished, code: int, said: str) -> str:
    """Assert how a command ended, and return what it said from the remedy on."""
    assert done.code == code, done.err
    assert said in done.err, done.err
    return done.err[done.err.index(said) :]


def shell(world: World, command: str, cwd: Path | None = None) -> None:
    """Do what a command says, as it stands; fmc is on PATH, as after its installation."""
    path = f"{FMC.parent}:{world.environment['PATH']}"
    done = world.run("bash", "-c", command, cwd=cwd or world.folder, env={"PATH": path, "GIT_EDITOR": "true"})
    assert done.code == 0, f"{command}\n{done.all}"


def check(world: World, code: int = 0) -> Finished:
    done = world.fmc("check", "--workspace", str(world.workspace))
    assert done.code == code, done.err
    return done


# Where it is to work, and from which answers.


def test_nobody_can_be_asked(world: World) -> None:
    file = ("--workspace", str(world.workspace))
    said = refused(world.fmc("new", *file), BAD_INPUT, "Name an answers file")
    command = shlex.split(commands(said)[0].replace("FILE", shlex.quote(str(EXAMPLE))))[1:]
    look = commands(refused(world.fmc(*command, *file), BAD_INPUT, "Look at"))[0]
    assert world.fmc(*shlex.split(look.replace("FILE", shlex.quote(str(EXAMPLE))))[1:]).code == 0
    done = world.fmc(*command, *file, "--yes")
    assert done.code == 0, done.err


def test_a_folder_that_is_no_place_for_a_workspace(world: World) -> None:
    (world.folder / "file").write_text("mine\n")
    (world.folder / "full").mkdir()
    (world.folder / "full" / "mine.txt").write_text("mine\n")
    for folder, said in (
        ("file", "Choose another"),
        ("full", "Choose an empty folder with --workspace, or one that does not exist yet"),
        ("file/below", "Choose another folder with --workspace"),
    ):
        done = world.fmc("new", "--answers", str(EXAMPLE), "--workspace", str(world.folder / folder), "--yes")
        refused(done, BAD_INPUT, said)
    assert world.new().code == 0


def test_another_layout_than_the_repositories_have(pushed: World) -> None:
    other = answers(pushed.folder, layout="monorepo")
    refused(pushed.new(answers=other), BAD_INPUT, "Keep the layout, or choose another --workspace and empty remotes")
    assert pushed.new().code == 0


def test_the_workspace_of_another_cluster(pushed: World) -> None:
    away = answers(pushed.folder, name="away")
    done = pushed.fmc("new", "--answers", str(away), "--yes", cwd=pushed.workspace)
    refused(done, BAD_INPUT, "Go to another folder, or name the workspace of this cluster with --workspace")
    done = pushed.fmc("check", "--answers", str(away))
    assert done.code == 0, done.err
    done = pushed.fmc("new", "--answers", str(EXAMPLE), "--workspace", str(pushed.workspace), "--yes")
    assert done.code == 0, done.err


@pytest.mark.parametrize("other", ["of the same layout", "of another cluster"])
def test_two_clusters_in_a_workspace(pushed: World, other: str) -> None:
    copy = pushed.workspace / "copy"
    shutil.copytree(pushed.workspace / "infra", copy)
    if other == "of another cluster":
        shutil.rmtree(pushed.workspace / "infra")
        file = copy / ".copier-answers.yml"
        file.write_text(file.read_text().replace("name: home", "name: away"))
    refused(check(pushed, BAD_INPUT), BAD_INPUT, "Keep one cluster in a workspace")
    copy.rename(pushed.folder / "copy")
    check(pushed)


def test_no_workspace_is_here(pushed: World) -> None:
    refused(pushed.fmc("check", cwd=pushed.folder), BAD_INPUT, "Go to the folder that `fmc new` or `copier copy` made")
    assert pushed.fmc("check", cwd=pushed.workspace).code == 0
    check(pushed)


def test_a_folder_that_is_no_repository_any_more(pushed: World) -> None:
    shutil.rmtree(pushed.workspace / "apps" / ".git")
    refused(pushed.fmc("push", cwd=pushed.workspace), FINDINGS, "move this one out of the workspace")
    (pushed.workspace / "apps").rename(pushed.folder / "apps-aside")
    done = pushed.fmc("new", "--yes", "--push", cwd=pushed.workspace)
    assert done.code == 0, done.err
    assert "cloned from" in done.err


def test_a_part_that_was_never_rendered(pushed: World) -> None:
    argocd = pushed.workspace / "argocd"
    argocd.rename(pushed.folder / "argocd-aside")
    said = refused(pushed.fmc("seal", cwd=pushed.workspace), BAD_INPUT, "Clone it next to the others")
    pushed.git("clone", "--quiet", f"{pushed.base_url}argocd.git", str(argocd))
    assert pushed.fmc("seal", cwd=pushed.workspace).code == 0
    shutil.rmtree(argocd)
    (command,) = commands(said)[:1]
    template = shlex.quote(str(FMC.parents[2]))
    # An untagged checkout takes no part in this: which version of a template is taken is Copier's matter.
    render = (
        command.replace("OTHER", "infra").replace("TEMPLATE_URL", template).replace("copy ", "copy --vcs-ref HEAD ")
    )
    shell(pushed, render, pushed.workspace)
    assert (argocd / ".copier-answers.yml").read_text().count("layout: argocd") == 1
    assert pushed.fmc("secret", "list", cwd=pushed.workspace).code == 0


def test_kept_answers_that_are_spoilt(pushed: World) -> None:
    kept = pushed.workspace / "answers.yaml"
    whole = kept.read_text()
    kept.write_text("name: [\n")
    refused(pushed.new(), CONFLICT, f"Correct {kept} and use it, or move it away to take {EXAMPLE}")
    kept.write_text(whole)
    assert pushed.fmc("new", "--answers", str(kept), "--yes").code == 0
    kept.write_text("name: [\n")
    refused(pushed.new(), CONFLICT, "or move it away")
    kept.rename(pushed.folder / "away.yaml")
    assert pushed.new().code == 0


def test_answers_with_an_option_that_is_none(pushed: World) -> None:
    look = ("check", "--answers", str(EXAMPLE), "--set")
    refused(pushed.fmc(*look, "counts={workers: three}"), BAD_INPUT, "Expected: Number of machines")
    refused(pushed.fmc(*look, "counts={workers: [}"), BAD_INPUT, "Correct the option.")
    assert pushed.fmc(*look, "counts={workers: 3}").code == 0


def test_a_usage_that_is_wrong(world: World) -> None:
    done = world.fmc("check", "--output", "json", "--wrong")
    (command,) = commands(json.loads(done.out)["fix"])
    shell(world, command)


def test_parts_that_record_other_answers(pushed: World) -> None:
    file = pushed.workspace / "infra" / ".copier-answers.yml"
    other = file.read_text().replace("domain: home.example.com", "domain: other.example.com")
    pushed.commit("infra", {".copier-answers.yml": other})
    said = refused(check(pushed, FINDINGS), FINDINGS, "Decide on one value, write it into answers.yaml")
    assert "domain: home.example.com" in (pushed.workspace / "answers.yaml").read_text()
    command = next(command for command in commands(said) if command.startswith("fmc new"))
    done = pushed.fmc(*shlex.split(command)[1:], "--yes", cwd=pushed.workspace)
    assert done.code == 0, done.err
    check(pushed)


# What people change by hand.


@pytest.mark.parametrize("way", ["answers", "revert"])
def test_a_plan_that_was_changed_by_hand(pushed: World, way: str) -> None:
    """A change that the answers do not give stays, since it is a person's: it has to be said how to take it back."""
    infra = pushed.workspace / "infra"
    plan = (infra / "plan.json").read_text()
    hosts = (infra / "ansible/inventory/hosts.yml").read_text()
    changed = {
        "plan.json": plan.replace('"10.17.4.31"', '"10.17.4.60"', 1),
        "ansible/inventory/hosts.yml": hosts.replace("10.17.4.31", "10.17.4.60", 1),
    }
    pushed.commit("infra", changed)
    done = check(pushed, FINDINGS)
    assert "[plan/file]" in done.err
    assert "[plan/inventory]" in done.err
    render, log, revert = commands(refused(done, FINDINGS, "A change belongs into the answers"))[:3]
    if way == "answers":
        kept = pushed.workspace / "answers.yaml"
        kept.write_text(kept.read_text() + "nodes: [{name: worker1, address: 10.17.4.60}]\n")
        assert pushed.fmc(*shlex.split(render)[1:], "--yes", cwd=pushed.workspace).code == 0
    else:
        shell(pushed, f"{log} -- plan.json", infra)
        shell(pushed, f"{revert} --no-edit HEAD", infra)
    check(pushed)


def test_a_plan_that_can_not_be_read(pushed: World) -> None:
    pushed.commit("infra", {"plan.json": "[]\n"})
    said = refused(pushed.new(), BAD_INPUT, "Bring it back from the last commit that has it whole")
    log, checkout = commands(said)[:2]
    listed = pushed.run("bash", "-c", log).out.splitlines()
    shell(pushed, checkout.replace("COMMIT", listed[1].split(" ")[0]))
    pushed.commit("infra", {})
    done = pushed.new(answers=answers(pushed.folder, counts="{workers: 4}"))
    assert done.code == 0, done.err


@pytest.mark.parametrize("kind", ["manifest", "generator"])
def test_a_secret_in_the_clear(pushed: World, kind: str) -> None:
    argocd, place = pushed.workspace / "argocd", "platform/traefik/manifests"
    if kind == "manifest":
        pushed.commit("argocd", {f"{place}/plain.yaml": PLAIN})
        said = refused(check(pushed, FINDINGS), FINDINGS, "Make a new value")
    else:
        overlay = pushed.workspace / "apps/apps/hello/overlays/staging/kustomization.yaml"
        whole = overlay.read_text()
        overlay.write_text(whole + "secretGenerator:\n  - {name: database, literals: [password=correct]}\n")
        pushed.git("commit", "--quiet", "--all", "--message", "Mine", cwd=pushed.workspace / "apps")
        said = refused(check(pushed, FINDINGS), FINDINGS, "Add the secret to")
    assert "argocd/secrets/catalogue.user.yaml" in said
    (argocd / "secrets" / "catalogue.user.yaml").write_text(SEALED_LATER)
    assert pushed.fmc(*shlex.split(commands(said)[0])[1:], cwd=pushed.workspace).code == 0
    if kind == "manifest":
        (argocd / place / "plain.yaml").unlink()
    else:
        pushed.git("revert", "--no-edit", "HEAD", cwd=pushed.workspace / "apps")
    pushed.commit("argocd", {})
    check(pushed)


def test_a_merge_that_was_not_told_to_git(pushed: World) -> None:
    infra = pushed.workspace / "infra"
    sides = [
        pushed.run("git", "hash-object", "-w", "--stdin", cwd=infra, stdin=f"side {stage}\n").out.strip()
        for stage in (2, 3)
    ]
    name = "ansible/ansible.cfg"
    pushed.git("rm", "--quiet", "--cached", name, cwd=infra)
    entries = "".join(f"100644 {blob} {stage}\t{name}\n" for stage, blob in enumerate(sides, 2))
    assert pushed.run("git", "update-index", "--index-info", cwd=infra, stdin=entries).code == 0
    said = refused(check(pushed, FINDINGS), FINDINGS, "Settle it in the file, then tell git")
    shell(pushed, commands(said)[0])
    check(pushed)


def test_a_file_that_is_too_large(pushed: World) -> None:
    large = pushed.workspace / "apps" / "sources" / "model.bin"
    large.parent.mkdir(exist_ok=True)
    with large.open("wb") as file:
        file.truncate((100 << 20) + 1)
    pushed.git("-c", "core.bigFileThreshold=1m", "add", "--all", cwd=pushed.workspace / "apps")
    pushed.git("commit", "--quiet", "--message", "Mine", cwd=pushed.workspace / "apps")
    said = refused(check(pushed, FINDINGS), FINDINGS, "Keep it elsewhere, and take it out of the commits")
    large.rename(pushed.folder / "model.bin")
    (pushed.workspace / "apps" / "mine.md").write_text("Mine.\n")
    pushed.git("add", "--all", cwd=pushed.workspace / "apps")
    shell(pushed, commands(said)[0], pushed.workspace / "apps")
    check(pushed)
    assert pushed.fmc("push", cwd=pushed.workspace).code == 0


def test_a_key_in_a_commit(pushed: World) -> None:
    apps = pushed.workspace / "apps"
    key = "AGE-SECRET-" + "KEY-1" + "Q" * 58
    pushed.commit("apps", {"notes.md": f"{key}\n", "other.md": "Mine.\n"})
    pushed.git("rm", "--quiet", "notes.md", cwd=apps)
    said = refused(check(pushed, FINDINGS), FINDINGS, "Take it out of the history")
    shell(pushed, commands(said)[0], apps)
    check(pushed)
    assert pushed.fmc("push", cwd=pushed.workspace).code == 0


def test_a_correction_that_is_not_committed(pushed: World) -> None:
    file = "apps/hello/overlays/staging/kustomization.yaml"
    good = (pushed.workspace / "apps" / file).read_text()
    pushed.commit("apps", {file: good.replace("resources:", "resource:", 1)})
    (pushed.workspace / "apps" / file).write_text(good)
    done = pushed.fmc("push", cwd=pushed.workspace)
    said = refused(done, FINDINGS, "Commit what you have corrected.")
    assert "Correct them, then run the same command again" in said
    pushed.commit("apps", {})
    assert pushed.fmc("push", cwd=pushed.workspace).code == 0


def test_a_sealed_manifest_that_git_ignores(pushed: World) -> None:
    argocd = pushed.workspace / "argocd"
    name = next(argocd.glob("secrets/traefik/*.sealed.yaml")).relative_to(argocd).as_posix()
    pushed.git("rm", "--quiet", "--cached", name, cwd=argocd)
    ignore = (argocd / ".gitignore").read_text()
    pushed.commit("argocd", {".gitignore": ignore + f"\n/{name}\n", "mine.md": "Mine.\n"})
    (argocd / "mine.md").write_text("Mine, changed.\n")
    said = refused(check(pushed, FINDINGS), FINDINGS, "Commit it; where git ignores it")
    add = next(command for command in commands(said) if command.startswith("git add"))
    shell(pushed, f"{add} {name}", argocd)
    pushed.git("commit", "--quiet", "--all", "--message", "Mine", cwd=argocd)
    check(pushed)


def test_changes_that_are_not_committed(pushed: World) -> None:
    (pushed.workspace / "apps" / "notes.md").write_text("mine\n")
    said = refused(check(pushed), 0, "Commit them, or put them aside")
    shell(pushed, commands(said)[0])
    assert "not committed" not in check(pushed).err


def test_what_was_rendered_last_is_nowhere(pushed: World) -> None:
    """The message of the commit is lost, and the version of the template that the answers record is nowhere."""
    infra = pushed.workspace / "infra"
    recorded = (infra / ".copier-answers.yml").read_text()
    gone = re.sub(r"^_commit: .*$", "_commit: v0.0.1", recorded, flags=re.MULTILINE)
    (infra / ".copier-answers.yml").write_text(gone)
    (infra / "README.md").write_text("Mine.\n")
    pushed.git("update-ref", "-d", "refs/fmc/rendered", cwd=infra)
    pushed.git("commit", "--quiet", "--all", "--amend", "--message", "Everything", cwd=infra)
    changed = answers(pushed.folder, timezone="Europe/Rome")
    said = refused(pushed.new(answers=changed), CONFLICT, "Make that version available")
    take, diff = [command for command in commands(said) if "infra" in command][:2]
    done = pushed.new(*shlex.split(take), answers=changed)
    assert done.code == 0, done.err
    shown = pushed.run("bash", "-c", diff)
    assert "-Mine." in shown.out


# Plaintexts.


def test_keys_are_not_shown_on_a_terminal(pushed: World) -> None:
    import pexpect

    folder = pushed.folder / "bin"
    folder.mkdir()
    (folder / "kubectl").write_text(f"#!/bin/sh\ncat > '{pushed.folder}/applied'\n")
    (folder / "kubectl").chmod(0o755)
    child = pexpect.spawn(
        str(FMC), ["keys", "export"], cwd=str(pushed.workspace), env=pushed.environment, encoding="utf-8"
    )
    child.expect(pexpect.EOF)
    (command,) = commands(str(child.before))
    path = f"{folder}:{FMC.parent}:{pushed.environment['PATH']}"
    done = pushed.run("bash", "-c", command, cwd=pushed.workspace, env={"PATH": path})
    assert done.code == 0, done.err
    assert json.loads((pushed.folder / "applied").read_text())["kind"] == "List"
