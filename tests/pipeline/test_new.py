"""`fmc new`: from answers to pushed repositories, and what a second run makes of them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from generator.workspace import PARTS
from tests.pipeline.world import BASE_URL, EXAMPLE, ROOT, Finished, World, answers, tree

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FirstRun = tuple[World, Finished]
# A file that fmc renders, one that it renders once and leaves to the user, and one that only the user has.
RENDERED = "platform/traefik/values.yaml"
OWN = "platform/traefik/values.user.yaml"
EXTRA = "docs/notes.md"


def test_the_remotes_hold_what_the_workspace_holds(first_run: FirstRun) -> None:
    world, _ = first_run
    assert world.published() == world.local()
    assert world.local().keys() == set(PARTS)
    for part in PARTS:
        assert world.git("for-each-ref", "--format=%(refname)", cwd=world.remote(part)) == "refs/heads/main"
        assert world.git("log", "--format=%an <%ae> %s", cwd=world.remote(part)) == (
            "Ada <ada@example.com> Render the cluster home"
        )
        assert world.git("status", "--porcelain", "--ignored", "--branch", cwd=world.workspace / part) == (
            "## main...origin/main"
        )


def test_the_workspace_holds_nothing_else(first_run: FirstRun) -> None:
    world, _ = first_run
    assert {path.name for path in world.workspace.iterdir()} == {*PARTS, ".fmc", "answers.yaml", "vault.age"}
    assert {path.name for path in (world.workspace / ".fmc").iterdir()} == {"state.json", "answers.json"}
    assert (world.workspace / "answers.yaml").read_bytes() == EXAMPLE.read_bytes()
    assert world.vault.stat().st_mode & 0o777 == 0o600
    assert {path.name: path.stat().st_mode & 0o777 for path in world.home.iterdir()} == {
        "identity.txt": 0o600,
        "recovery-identity.txt": 0o600,
    }


def test_the_summary_says_what_was_done_and_what_comes_next(first_run: FirstRun) -> None:
    world, done = first_run
    tips, files = world.tips(), world.local()
    for part in PARTS:
        row = next(line for line in done.out.splitlines() if line.strip().startswith(f"{part} "))
        commit = tips[part][:12]
        assert " ".join(row.split()) == f"{part} {len(files[part])} {commit} {BASE_URL}{part}.git main at {commit}"
    assert re.search(r"^Secrets: 5 made, 0 sealed anew, 0 unchanged, 1 pending$", done.out, re.MULTILINE)
    count = sum(len(names) for names in files.values())
    assert re.search(rf"^Checked: {count} files, \d+ manifests by \w+; no error$", done.out, re.MULTILINE)
    assert re.search(
        r"^Seconds: \d+\.\d\d \(check the answers .*, render .*, push \d+\.\d\d\)$", done.out, re.MULTILINE
    )
    assert "New: your age identity home/identity.txt." in done.out
    assert "home/recovery-identity.txt. Move it to a place offline." in done.out
    assert done.out.rstrip().splitlines()[-1] == "Next: less workspace/infra/README.md"
    assert (world.workspace / "infra" / "README.md").is_file()
    assert "FMC_GIT_READ_TOKEN" in done.err
    assert "\x1b" not in done.all


def test_a_second_run_changes_nothing_and_says_so(pushed: World) -> None:
    before = (pushed.references(), tree(pushed.workspace), tree(pushed.home))
    heads = [pushed.git("rev-parse", "HEAD", cwd=pushed.workspace / part) for part in PARTS]
    done = pushed.new("--push")
    assert done.code == 0
    assert "No change: the repositories are what these answers and this vault give." in done.out
    assert "Secrets: 0 made, 0 sealed anew, 5 unchanged, 1 pending" in done.out
    assert (done.out.count("(no change)"), done.out.count("(had it)")) == (3, 3)
    assert (pushed.references(), tree(pushed.workspace), tree(pushed.home)) == before
    assert [pushed.git("rev-parse", "HEAD", cwd=pushed.workspace / part) for part in PARTS] == heads


def test_json_is_one_document_with_the_commits(pushed: World) -> None:
    changed = answers(pushed.folder, timezone="Europe/Paris")
    done = pushed.new("--push", "--output", "json", answers=changed)
    assert done.code == 0
    document = json.loads(done.out)
    assert document["changed"] is True
    assert {part["part"]: part["commit"] for part in document["delivered"]} == pushed.tips()
    assert {part["part"]: part["changed"] for part in document["delivered"]} == {
        part["part"]: part["changed"] for part in document["repositories"]
    }
    assert document["checks"]["files"] == sum(part["files"] for part in document["repositories"])
    assert document["secrets"]["pending"] == ["argocd/git-credentials"]
    assert [finding["rule"] for finding in document["checks"]["findings"]] == ["secrets/pending"]
    assert document["workspace"] == str(pushed.workspace)
    assert "render infra, apps, argocd" in document["seconds"]


def test_json_tells_an_error_in_one_document(world: World) -> None:
    done = world.new("--output", "json", answers=answers(world.folder, timezone="Europe/Atlantis"))
    assert done.code == 2
    document = json.loads(done.out)
    assert document["exit_code"] == 2
    assert [finding["path"] for finding in document["findings"]] == ["timezone"]
    assert not world.workspace.exists()


@pytest.mark.parametrize(
    ("options", "remotes"),
    [
        ("layout=monorepo repositories={monorepo:_everything}", ["everything"]),
        ("layout=infra", ["infra"]),
        ("layout=argocd", ["argocd"]),
        ("layout=apps", ["apps"]),
        ("profile=single edge=192.168.0.0/24", PARTS),
        ("git_branch=trunk", PARTS),
    ],
)
def test_every_layout_and_profile_is_pushed(tmp_path: Path, options: str, remotes: Sequence[str]) -> None:
    world = World(tmp_path / "world").make(*remotes)
    given = [argument for option in options.split() for argument in ("--set", option.replace("_e", " e"))]
    branch = "trunk" if "git_branch=trunk" in given else "main"
    done = world.new("--push", *given)
    assert done.code == 0, done.err
    for name in remotes:
        assert world.git("for-each-ref", "--format=%(refname)", cwd=world.remote(name)) == f"refs/heads/{branch}"
        folder = world.workspace / name
        assert world.git("rev-parse", "HEAD", cwd=folder) == world.git("rev-parse", branch, cwd=world.remote(name))
    assert {path.parent.name for path in world.workspace.glob("*/.git")} == set(remotes)
    sealed = list(world.workspace.rglob("*.sealed.yaml"))
    assert bool(sealed) == bool(set(remotes) - {"infra", "apps"}) == world.vault.exists()


def test_a_second_run_of_a_monorepo_changes_nothing(tmp_path: Path) -> None:
    world = World(tmp_path / "world").make("home")
    changed = answers(world.folder, layout="monorepo")
    assert world.new("--push", answers=changed).code == 0
    before = (world.references(), tree(world.workspace))
    again = world.new("--push", answers=changed)
    assert (again.code, "No change" in again.out) == (0, True), again.all
    assert (world.references(), tree(world.workspace)) == before


def test_without_push_the_summary_names_the_command_that_pushes(world: World) -> None:
    done = world.new()
    assert done.code == 0
    assert world.tips() == {}
    assert done.out.count("not pushed") == len(PARTS)
    following = done.out.rstrip().splitlines()[-1]
    assert following == "Next: fmc push --workspace workspace"
    assert world.fmc(*following.split()[2:]).code == 0
    assert world.published() == world.local()
    again = world.fmc("push", cwd=world.workspace / "apps")
    assert again.code == 0
    assert "No change: the remotes had everything." in again.out


def test_the_workspace_is_named_after_the_cluster_by_default(world: World) -> None:
    done = world.fmc(
        "new", "--answers", str(EXAMPLE), "--yes", "--author-name", "Bo", "--author-email", "bo@example.com"
    )
    assert done.code == 0
    made = world.folder / "home"
    assert {path.name for path in made.glob("*/.git")} == {".git"}
    assert world.git("log", "--format=%an <%ae>, %cn <%ce>", cwd=made / "infra") == (
        "Bo <bo@example.com>, Bo <bo@example.com>"
    )


def test_changed_answers_become_one_commit_where_they_matter(pushed: World) -> None:
    tips, before = pushed.tips(), pushed.local()
    changed = answers(pushed.folder, timezone="Europe/Paris")
    done = pushed.new("--push", answers=changed)
    assert done.code == 0
    for part in PARTS:
        assert pushed.git("rev-list", f"{tips[part]}..main", cwd=pushed.remote(part)).count("\n") == 0
    now = pushed.published()
    assert now == pushed.local()
    differing = {name for part in PARTS for name in now[part] if now[part][name] != before[part].get(name)}
    assert ".copier-answers.yml" in differing
    assert not any(name.endswith((".sealed.yaml", "sealing-cert.pem")) for name in differing)
    variables = "plan.json"
    assert now["infra"][variables] == before["infra"][variables].replace(b"Europe/Madrid", b"Europe/Paris")
    assert now["infra"][variables] != before["infra"][variables]
    assert (pushed.workspace / "answers.yaml").read_bytes() == changed.read_bytes()


def test_a_component_that_goes_takes_its_sealed_manifests_with_it(pushed: World) -> None:
    assert "secrets/traefik/wildcard-tls.sealed.yaml" in pushed.local()["argocd"]
    assert pushed.new("--push", answers=answers(pushed.folder, components="[]")).code == 0
    assert [name for name in pushed.published()["argocd"] if name.endswith(".sealed.yaml")] == [
        "secrets/argocd/argocd-secret.sealed.yaml"
    ]
    # Back again, it has the passwords that it had: the vault keeps them.
    passwords = set(pushed.needles())
    done = pushed.new("--push")
    assert done.code == 0
    lost = len(passwords - set(pushed.needles()))
    assert lost == 0
    assert "secrets/traefik/wildcard-tls.sealed.yaml" in pushed.published()["argocd"]


def test_commits_of_the_user_stay_and_are_pushed(pushed: World) -> None:
    pushed.commit("argocd", {OWN: "replicas: 3\n", EXTRA: "Mine.\n"})
    mine = pushed.git("rev-parse", "HEAD", cwd=pushed.workspace / "argocd")
    done = pushed.new()
    assert done.code == 0
    assert "No change" in done.out
    assert pushed.git("rev-parse", "HEAD", cwd=pushed.workspace / "argocd") == mine
    done = pushed.new("--push")
    assert done.code == 0
    assert pushed.tips()["argocd"] == mine
    assert pushed.published()["argocd"][EXTRA] == b"Mine.\n"


def test_files_of_the_user_survive_changed_answers(pushed: World) -> None:
    pushed.commit("argocd", {OWN: "replicas: 3\n"})
    tip = pushed.tips()["argocd"]
    done = pushed.new("--push", answers=answers(pushed.folder, email="new@example.com"))
    assert done.code == 0, done.err
    assert pushed.published()["argocd"][OWN] == b"replicas: 3\n"
    assert pushed.git("log", "--format=%s", f"{tip}..main", cwd=pushed.remote("argocd")) == (
        "Render the cluster home: email\nMine"
    )


def test_a_value_supplied_later_is_sealed_committed_and_kept(pushed: World) -> None:
    given = pushed.fmc(
        "secret", "set", "argocd/git-credentials", "token", cwd=pushed.workspace, stdin="s3cret-of-forge\n"
    )
    assert given.code == 0
    sealed = pushed.fmc("seal", cwd=pushed.workspace)
    assert (sealed.code, "made: argocd/git-credentials" in sealed.out) == (0, True)
    assert pushed.fmc("push", cwd=pushed.workspace).code == 0
    manifest = "secrets/argocd/git-credentials.sealed.yaml"
    content = pushed.published()["argocd"][manifest]
    done = pushed.new("--push", answers=answers(pushed.folder, email="new@example.com"))
    assert done.code == 0, done.err
    assert "0 pending" in done.out
    assert pushed.published()["argocd"][manifest] == content


def test_the_example_for_one_server_is_pushed_over_ssh_addresses(tmp_path: Path) -> None:
    world = World(tmp_path / "world", cluster="mini", base_url="ssh://git@git.example.com/mini/").make()
    done = world.new("--push", answers=ROOT / "examples" / "single.yaml")
    assert done.code == 0, done.err
    # Argo CD reads with deploy keys, which the forge has to be told.
    assert done.out.count("Register at the Git server, read-only, for argocd/git-") == 2
    assert world.tips().keys() == set(PARTS)


def test_options_are_written_into_the_answers_that_are_kept(pushed: World) -> None:
    done = pushed.new("--set", "components=[traefik]")
    assert done.code == 0, done.err
    kept = pushed.workspace / "answers.yaml"
    assert "\ncomponents: [traefik]\n" in kept.read_text()
    again = pushed.new(answers=kept)
    assert again.code == 0, again.err
    assert "No change" in again.out


def test_monorepo_beside_its_parts_is_refused(pushed: World) -> None:
    before = tree(pushed.folder)
    done = pushed.new("--set", "layout=monorepo")
    assert done.code == 2
    assert "is of the layout" in done.err
    assert tree(pushed.folder) == before
