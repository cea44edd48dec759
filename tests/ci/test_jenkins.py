"""The rendered Jenkinsfile, run by Jenkins's own Groovy: what each stage does, and what a failure leaves."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.ci.conftest import ANSWERS
from tests.ci.jenkins_bed import ARGOCD_TOKEN, CHECK, GIT_TOKEN, REGISTRY_TOKEN, WEBHOOK_KEY, Bed, Ended, Jenkins
from tests.delivery.workspace import git, hook

if TYPE_CHECKING:
    from pathlib import Path

    from tests.template.conftest import Render

ALL = ["check", "changed", "test", "build and push", "scan", "deploy", "wait"]


def sent(bed: Bed) -> list[str]:
    """Return what the webhook was told."""
    return [json.loads(body)["text"] for _, _, body in bed.webhook.heard]


def no_secret_in(bed: Bed, log: str) -> None:
    for secret in (GIT_TOKEN, ARGOCD_TOKEN, REGISTRY_TOKEN, WEBHOOK_KEY, bed.registry.login):
        assert secret not in log
        assert secret not in bed.arguments


@pytest.mark.parametrize("bed", ["apps", "monorepo"], indirect=True)
def test_a_commit_on_the_branch_is_rolled_out(bed: Bed) -> None:
    source, hello = git(bed.checkout, "rev-parse", "HEAD"), bed.overlay()
    built = bed.build(since=bed.before)
    assert built.result == "SUCCESS", built.log
    assert built.stages == ALL
    # hello did not change.
    assert built.commands == [
        ("python", "ci/check"),
        ("python", 'ci/changed-apps "$SINCE"'),
        ("python", 'ci/test-app "$APP"'),
        ("buildkit", 'ci/build-image "$APP" --push'),
        ("trivy", 'ci/scan-image "$APP"'),
        ("python", 'ci/deploy-image "$APP"'),
        ("python", 'ci/wait-for-rollout "$APP"'),
        ("python", "ci/notify success"),
    ]
    image = bed.image()
    assert image.startswith(f"{bed.registry.host}/team/shop:{source}@sha256:")
    config = bed.registry.blobs[bed.registry.manifest(image)["config"]["digest"]]
    assert json.loads(config)["config"]["Labels"] == {"org.opencontainers.image.revision": source}
    assert bed.overlay() != hello
    assert git(bed.remote, "log", "-1", "--format=%(trailers:only)", "main").splitlines() == [
        f"Bumped-Image: {image}",
        f"Source-Commit: {source}",
        "Build-Url: https://jenkins.example.com/job/apps/7/",
    ]
    assert bed.argocd.heard == [("/api/v1/applications/shop-staging?refresh=normal", f"Bearer {ARGOCD_TOKEN}", "")]
    name = image.partition("@")[0]
    assert sent(bed) == [f"Build of {name} succeeded: https://jenkins.example.com/job/apps/7/"]
    no_secret_in(bed, built.log)


def test_the_options_of_the_pipeline(bed: Bed) -> None:
    events = bed.build(since="HEAD").events
    assert [event["label"] for event in events if event["step"] == "agent"] == ["buildkit"]
    assert {event["name"] for event in events if event["step"] == "option"} == {
        "disableConcurrentBuilds",
        "buildDiscarder",
        "timeout",
        "timestamps",
    }


def test_another_branch_is_tested_and_built_and_changes_nothing(bed: Bed) -> None:
    tip = git(bed.remote, "rev-parse", "main")
    git(bed.checkout, "update-ref", "refs/remotes/origin/main", bed.before)
    built = bed.build(branch="feature/prices")
    assert built.result == "SUCCESS", built.log
    assert built.stages == ["check", "changed", "test", "build"]
    assert built.commands[2:4] == [("python", 'ci/test-app "$APP"'), ("buildkit", 'ci/build-image "$APP"')]
    assert "sources/shop" in bed.arguments
    assert "sources/hello" not in bed.arguments
    assert not bed.registry.manifests
    assert git(bed.remote, "rev-parse", "main") == tip


def test_a_commit_of_the_pipeline_itself_builds_nothing(bed: Bed) -> None:
    built_commit = git(bed.checkout, "rev-parse", "HEAD")
    bed.build(since=bed.before)
    git(bed.checkout, "pull", "--quiet", str(bed.remote), "main")
    assert git(bed.checkout, "rev-parse", "HEAD^") == built_commit
    told, tip = len(sent(bed)), git(bed.remote, "rev-parse", "main")
    again = bed.build(since=built_commit)
    assert (again.result, again.stages) == ("SUCCESS", ["check", "changed"])
    assert len(sent(bed)) == told
    assert git(bed.remote, "rev-parse", "main") == tip


@pytest.mark.parametrize("part", ["infra", "argocd"])
def test_the_other_repositories_are_looked_at(jenkins: Jenkins, render: Render, tmp_path: Path, part: str) -> None:
    checkout = tmp_path / part
    shutil.copytree(render(ANSWERS, part), checkout)
    (checkout / "ci/check").write_text(CHECK)
    settings = {
        "workspace": str(checkout),
        "script": "Jenkinsfile",
        "environment": {"PATH": os.environ["PATH"], "BRANCH_NAME": "feature/x"},
        "containers": {"python": {}},
        "credentials": {},
    }
    looked = Ended(jenkins.build(settings))
    assert (looked.result, looked.commands) == ("SUCCESS", [("python", "ci/check")])
    (checkout / "faulty").touch()
    looked = Ended(jenkins.build(settings))
    assert (looked.result, "the check found something" in looked.log) == ("FAILURE", True)


def test_what_the_check_finds_stops_the_build(bed: Bed) -> None:
    (bed.checkout / "faulty").touch()
    built = bed.build(since=bed.before)
    assert (built.result, built.stages) == ("FAILURE", ["check"])
    assert not bed.registry.manifests


@pytest.mark.parametrize(
    ("files", "login", "last", "said"),
    [
        ({"test": "#!/bin/sh\nexit 3\n"}, "", "test", "the tests of shop failed with exit code 3"),
        ({"Dockerfile": "FROM scratch\nRUN false\n"}, "", "build and push", "BuildKit ended with exit code 1"),
        ({"NOTES": "later\n"}, "YnVpbGRlcjpvbGQ=", "build and push", "401 Unauthorized"),
        ({"vulnerable": "CVE-2026-1 in libfoo\n"}, "", "scan", "CVE-2026-1 in libfoo"),
    ],
    ids=["tests", "build", "login", "scan"],
)
def test_what_fails_is_not_rolled_out_and_people_are_told(
    bed: Bed, files: dict[str, str], login: str, last: str, said: str
) -> None:
    for name, text in files.items():
        bed.write(f"sources/shop/{name}", text, program=name == "test")
    tip = bed.commit("worse")
    built = bed.build(since=bed.before, login=login)
    assert (built.result, built.stages[-1]) == ("FAILURE", last)
    assert said in built.log
    assert git(bed.remote, "rev-parse", "main") == tip
    assert [line.split(" ")[3] for line in sent(bed)] == ["failed:"]
    no_secret_in(bed, built.log)


def test_a_push_by_somebody_else_meanwhile_is_no_failure(bed: Bed) -> None:
    """The first push finds that the branch has moved on: the other one comes while the server looks at it."""
    hook(
        bed.remote,
        "pre-receive",
        """test -e raced && exit
