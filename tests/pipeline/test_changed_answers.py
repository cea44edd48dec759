"""Changed answers after people have worked in the repositories: the everyday command (faults B1, D3, E19)."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from generator.workspace import PARTS
from tests.pipeline.world import World, answers, tree

if TYPE_CHECKING:
    from collections.abc import Mapping

NEW_APP = {
    "apps/shop/base/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n",
    "notes.md": "Mine.\n",
}


def edit(world: World, part: str, name: str, old: str, new: str) -> None:
    """Change a text in a repository, and commit it as the user."""
    text = (world.workspace / part / name).read_text()
    assert old in text
    world.commit(part, {name: text.replace(old, new, 1)})


def rendered_with(world: World, **changed: str) -> None:
    """Run `fmc new --push` with changed answers to a good end."""
    done = world.new("--push", answers=answers(world.folder, **changed))
    assert done.code == 0, done.err
    assert world.published() == world.local()
    for part in PARTS:
        assert world.git("status", "--porcelain", cwd=world.workspace / part) == ""


def subject(world: World, part: str) -> str:
    return world.git("log", "-1", "--format=%s", cwd=world.workspace / part)


def has(world: World, part: str, name: str, *texts: str) -> bool:
    content = (world.workspace / part / name).read_text()
    return all(text in content for text in texts)


def test_edits_stay_and_the_commit_names_the_answers(pushed: World) -> None:
    """A new app, a raised pin, Terraform's lock file, an edited text, a removed file and one that may be executed."""
    lock = "terraform/main/.terraform.lock.hcl"
    pushed.commit("apps", NEW_APP)
    pushed.commit("infra", {lock: "# locked\n"})
    edit(pushed, "infra", "versions.yaml", "versions", "versions, raised by me,")
    edit(pushed, "infra", "README.md", "\n", "\n\nMine.\n")
    (pushed.workspace / "infra" / ".editorconfig").unlink()
    (pushed.workspace / "infra" / "Makefile").chmod(0o755)
    pushed.commit("infra", {})
    rendered_with(pushed, timezone="Europe/Paris", email="new@example.com")
    assert subject(pushed, "infra") == "Render the cluster home: email, timezone"
    assert has(pushed, "infra", ".copier-answers.yml", "Europe/Paris", "new@example.com")
    assert has(pushed, "infra", "README.md", "\n\nMine.\n")
    assert has(pushed, "infra", "versions.yaml", "versions, raised by me,")
    assert (pushed.workspace / "infra" / lock).is_file()
    assert not (pushed.workspace / "infra" / ".editorconfig").exists()
    assert (pushed.workspace / "infra" / "Makefile").stat().st_mode & 0o100
    assert NEW_APP.items() <= {name: text.decode() for name, text in pushed.local()["apps"].items()}.items()
    # Set back, they are what they were, and the edits are still there.
    rendered_with(pushed)
    assert has(pushed, "infra", ".copier-answers.yml", "Europe/Madrid")
    assert has(pushed, "infra", "README.md", "\n\nMine.\n")


def test_after_a_pull_with_rebase(pushed: World, tmp_path: Path) -> None:
    """What fmc advises where somebody else pushed first."""
    pushed.git("clone", "--quiet", str(pushed.remote("infra")), str(tmp_path / "colleague"))
    (tmp_path / "colleague" / "theirs.md").write_text("Theirs.\n")
    pushed.git("add", "--all", cwd=tmp_path / "colleague")
    pushed.git("commit", "--quiet", "--message=Theirs", cwd=tmp_path / "colleague")
    pushed.git("push", "--quiet", cwd=tmp_path / "colleague")
    changed = answers(pushed.folder, timezone="Europe/Paris")
    assert pushed.new("--push", answers=changed).code == 3
    pushed.git("pull", "--quiet", "--rebase", cwd=pushed.workspace / "infra")
    rendered_with(pushed, timezone="Europe/Paris")
    rendered_with(pushed, timezone="Europe/Rome")
    assert has(pushed, "infra", "theirs.md", "Theirs.")


