"""The pipelines of GitHub, GitLab, Gitea and Forgejo: valid, pinned, with few rights, from one list; and they run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.ci.forges import ANSWERS, FORGES, LAYOUTS, ROOT, SCOPES, files, lines, read
from tests.ci.runner import commit, runner
from tests.conftest import require_tool
from tests.delivery.workspace import git

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.ci.runner import Runner
    from tests.template.conftest import Render

ACTIONS = ("github", "gitea")
PLACES = {"apps": "", "monorepo": "apps"}
STEPS = ["changed", "test", "build", "scan", "deploy", "wait", "notify"]


@pytest.fixture(scope="module")
def repository(render: Render) -> Callable[[str, str], Path]:
    return lambda forge, layout: render(ANSWERS | {"ci": forge}, layout)


def jobs(path: Path) -> list[dict[str, Any]]:
    document = read(path)
    return (
        list(document["jobs"].values())
        if "jobs" in document
        else [job for job in document.values() if isinstance(job, dict)]
    )


# -- what is rendered --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_forge_finds_its_files_where_it_looks(repository: Callable[[str, str], Path], layout: str) -> None:
    apps = layout in PLACES
    place = f"{PLACES[layout]}/".lstrip("/") if apps else ""
    workflows = ["apps.yml", "check.yml"] if apps else ["check.yml"]
    wanted = {forge: [f".{forge}/workflows/{name}" for name in workflows] for forge in ACTIONS}
    wanted["gitlab"] = [".gitlab-ci.yml", *([f"{place}ci/apps.gitlab-ci.yml"] if apps else [])]
    for forge in FORGES:
        root = repository(forge, layout)
        assert [path.relative_to(root).as_posix() for path in files(root)] == wanted[forge]
        assert sorted(root.rglob("ci/check")) == [root / "ci/check"]
        assert os.access(root / "ci/check", os.X_OK)


def test_without_a_forge_the_check_is_there_to_be_run_by_hand(render: Render) -> None:
    root = render(ANSWERS | {"ci": "none"}, "apps")
    assert files(root) == []
    assert os.access(root / "ci/check", os.X_OK)


@pytest.mark.parametrize(
    ("kind", "wanted"), [("gitea", [".gitea/workflows/apps.yml", ".gitea/workflows/check.yml"]), ("folder", [])]
)
def test_the_kind_of_the_git_server_chooses_the_pipeline(render: Render, kind: str, wanted: list[str]) -> None:
    """git.example.com tells nothing by its name."""
    root = render(ANSWERS | {"forge": {"kind": kind}}, "apps")
    assert [path.relative_to(root).as_posix() for path in files(root)] == wanted


@pytest.mark.tools
def test_actionlint_and_shellcheck_find_nothing(repository: Callable[[str, str], Path]) -> None:
    actionlint = require_tool("actionlint")
    workflows = [path for forge in ACTIONS for layout in LAYOUTS for path in files(repository(forge, layout))]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    assert shutil.which("shellcheck", path=path)
    done = subprocess.run(
        [actionlint, "-no-color", *workflows], env={"PATH": path}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


@pytest.mark.tools
def test_the_schemas_of_gitlab_and_renovate_find_nothing(repository: Callable[[str, str], Path]) -> None:
    program = require_tool("check-jsonschema")
    pipelines = [path for layout in LAYOUTS for path in files(repository("gitlab", layout))]
    settings = [repository("gitlab", layout) / "renovate.json" for layout in LAYOUTS]
    for schema, more, paths in (
        ("vendor.gitlab-ci", ["--data-transform", "gitlab-ci"], pipelines),
        ("vendor.renovate", [], settings),
    ):
        command: list[str | Path] = [program, "--builtin-schema", schema, *more, *paths]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_floats(repository: Callable[[str, str], Path]) -> None:
    for forge in FORGES:
        for path in (file for layout in LAYOUTS for file in files(repository(forge, layout))):
            text = path.read_text()
            for action in re.findall(r"uses: (.*)", text):
                assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action
            images = re.findall(r"(?:image|name): (docker\.io/.*)", text)
            assert all(re.fullmatch(r"[^:@]+:[^@]+@sha256:[0-9a-f]{64}", image) for image in images), images
            assert images or forge in ACTIONS
    pins = (repository("github", "apps") / "ci/images.env").read_text()
    assert len(re.findall(r"(?m)^\w+_IMAGE=docker\.io/[^:@]+:[^@]+@sha256:[0-9a-f]{64}$", pins)) == 2


@pytest.mark.parametrize("forge", ACTIONS)
def test_a_workflow_may_only_read_and_ends_in_time(repository: Callable[[str, str], Path], forge: str) -> None:
    for path in (file for layout in LAYOUTS for file in files(repository(forge, layout))):
        workflow = read(path)
        assert workflow["permissions"] == {"contents": "read"}
        assert workflow["concurrency"]["group"].endswith("${{ github.ref }}")
        assert workflow["concurrency"]["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"
        assert "pull_request_target" not in workflow["on"]
        for job in workflow["jobs"].values():
            assert 0 < job["timeout-minutes"] <= 120
            assert "permissions" not in job
            (checkout,) = [step for step in job["steps"] if "uses" in step]
            assert checkout["with"] == {"fetch-depth": 0, "persist-credentials": False}


def test_a_job_of_gitlab_ends_in_time_and_one_pipeline_of_the_apps_runs_at_once(
    repository: Callable[[str, str], Path],
) -> None:
    root = repository("gitlab", "apps")
    for path in files(root):
        document = read(path)
        for job in (job for job in document.values() if isinstance(job, dict) and "script" in job):
            assert "timeout" in {**document.get(job.get("extends", ""), {}), **job}
    trigger = read(root / ".gitlab-ci.yml")["apps"]
    assert trigger["resource_group"] == "apps"
    assert trigger["trigger"] == {"include": "ci/apps.gitlab-ci.yml", "strategy": "depend"}


@pytest.mark.parametrize("forge", FORGES)
@pytest.mark.parametrize("layout", PLACES)
def test_a_secret_is_in_the_step_that_needs_it_alone(
    repository: Callable[[str, str], Path], forge: str, layout: str
) -> None:
    wanted = {
        "build": "ci/build",
        "scan": "ci/scan",
        "deploy": "ci/deploy",
        "wait-for": "ci/wait",
        "notify": "ci/notify",
    }
    root = repository(forge, layout)
    for line in lines(root, forge, request=False):
        scopes = [scope for word, scope in wanted.items() if f"ci/{word}" in line.run.split("for-each")[-1]]
        secrets = {name for scope in scopes for name in SCOPES[scope]}
        assert {name for name, text in line.env.items() if "secrets." in text} == secrets, line.run
        assert not any(name in line.run for name in secrets)
    for line in lines(root, forge, request=True):
        assert not any("secrets." in text for text in line.env.values()), line.run
        assert "--push" not in line.run
    assert sum(path.read_text().count("secrets.") for path in files(root) if path.name != "apps.yml") == 0


def test_what_the_pipeline_writes_does_not_start_it(repository: Callable[[str, str], Path]) -> None:
    """bump-image writes below apps/ (in a monorepo apps/apps/): no filter of paths lets that through."""
    for layout, place in PLACES.items():
        written = f"{place}/apps/hello/overlays/staging/kustomization.yaml".lstrip("/")
        for forge in ACTIONS:
            on = read(repository(forge, layout) / f".{forge}/workflows/apps.yml")["on"]
            patterns = on["push"]["paths"]
            assert on["pull_request"]["paths"] == patterns
            assert any((repository(forge, layout) / pattern.split("*")[0]).exists() for pattern in patterns)
            assert not any(written.startswith(pattern.split("*")[0]) for pattern in patterns)
        changes = read(repository("gitlab", layout) / ".gitlab-ci.yml")["apps"]["rules"][0]["changes"]
        assert not any(written.startswith(pattern.split("*")[0]) for pattern in changes)


def test_a_step_that_is_added_to_the_list_is_in_every_pipeline(tmp_path: Path) -> None:
    import copier

    template = tmp_path / "template"
    template.mkdir()
    shutil.copy(ROOT / "copier.yml", template)
    for folder in ("lib", "templates"):
        shutil.copytree(ROOT / folder, template / folder)
    table = template / "lib/ci.jinja"
    row = (
        "  {\n    'name': 'sign', 'what': 'Sign the image', 'command': 'ci/sign-image APP', 'tool': 'python',\n"
        "    'settings': [], 'secrets': ['ARGOCD_TOKEN'], 'where': 'main', 'each': true,\n  },\n"
    )
    head = "  {\n    'name': 'deploy'"
    assert head in table.read_text()
    table.write_text(table.read_text().replace(head, row + head))
    for forge in ("github", "gitlab"):
        copier.run_copy(
            str(template), tmp_path / forge, data=ANSWERS | {"ci": forge, "layout": "apps"}, defaults=True, quiet=True
        )
        runs = [line.run for line in lines(tmp_path / forge, forge, request=False)]
        place = runs.index("ci/for-each ci/sign-image APP")
        assert "scan-image" in runs[place - 1]
        assert "deploy-image" in runs[place + 1]
        assert not [line for line in lines(tmp_path / forge, forge, request=True) if "sign" in line.run]
    jobs = read(tmp_path / "gitlab/ci/apps.gitlab-ci.yml")
    assert jobs["sign"]["needs"] == ["scan"]
    assert jobs["deploy"]["needs"] == ["sign"]


def test_a_step_that_is_not_wanted_is_in_no_pipeline(render: Render) -> None:
    few = ANSWERS | {"pipeline": {"scan": "none"}}
    for forge in FORGES:
        runs = " ".join(line.run for line in lines(render(few | {"ci": forge}, "apps"), forge, request=False))
        assert "deploy-image" in runs
        assert not re.search("scan-image|wait-for-rollout|notify|trivy", runs)


# -- what runs ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[("github", "apps"), ("gitlab", "monorepo")], ids="-".join)
def delivered(
    request: pytest.FixtureRequest, repository: Callable[[str, str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Runner]:
    """A push of two apps, of which the tests of one fail, after the pipeline has ended."""
    forge, layout = request.param
    with runner(tmp_path_factory.mktemp(forge), repository(forge, layout), PLACES[layout], forge) as started:
        sources = started.root / started.place / "sources"
        # The tests of the sample itself are run elsewhere.
        (sources / "hello/test").write_text("#!/bin/sh\necho 'hello is tested'\n")
        shutil.copytree(sources / "hello", sources / "broken")
        (sources / "broken/test").write_text("#!/bin/sh\nexit 1\n")
        started.built = commit(started, "two apps")
        git(started.root, "push", "--quiet", str(started.remote), "HEAD:main")
        started.status = started.do(lines(started.root, forge, request=False))
        yield started


def written(here: Runner) -> str:
    place = f"{here.place}/apps/hello/overlays/staging/kustomization.yaml".lstrip("/")
    return git(here.remote, "show", f"main:{place}").replace('"', "")


def test_a_push_is_tested_built_scanned_written_waited_for_and_told(delivered: Runner) -> None:
    assert "hello is tested" in delivered.said
    image = delivered.image()
    assert image.startswith(f"{delivered.registry.host}/team/hello:{delivered.built}@sha256:")
    assert delivered.registry.manifest(image)["layers"]
    (scan,) = [call for call in delivered.calls if "/trivy" in call and "docker" not in call]
    assert image in scan
    assert f"newTag: {delivered.built}" in written(delivered)
    assert f"digest: {image.partition('@')[2]}" in written(delivered)
    assert f"Source-Commit: {delivered.built}" in git(delivered.remote, "log", "-1", "--format=%B", "main")
    assert f"hello-staging runs {image}, and is healthy" in delivered.said
    ((path, _, told),) = delivered.webhook.heard
    assert path == "/secret-webhook"
    assert f"hello:{delivered.built} failed" in told
    assert git(delivered.root, "status", "--porcelain") == ""
    if delivered.forge in ACTIONS:
        assert delivered.calls[-1] == "docker rm --force --volumes container-of-run"


def test_an_app_that_fails_stops_no_other_one(delivered: Runner) -> None:
    assert delivered.status == "failure"
    assert [run for run, well in delivered.ran if not well] == ["ci/for-each ci/test-app APP"]
    assert "the tests of broken failed" in delivered.said
    assert not any("broken" in call for call in delivered.calls)


def test_no_secret_is_said_given_as_an_argument_or_left(delivered: Runner) -> None:
    left = [path.read_bytes() for path in delivered.folder.rglob("*") if path.is_file()]
    for name, secret in {**delivered.secrets, "login": delivered.registry.login}.items():
        if name != "FMC_GIT_USER":
            assert secret not in delivered.said + "".join(delivered.calls)
            assert not any(secret.encode() in content for content in left)


def test_what_is_in_git_already_is_not_built_again_and_what_is_not_is_tried_again(delivered: Runner) -> None:
    """A run that was lost, cancelled or red is made up for by the next one, whatever its own push changed."""
    git(delivered.root, "pull", "--quiet", str(delivered.remote), "main")
    (changed,) = [line for line in lines(delivered.root, delivered.forge, request=False) if "changed-apps" in line.run]
    assert delivered.do([changed]) == "success", delivered.said
    out = delivered.root / delivered.place / "out"
    assert (out / "apps").read_text() == "broken\n"


def test_a_request_is_tested_and_built_and_nothing_goes_out(delivered: Runner) -> None:
    base = git(delivered.root, "rev-parse", "HEAD")
    file = delivered.root / delivered.place / "sources/hello/hello.py"
    file.write_text(file.read_text() + "\n# A change.\n")
    commit(delivered, "change")
    before, told, known = git(delivered.remote, "rev-parse", "main"), len(delivered.webhook.heard), len(delivered.calls)
    images = len(delivered.registry.manifests)
    shutil.rmtree(delivered.root / delivered.place / "out")
    try:
        assert delivered.do(lines(delivered.root, delivered.forge, request=True), base) == "success", delivered.said
    finally:
        git(delivered.root, "reset", "--quiet", "--hard", base)
    (build,) = [call for call in delivered.calls[known:] if "--frontend" in call]
    assert "context=sources/hello" in build
    assert len(delivered.registry.manifests) == images
    assert git(delivered.remote, "rev-parse", "main") == before
    assert len(delivered.webhook.heard) == told


def test_the_folder_with_the_login_is_for_its_user_alone(repository: Callable[[str, str], Path]) -> None:
    login = '{"auths": {}}'
    look = 'stat -c "%a %n" "$DOCKER_CONFIG" "$DOCKER_CONFIG/config.json"; env'
    done = subprocess.run(
        ["ci/with-login", "sh", "-c", look],
        cwd=repository("github", "apps"),
        env={"PATH": os.environ["PATH"], "REGISTRY_LOGIN": login},
        capture_output=True,
        text=True,
        check=True,
    )
    (folder, file), environment = (line.split() for line in done.stdout.splitlines()[:2]), done.stdout
    assert (folder[0], file[0]) == ("700", "600")
    assert login not in environment
    assert not Path(folder[1]).exists()