touch raced
unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
git update-ref refs/heads/main "$(git commit-tree -p main -m theirs main^{tree})"
""",
    )
    git(bed.remote, "config", "user.name", "Eve")
    git(bed.remote, "config", "user.email", "eve@example.org")
    built = bed.build(since=bed.before)
    assert built.result == "SUCCESS", built.log
    assert "somebody else pushed first" in built.log
    assert git(bed.remote, "log", "-2", "--format=%s", "main").splitlines()[1] == "theirs"
    assert bed.registry.manifest(bed.image())


def test_a_build_that_could_not_write_is_right_when_it_is_run_again(bed: Bed) -> None:
    bed.server.read_only = True
    built = bed.build(since=bed.before)
    assert (built.result, built.stages[-1]) == ("FAILURE", "deploy")
    no_secret_in(bed, built.log)
    bed.server.read_only = False
    assert bed.build(since=bed.before).result == "SUCCESS"
    assert bed.registry.manifest(bed.image())


def test_a_webhook_that_is_down_fails_no_build(bed: Bed) -> None:
    bed.webhook.status = 503
    built = bed.build(since=bed.before)
    assert built.result == "SUCCESS"
    assert [event["message"] for event in built.events if event["step"] == "caught"] == ["Nobody was told"]
    assert "the webhook took nothing: it answered 503" in built.log
    assert bed.registry.manifest(bed.image())
    no_secret_in(bed, built.log)


def test_a_rollout_that_does_not_come_fails_the_build(bed: Bed) -> None:
    bed.argocd.document = dict
    bed.variables = {"ROLLOUT_SECONDS": "0"}
    built = bed.build(since=bed.before)
    assert (built.result, built.stages[-1]) == ("FAILURE", "wait")
    assert "shop-staging was not healthy" in built.log
    # Git says it all the same.
    assert bed.registry.manifest(bed.image())
    no_secret_in(bed, built.log)
