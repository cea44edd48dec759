"""A cluster that is there already: two repositories, through every verb, and no way from or to one with machines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.pipeline.world import ROOT, World, answers

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = ROOT / "examples" / "existing-cluster.yaml"
PARTS = ["apps", "argocd"]
TOKEN = {"FMC_GIT_READ_TOKEN": "glpat-of-the-git-server"}


def machine(folder: Path, *remotes: str) -> World:
    return World(folder, cluster="shared", base_url="https://git.example.com/shared/").make(*remotes)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A machine on which the example is delivered. Look at it, and leave it as it is."""
    world = machine(tmp_path_factory.mktemp("existing") / "world", *PARTS)
    done = world.new("--push", answers=EXAMPLE, env=TOKEN)
    assert done.code == 0, done.all
    return world


@pytest.fixture
def delivered(made: World, tmp_path: Path) -> World:
    return made.copy(tmp_path / "world")


def document(world: World, *arguments: str) -> dict[str, Any]:
    done = world.fmc(*arguments, "--output", "json", cwd=world.workspace)
    assert done.code == 0, done.all
    return dict(json.loads(done.out))


def test_two_repositories_are_delivered_and_nothing_is_left_to_do(made: World) -> None:
    assert sorted(path.name for path in made.workspace.iterdir() if (path / ".git").exists()) == PARTS
    assert sorted(made.tips()) == PARTS
    assert made.published() == made.local()
    checked = made.fmc("check", cwd=made.workspace)
    assert (checked.code, "0 errors, 0 warnings" in checked.out) == (0, True), checked.all
    again = made.new("--push", answers=EXAMPLE)
    assert (again.code, "No change" in again.out) == (0, True), again.all
    assert "argocd/README.md" in again.out


def test_every_verb_works_with_two_repositories(delivered: World) -> None:
    assert delivered.fmc("seal", cwd=delivered.workspace).code == 0
    assert {row["part"] for row in document(delivered, "status")["repositories"]} == set(PARTS)
    assert [row["part"] for row in document(delivered, "push")["delivered"]] == PARTS
    saved = delivered.folder / "backup.age"
    assert delivered.fmc("backup", str(saved), cwd=delivered.workspace).code == 0
    restored = delivered.fmc("restore", str(saved), "--workspace", str(delivered.folder / "back"))
    assert restored.code == 0, restored.all
    assert sorted(path.name for path in (delivered.folder / "back").iterdir() if (path / ".git").exists()) == PARTS
    mirrored = delivered.fmc("mirror", "list", cwd=delivered.workspace)
    assert (mirrored.code, "terraform" in mirrored.out) == (0, False), mirrored.err
    assert delivered.fmc("mirror", "list", "--answers", str(EXAMPLE)).out == mirrored.out


def test_what_changed_answers_do_to_it_is_told(made: World, tmp_path: Path) -> None:
    world = made.copy(tmp_path / "world")
    changed = {**yaml.safe_load(EXAMPLE.read_text()), "domain": "other.example.com"}
    changed["existing_cluster"] |= {
        "api": "https://10.0.0.9:6443",
        "ingress": "203.0.113.99",
        "pod_cidr": "10.99.0.0/16",
    }
    file = tmp_path / "changed.yaml"
    file.write_text(yaml.safe_dump(changed))
    done = world.new("--output", "json", answers=file)
    assert done.code == 0, done.all
    told = {effect["name"]: (effect["class"], effect["message"]) for effect in json.loads(done.out)["effects"]}
    assert told["cluster"][0] == told["service argocd"][0] == "replace"
    assert "k8s.example.com -> 10.0.0.9; if that is another cluster" in told["cluster"][1]
    assert told["address ingress"][1].startswith("203.0.113.7 -> 203.0.113.99; what names the old one has to follow")
    assert told["kubernetes pod_cidr"][1].startswith("10.244.0.0/16 -> 10.99.0.0/16; ")
    assert "argocd.shared.example.com -> argocd.other.example.com" in told["service argocd"][1]
    again = world.new("--output", "json", answers=file)
    assert (again.code, json.loads(again.out)["effects"]) == (0, [])


def test_another_place_of_its_repositories_is_told(made: World, tmp_path: Path) -> None:
    world = made.copy(tmp_path / "world")
    elsewhere = "https://git.example.com/elsewhere"
    for part in PARTS:
        world.git("remote", "set-url", "origin", f"{elsewhere}/{part}.git", cwd=world.workspace / part)
    moved = answers(tmp_path, EXAMPLE.read_text(), git_base_url=elsewhere)
    done = world.new("--output", "json", answers=moved)
    assert done.code == 0, done.all
    names = {effect["name"] for effect in json.loads(done.out)["effects"]}
    assert names == {f"repository {part}" for part in PARTS}


