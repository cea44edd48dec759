"""What `ci/bump-image` writes, what it refuses, and what it leaves alone."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.delivery.workspace import git, hook
from tests.image.bumping import MAIN, OVERLAY, PROGRAM, REGISTRY, Apps, digest, image, make_apps

PROPOSAL = "refs/heads/deploy/shop/staging"


@pytest.fixture
def apps(tmp_path: Path) -> Apps:
    return make_apps(tmp_path, environments=("staging", "production"))


def test_an_image_is_written_quoted_and_everything_else_stays(apps: Apps) -> None:
    before = apps.tip()
    done = apps.bump("shop", f"{REGISTRY}/shop:0123456@{digest(7)}", "--env", "staging")
    assert done.code == 0, done.err
    expected = OVERLAY.format(app="shop", environment="staging", registry=REGISTRY).replace(
        '    newTag: "0.0.0"\n', f'    newTag: "0123456"\n    digest: "{digest(7)}"\n'
    )
    assert apps.overlay() + "\n" == expected
    assert git(apps.remote, "rev-parse", f"{MAIN}^") == before
    assert git(apps.remote, "diff", "--name-only", before, MAIN) == "apps/shop/overlays/staging/kustomization.yaml"
    assert done.document == {
        "image": f"{REGISTRY}/shop:0123456@{digest(7)}",
        "commit": apps.tip(),
        "branch": "main",
        "changed": True,
        "proposed": False,
        "overtaken": 0,
        "url": "",
    }


def test_a_second_run_writes_nothing(apps: Apps) -> None:
    apps.bump("shop", image("shop", 1), "--env", "staging")
    tip = apps.tip()
    done = apps.bump("shop", image("shop", 1), "--env", "staging")
    assert (done.code, done.document["changed"], done.document["commit"]) == (0, False, tip)
    assert apps.tip() == tip


def test_the_commit_tells_what_was_built_where_and_from_what(apps: Apps) -> None:
    apps.variables = {"BUILD_URL": "https://ci:secret@jenkins.example.com/job/shop/7/", "GIT_COMMIT": "c0ffee"}
    apps.bump("shop", image("shop", 1), "--env", "staging")
    assert git(apps.remote, "log", "-1", "--format=%s", MAIN) == ("chore(deploy): shop in staging runs 1.0.1 [skip ci]")
    assert git(apps.remote, "log", "-1", "--format=%(trailers:only)", MAIN).splitlines() == [
        f"Bumped-Image: {image('shop', 1)}",
        "Source-Commit: c0ffee",
        "Build-Url: https://jenkins.example.com/job/shop/7/",
    ]


def test_options_say_more_than_the_build_server(apps: Apps) -> None:
    apps.variables = {"BUILD_URL": "https://jenkins.example.com/job/shop/7/"}
    apps.bump("shop", image("shop", 1), "--env", "staging", "--build-url", "https://other.example.com/9")
    assert "Build-Url: https://other.example.com/9" in git(apps.remote, "log", "-1", "--format=%B", MAIN)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("shop", f"{REGISTRY}/shop:1.0", "--env", "staging"), "a tag without a digest can be moved"),
        (("shop", f"{REGISTRY}/shop:latest@{digest(1)}", "--env", "staging"), "the tag latest says nothing"),
        (("shop", f"{REGISTRY}/shop", "--env", "staging"), "is no image with a digest"),
        (("shop", f"{REGISTRY}/shop@sha256:12", "--env", "staging"), "is no image with a digest"),
        (("shop", f"{REGISTRY}/shop:1\n@{digest(1)}", "--env", "staging"), "is no image with a digest"),
        (("../shop", image("shop", 1), "--env", "staging"), "is no name of an app"),
        (("shop", image("shop", 1), "--env", "testing"), "there is no file apps/shop/overlays/testing"),
        (("shop", image("shop", 1), "--env", "staging", "--name", "other"), "has no image for other; it lists shop"),
        (("shop", "--env", "staging"), "either an image or --from is needed"),
        (("shop", "--from", "staging", "--env", "staging"), "promoted to itself"),
        (("shop", "--from", "staging", "--env", "production"), "names no digest"),
        (("shop", image("shop", 1), "--env", "staging", "--build-url", "x\nInjected: y"), "Build-Url holds a line"),
    ],
)
def test_what_would_be_unclear_is_refused(apps: Apps, arguments: tuple[str, ...], said: str) -> None:
    tip = apps.tip()
    done = apps.bump(*arguments)
    assert done.code == 2
    assert said in done.document["error"]
    assert apps.tip() == tip


def test_a_mutable_tag_is_taken_where_that_is_said(apps: Apps) -> None:
    done = apps.bump("shop", f"{REGISTRY}/shop:latest", "--env", "staging", "--allow-mutable")
    assert done.code == 0, done.out
    assert '    newTag: "latest"\n' in apps.overlay()
    assert "digest" not in apps.overlay()


def test_an_environment_takes_what_another_one_runs(apps: Apps) -> None:
    apps.bump("shop", image("shop", 3), "--env", "staging")
    done = apps.bump("shop", "--from", "staging", "--env", "production")
    assert (done.code, done.document["image"]) == (0, image("shop", 3))
    assert digest(3) in apps.overlay(environment="production")
    assert "Promoted-From: staging" in git(apps.remote, "log", "-1", "--format=%B", MAIN)


def test_in_a_monorepo_the_apps_lie_in_a_folder(tmp_path: Path) -> None:
    apps = make_apps(tmp_path)
    clone = tmp_path / "moving"
    git(tmp_path, "clone", "--quiet", "--branch=main", str(apps.remote), str(clone))
    (clone / "inner").mkdir()
    git(clone, "mv", "apps", "inner/apps")
    git(clone, "commit", "--quiet", "--message=move")
    git(clone, "push", "--quiet", "origin", "main")
    assert apps.bump("shop", image("shop", 1), "--env", "staging", "--folder", "inner/").code == 0
    assert digest(1) in git(apps.remote, "show", f"{MAIN}:inner/apps/shop/overlays/staging/kustomization.yaml")


def test_a_build_that_a_bump_started_ends(apps: Apps, tmp_path: Path) -> None:
    """The program lies in the repository that is built: there it sees which commit that was."""
    checkout = tmp_path / "checkout"
    apps.bump("shop", image("shop", 1), "--env", "staging")
    git(tmp_path, "clone", "--quiet", "--branch=main", str(apps.remote), str(checkout))
    subprocess.run(["cp", "-r", str(PROGRAM.parent), str(checkout / "ci")], check=True)
    program = ["python3", str(checkout / "ci/bump-image"), "--remote", apps.url, "--branch", "main"]
    arguments = ["shop", image("shop", 2), "--env", "staging", "--source-commit"]
    loop = subprocess.run([*program, *arguments, apps.tip()], capture_output=True, text=True, check=False)
    assert loop.returncode == 3
    assert "would start itself again and again" in loop.stderr
    before = git(apps.remote, "rev-parse", f"{MAIN}^")
    assert subprocess.run([*program, *arguments, before], capture_output=True, check=False).returncode == 0


def test_a_pull_request_leaves_the_branch_alone(apps: Apps) -> None:
    tip = apps.tip()
    done = apps.bump("shop", image("shop", 1), "--env", "staging", "--pull-request")
    assert done.code == 0, done.out
    assert apps.tip() == tip
    assert (done.document["branch"], done.document["proposed"]) == ("deploy/shop/staging", True)
    assert apps.tip(PROPOSAL) == done.document["commit"]
    assert digest(1) in apps.overlay(at=PROPOSAL)
    again = apps.bump("shop", image("shop", 1), "--env", "staging", "--pull-request")
    assert (again.document["changed"], again.document["commit"]) == (False, done.document["commit"])


def test_a_later_build_replaces_what_an_earlier_one_proposed(apps: Apps) -> None:
    apps.bump("shop", image("shop", 1), "--env", "staging", "--pull-request")
    apps.push_by_hand("notes.md")
    done = apps.bump("shop", image("shop", 2), "--env", "staging", "--pull-request")
    assert done.code == 0, done.out
    assert digest(2) in apps.overlay(at=PROPOSAL)
    assert git(apps.remote, "rev-parse", f"{PROPOSAL}^") == apps.tip()


def test_what_people_put_on_a_proposal_is_not_replaced(apps: Apps, tmp_path: Path) -> None:
    apps.bump("shop", image("shop", 1), "--env", "staging", "--pull-request")
    clone = tmp_path / "reviewer"
    git(tmp_path, "clone", "--quiet", "--branch=deploy/shop/staging", str(apps.remote), str(clone))
    (clone / "review.md").write_text("changed\n")
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message=review")
    git(clone, "push", "--quiet", "origin", "deploy/shop/staging")
    theirs = apps.tip(PROPOSAL)
    done = apps.bump("shop", image("shop", 2), "--env", "staging", "--pull-request")
    assert done.code == 3
    assert "somebody else made" in done.document["error"]
    assert apps.tip(PROPOSAL) == theirs
    git(apps.remote, "update-ref", "-d", PROPOSAL)
    assert apps.bump("shop", image("shop", 2), "--env", "staging", "--pull-request").code == 0


def test_where_the_server_says_an_address_that_is_the_one(apps: Apps) -> None:
    hook(apps.remote, "post-receive", "echo 'Create a pull request: https://forge.example.com/pulls/new'")
    done = apps.bump("shop", image("shop", 1), "--env", "staging", "--pull-request")
    assert done.document["url"] == "https://forge.example.com/pulls/new"


def test_python_3_9_reads_it() -> None:
    files = [PROGRAM, *sorted((PROGRAM.parent / "writeback").glob("*.py"))]
    assert len(files) > 5
    for file in files:
        tree = ast.parse(file.read_text(), feature_version=(3, 9))
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
        imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
        assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names | {"writeback"}


def test_python_3_9_runs_it(apps: Apps) -> None:
    oldest = shutil.which("python3.9")
    if not oldest or subprocess.run([oldest, "--version"], capture_output=True, check=False).returncode:
        pytest.skip("there is no Python 3.9 here")
    assert apps.bump("shop", image("shop", 1), "--env", "staging", python=oldest).code == 0
    assert digest(1) in apps.overlay()