def test_after_a_squashed_request_and_an_amended_commit(pushed: World, tmp_path: Path) -> None:
    """The forge's commit has a title of its own and one more edit, and the comment character is a letter of ours."""
    infra = pushed.workspace / "infra"
    edit(pushed, "infra", "README.md", "\n", "\n\nMine.\n")
    pushed.git("config", "core.commentChar", "F", cwd=infra)
    changed = answers(pushed.folder, timezone="Europe/Paris")
    assert pushed.new(answers=changed).code == 0
    pushed.git("push", "--quiet", "origin", "main:request", cwd=infra)
    forge = tmp_path / "forge"
    pushed.git("clone", "--quiet", str(pushed.remote("infra")), str(forge))
    pushed.git("merge", "--quiet", "--squash", "origin/request", cwd=forge)
    (forge / "suggested.md").write_text("A suggestion of the reviewer.\n")
    pushed.git("add", "--all", cwd=forge)
    pushed.git("commit", "--quiet", "--message=Another time zone (#3)", cwd=forge)
    pushed.git("push", "--quiet", "origin", "main", ":request", cwd=forge)
    pushed.git("fetch", "--quiet", "--prune", cwd=infra)
    pushed.git("reset", "--quiet", "--hard", "origin/main", cwd=infra)
    argocd = pushed.workspace / "argocd"
    pushed.git("commit", "--quiet", "--amend", "--message=As our house style says", cwd=argocd)
    rendered_with(pushed, timezone="Europe/Rome")
    assert has(pushed, "infra", "README.md", "\n\nMine.\n")
    assert has(pushed, "infra", "suggested.md", "reviewer")
    assert has(pushed, "infra", ".copier-answers.yml", "Europe/Rome")
    rendered_with(pushed, timezone="Europe/Madrid")


def test_on_a_second_machine_that_works_from_clones(pushed: World, tmp_path: Path) -> None:
    """Of a rendering that was merged with an edit a clone has the answers alone, which are rendered again."""
    edit(pushed, "infra", "README.md", "\n", "\n\nMine.\n")
    rendered_with(pushed, timezone="Europe/Paris")
    second = replace(pushed, folder=pushed.copy(tmp_path / "second").folder)
    for part in PARTS:
        shutil.rmtree(second.workspace / part)
        second.git("clone", "--quiet", f"https://git.example.com/home/{part}.git", str(second.workspace / part))
    shutil.rmtree(second.workspace / ".fmc")
    edit(second, "infra", "README.md", "\n\nMine.\n", "\n\nMine, on the second machine.\n")
    rendered_with(second, timezone="Europe/Rome")
    assert has(second, "infra", "README.md", "\n\nMine, on the second machine.\n")
    assert has(second, "infra", ".copier-answers.yml", "Europe/Rome")
    assert subject(second, "infra") == "Render the cluster home: timezone"


def everything(world: World) -> tuple[object, ...]:
    """Whatever must stay as it is where nothing may be written."""
    repositories = [world.workspace / part for part in PARTS]
    states = [(world.git("for-each-ref", cwd=one), world.git("ls-files", "--stage", cwd=one)) for one in repositories]
    return tree(world.workspace), tree(world.home), states, world.references()


def test_an_overlap_stops_before_anything_is_written_and_its_remedy_works(pushed: World) -> None:
    name = "README.md"
    line = next(
        number
        for number, text in enumerate((pushed.workspace / "infra" / name).read_text().splitlines(), 1)
        if "home.example.com" in text
    )
    lines = (pushed.workspace / "infra" / name).read_text().splitlines()
    lines[line - 1] += " Mine."
    pushed.commit("infra", {name: "\n".join(lines) + "\n"})
    pushed.commit("argocd", {"docs/mine.md": "Mine.\n"})
    before = everything(pushed)
    changed = answers(pushed.folder, domain="other.example.com")
    done = pushed.new("--push", answers=changed)
    assert done.code == 3
    assert f"infra/{name}:{line}: error: you have `" in done.err
    assert "[delivery/overlap]" in done.err
    assert done.err.count("[delivery/overlap]") == done.err.count(f"infra/{name}:")
    assert "nothing was written" in done.err
    assert everything(pushed) == before
    remedy = done.err.partition("Keep yours with `")[2].partition("`")[0]
    assert remedy == f"--keep infra/{name}"
    done = pushed.new("--push", *remedy.split(), answers=changed)
    assert done.code == 0, done.err
    assert pushed.published() == pushed.local()
    assert has(pushed, "infra", name, lines[line - 1], "other.example.com")