def test_the_remotes_are_made_and_compared(tmp_path: Path) -> None:
    world = machine(tmp_path / "world", "infra")
    kind = answers(tmp_path, EXAMPLE.read_text(), forge="{kind: folder}", git_base_url=f"file://{tmp_path}/remotes")
    assert world.new(answers=kind).code == 0
    created = world.fmc("remotes", "create", "--yes", cwd=world.workspace)
    assert created.code == 0, created.all
    assert sorted(path.name for path in (tmp_path / "remotes").iterdir()) == ["apps.git", "argocd.git"]
    checked = world.fmc("remotes", "check", cwd=world.workspace)
    assert checked.code == 0, checked.all


def test_the_doctor_asks_for_no_tool_of_machines_and_names_releases(made: World) -> None:
    done = made.fmc("doctor", "--output", "json", cwd=made.workspace, env={"PATH": "/usr/bin:/bin"})
    told = json.loads(done.out)
    names = {tool["name"] for tool in told["tools"]}
    assert names & {"terraform", "ansible-playbook", "ssh"} == set()
    assert {"kubectl", "helm", "git"} <= names
    assert told["hosts"] == []
    assert "infra" not in " ".join(finding["fix"] for finding in told["findings"])
    helm = next(finding["fix"] for finding in told["findings"] if finding["path"] == "helm")
    assert helm.startswith("Get it with its release, https://get.helm.sh/helm-v")


def test_a_further_app_is_told_to_ones_own_dns(delivered: World) -> None:
    image = f"registry.example.com/shop:1@sha256:{'a' * 64}"
    done = delivered.fmc("add", "app", "shop", "--image", image, cwd=delivered.workspace)
    assert done.code == 0, done.all
    assert done.out.splitlines()[-1] == "Then let your DNS know its hosts"


def test_a_monorepo_has_no_folder_for_machines(tmp_path: Path) -> None:
    world = machine(tmp_path / "world", "shared")
    done = world.new("--push", "--set", "layout=monorepo", answers=EXAMPLE, env=TOKEN)
    assert done.code == 0, done.all
    assert not (world.workspace / "shared" / "infra").exists()
    checked = world.fmc("check", cwd=world.workspace)
    assert (checked.code, "0 errors, 0 warnings" in checked.out) == (0, True), checked.all
    assert world.published() == world.local()


def test_a_second_operator_goes_on_from_two_clones(delivered: World) -> None:
    for name in ("answers.yaml", ".fmc/answers.json"):
        (delivered.workspace / name).unlink()
    done = delivered.fmc("new", "--yes", cwd=delivered.workspace)
    assert (done.code, "No change" in done.out) == (0, True), done.all


@pytest.mark.parametrize("layout", ["parts", "monorepo"])
def test_the_answer_is_not_taken_out_again(made: World, tmp_path: Path, layout: str) -> None:
    """What would come besides is a part infra, and machines below a platform that runs elsewhere."""
    world = made.copy(tmp_path / "world")
    before = world.references(), world.local()
    kept = {"existing_cluster": "{}", "layout": layout}
    ha = answers(tmp_path, (ROOT / "examples/ha.yaml").read_text(), name="shared", **kept)
    refused = world.new("--push", answers=ha)
    assert refused.code == 2
    if layout == "parts":
        assert "was rendered with existing_cluster, and the answers don't" in refused.err
        assert "Keep it, or choose another --workspace and empty remotes for the new cluster." in refused.err
    assert (world.references(), world.local()) == before


def test_a_cluster_with_machines_does_not_become_one_without(pushed: World) -> None:
    before = pushed.references(), pushed.local()
    there = answers(pushed.folder, EXAMPLE.read_text(), name="home", git_base_url="https://git.example.com/home")
    refused = pushed.new("--push", answers=there)
    assert refused.code == 2
    assert "was rendered without existing_cluster, and the answers name it" in refused.err
    assert "Take it out again, or choose another --workspace and empty remotes" in refused.err
    assert (pushed.references(), pushed.local()) == before
    # Each way that it names.
    kept = pushed.new("--push")
    assert (kept.code, "No change" in kept.out) == (0, True), kept.all
    for part in PARTS:
        pushed.git("init", "--quiet", "--bare", "--initial-branch=main", str(pushed.remote(f"platform-{part}")))
    names = "repositories={apps: platform-apps, argocd: platform-argocd}"
    other = ("--workspace", str(pushed.folder / "platform"), "--set", names)
    done = pushed.fmc("new", "--answers", str(there), "--yes", "--push", *other, env=TOKEN)
    assert done.code == 0, done.all
    assert {"platform-apps", "platform-argocd"} <= pushed.tips().keys()


def test_what_is_about_to_be_made_is_shown_without_machines(tmp_path: Path) -> None:
    world = machine(tmp_path / "world", *PARTS)
    shown = world.fmc("check", "--answers", str(EXAMPLE))
    assert "is good: cluster shared, which is there already." in shown.out