# Files of several kinds that people edit by nature, and answers that change lines in some of them.
_EDITED = [
    ("infra", "README.md"),
    ("infra", "versions.yaml"),
    ("argocd", "README.md"),
    ("argocd", "secrets/catalogue.yaml"),
]
_ANSWERS: list[Mapping[str, str]] = [
    {"timezone": "Europe/Paris"},
    {"email": "new@example.com", "dns_upstream": "[9.9.9.9]"},
    {"domain": "other.example.com"},
]


@pytest.mark.parametrize("seed", range(3))
def test_random_edits_and_answers(pushed: World, tmp_path: Path, seed: int) -> None:
    """Either all edits are in the result, and untouched files are as if rendered for the first time, or exit 3."""
    chance = random.Random(seed)
    marks: dict[tuple[str, str], str] = {}
    for part, name in chance.sample(_EDITED, 3):
        lines = (pushed.workspace / part / name).read_text().splitlines()
        mark = f"# Mine, {chance.random()}"
        lines.insert(chance.randrange(len(lines)), mark)
        pushed.commit(part, {name: "\n".join(lines) + "\n"})
        marks[part, name] = mark
    before = everything(pushed)
    changed = answers(pushed.folder, **_ANSWERS[seed])
    done = pushed.new(answers=changed)
    if done.code == 3:
        assert everything(pushed) == before
        blamed = {line.partition(":")[0] for line in done.err.splitlines() if "[delivery/overlap]" in line}
        assert blamed
        assert blamed <= {f"{part}/{name}" for part, name in marks}
        return
    assert done.code == 0, done.err
    fresh = World(tmp_path / "fresh").make()
    shutil.copytree(pushed.home, fresh.home, dirs_exist_ok=True)
    fresh.workspace.mkdir()
    shutil.copy(pushed.vault, fresh.vault)
    assert fresh.new(answers=changed).code == 0
    made, wanted = pushed.local(), fresh.local()
    for part in PARTS:
        assert made[part].keys() == wanted[part].keys()
        for name in made[part]:
            if (part, name) in marks:
                rest = [line for line in made[part][name].decode().splitlines() if line != marks[part, name]]
                assert rest == wanted[part][name].decode().splitlines()
                assert marks[part, name] in made[part][name].decode().splitlines()
            else:
                assert made[part][name] == wanted[part][name], name


def test_git_holds_what_was_rendered_where_sealing_marked_it_since(pushed: World) -> None:
    """Who restarts with a Secret is marked once people's changes are merged; the base of the next merge has no mark."""
    argocd = pushed.workspace / "argocd"
    pushed.commit("argocd", {"README.md": f"Mine.\n\n{(argocd / 'README.md').read_text()}"})
    supplied = {"FMC_JENKINS_GIT_USER": "jenkins", "FMC_JENKINS_GIT_TOKEN": "glpat-of-the-git-server"}
    done = pushed.new("--push", "--set", "components=[traefik, hello, nfs, jenkins]", env=supplied)
    assert done.code == 0, done.all
    values = "platform/jenkins/values.yaml"
    rendered, committed = (
        pushed.run("git", "show", f"{at}:{values}", cwd=argocd) for at in ("refs/fmc/rendered", "HEAD")
    )
    assert rendered.code == 0, rendered.err
    assert "jenkins/jenkins-git=pending" in rendered.out
    assert "jenkins/jenkins-git=pending" not in committed.out
    checked = pushed.run("git", "fsck", "--no-dangling", cwd=argocd)
    assert (checked.code, checked.err) == (0, ""), checked.all
