"""The programs in ci/, as a person runs them: the settings that count, and what each of them refuses."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import ssl
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.ci.conftest import ANSWERS, Checkout
from tests.ci.jenkins_bed import ARGOCD_TOKEN, WEBHOOK_KEY, Listener
from tests.delivery.workspace import git, make_remote
from tests.e2e.bed.authority import Authority
from tests.template.argocd_tree import HA
from tests.template.conftest import ROOT, Render

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = ROOT / "templates/apps/ci"
STEPS = ("changed-apps", "test-app", "build-image", "scan-image", "deploy-image", "wait-for-rollout", "notify")

HELPERS = ("bump-image", "bring-tools", "check", "for-each", "with-login")
"""Programs beside them: what deploy-image runs, what runners of forges need, and the check of the repository."""


# -- all of them -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", STEPS)
def test_each_says_what_it_does_and_how_it_is_called(checkout: Checkout, step: str) -> None:
    done = checkout.run(f"ci/{step}", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"ci/{step}" in done.stdout
    assert "set -eu" not in done.stdout


def test_the_list_of_steps_names_these_programs(render: Render) -> None:
    root = render(ANSWERS, "apps")
    readme = (root / "README.md").read_text()
    assert tuple(re.findall(r"^\| \w+ \| `ci/([\w-]+) ", readme, re.MULTILINE)) == STEPS
    programs = {file.name for file in (root / "ci").iterdir() if file.is_file() and os.access(file, os.X_OK)}
    assert programs == {*STEPS, *HELPERS}


def test_answers_leave_steps_out(render: Render) -> None:
    root = render(HA | {"pipeline": {"scan": "none"}}, "apps")
    named = re.findall(r"ci/([\w-]+)", (root / "Jenkinsfile").read_text())
    assert not {"scan-image", "wait-for-rollout", "notify"} & set(named)


@pytest.mark.parametrize("step", ["wait-for-rollout", "notify"])
def test_what_is_python_runs_on_agents_of_today(step: str) -> None:
    for file in (SOURCES / step, SOURCES / "step.py", SOURCES / "writeback/server.py"):
        ast.parse(file.read_text(), feature_version=(3, 9))


def test_every_setting_is_read_and_every_one_that_is_read_is_set(render: Render) -> None:
    text = (render(ANSWERS, "apps") / "ci/settings.env").read_text()
    names = re.findall(r"^([A-Z_]+)=", text, re.MULTILINE)
    sources = "".join((SOURCES / step).read_text() for step in STEPS)
    for name in names:
        assert f"${name}" in sources or f'"{name}"' in sources or f"['{name}']" in sources, name


def test_the_commands_of_the_readme_do_what_it_says(checkout: Checkout, tmp_path: Path) -> None:
    remote = make_remote(tmp_path / "remote.git")
    settings = checkout.folder / "ci/delivery.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"remote": f"file://{remote}"}))
    checkout.commit("sources/hello/test", "#!/bin/sh\necho tested\n")
    git(checkout.folder, "push", "--quiet", str(remote), "main")
    readme = (checkout.folder / "README.md").read_text()
    (block,) = re.findall(r"```sh\n(ci/.*?)```", readme, re.DOTALL)
    done = subprocess.run(
        ["sh", "-exc", block],
        cwd=checkout.folder,
        env=checkout.variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    app, tests, image, written = done.stdout.splitlines()
    assert (app, tests) == ("hello", "tested")
    assert checkout.registry.manifest(image)
    assert written.startswith(f"hello in staging: main now says {image}, commit ")
    assert git(checkout.folder, "status", "--porcelain") == ""


# -- which apps --------------------------------------------------------------------------------------------------------


def test_apps_changed_where_their_sources_did(checkout: Checkout) -> None:
    before = checkout.commit("sources/shop/Dockerfile", "FROM scratch\n")
    assert checkout.run("ci/changed-apps", before).stdout == ""
    checkout.commit("sources/shop/shop.c", "int main;\n")
    assert checkout.run("ci/changed-apps", before).stdout == "shop\n"
    # What is no app: a folder that is deployed, and one without a Dockerfile.
    since = checkout.commit("apps/hello/overlays/staging/extra.yaml", "{}\n")
    checkout.commit("sources/notes/notes.txt", "none\n")
    assert checkout.run("ci/changed-apps", since).stdout == ""


@pytest.mark.parametrize(
    "since", [(), ("",), ("0" * 40,), ("origin/nowhere",)], ids=["none", "empty", "zeros", "unknown"]
)
def test_all_apps_are_built_where_nobody_knows_what_changed(checkout: Checkout, since: tuple[str, ...]) -> None:
    assert checkout.run("ci/changed-apps", *since).stdout == "hello\n"


def test_a_change_of_what_builds_changes_all(checkout: Checkout) -> None:
    before = git(checkout.folder, "rev-parse", "HEAD")
    checkout.commit("ci/settings.env", "REGISTRY=elsewhere\n")
    assert checkout.run("ci/changed-apps", before).stdout == "hello\n"


# -- test, build, scan, deploy -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("app", ["", "../hello", "nowhere", "-x", "Hello"])
def test_an_app_is_a_folder_of_sources(checkout: Checkout, app: str) -> None:
    done = checkout.run("ci/test-app", app)
    assert done.returncode == 2
    assert "app" in done.stderr or "sources" in done.stderr


def test_an_app_without_tests_is_not_taken_for_tested(checkout: Checkout) -> None:
    checkout.commit("sources/shop/Dockerfile", "FROM scratch\n")
    done = checkout.run("ci/test-app", "shop")
    assert (done.returncode, "sources/shop/test is no program" in done.stderr) == (2, True)


def test_an_image_is_called_after_the_commit_that_changed_it(checkout: Checkout) -> None:
    commit = git(checkout.folder, "rev-parse", "HEAD")
    checkout.commit("apps/hello/overlays/staging/extra.yaml", "{}\n")
    done = checkout.run("ci/build-image", "hello", "--push")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{checkout.registry.host}/team/hello:{commit}@sha256:")
    assert checkout.registry.manifest(done.stdout.strip())


def test_what_is_told_of_an_image_is_a_matter_of_settings(checkout: Checkout) -> None:
    checkout.run("ci/build-image", "hello", "--push")
    checkout.run("ci/build-image", "hello", "--push", BUILD_SBOM="", BUILD_PROVENANCE="", BUILD_CACHE="no")
    checkout.run("ci/build-image", "hello")
    full, bare, unpushed = (" ".join(call) for call in checkout.arguments())
    assert re.search(r"--opt attest:sbom=generator=docker\.io/docker/buildkit-syft-scanner:\S+@sha256:\w{64}", full)
    assert "--opt attest:provenance=mode=max" in full
    cache = f"type=registry,ref={checkout.registry.host}/team/hello:cache"
    assert f"--import-cache {cache} --export-cache {cache},mode=max,ignore-error=true" in full
    assert not re.search(r"attest|cache", bare)
    assert not re.search(r"attest|export|--output", unpushed)


def test_a_builder_that_runs_already_is_used(checkout: Checkout, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "buildctl").write_text("#!/bin/sh\necho used >&2\nexit 1\n")
    (programs / "buildctl").chmod(0o755)
    path = f"{programs}:{checkout.variables['PATH']}"
    done = checkout.run("ci/build-image", "hello", PATH=path, BUILDKIT_HOST="tcp://127.0.0.1:1")
    assert (done.returncode, "used" in done.stderr) == (4, True)


def test_a_shallow_checkout_builds_nothing(checkout: Checkout, tmp_path: Path) -> None:
    checkout.commit("apps/hello/overlays/staging/extra.yaml", "{}\n")
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{checkout.folder}", str(shallow))
    done = Checkout(shallow, checkout.registry, checkout.variables).run("ci/build-image", "hello", "--push")
    assert (done.returncode, "the checkout is shallow" in done.stderr) == (2, True)
    assert not checkout.registry.manifests


def test_a_failed_build_leaves_no_older_image_to_deploy(checkout: Checkout) -> None:
    checkout.run("ci/build-image", "hello", "--push")
    checkout.commit("sources/hello/Dockerfile", "FROM scratch\nRUN false\n")
    assert checkout.run("ci/build-image", "hello", "--push").returncode == 4
    for step in ("ci/scan-image", "ci/deploy-image"):
        done = checkout.run(step, "hello")
        assert (done.returncode, "Run `ci/build-image hello --push` first." in done.stderr) == (2, True)


def test_a_scan_looks_at_what_was_pushed_and_takes_what_was_accepted(checkout: Checkout) -> None:
    checkout.commit("sources/hello/.trivyignore", "CVE-2026-1\n")
    image = checkout.run("ci/build-image", "hello", "--push").stdout.strip()
    assert checkout.run("ci/scan-image", "hello", SCAN_SEVERITY="CRITICAL").returncode == 0
    call = " ".join(checkout.arguments()[-1])
    assert "--severity CRITICAL" in call
    assert call.endswith(f"--ignorefile sources/hello/.trivyignore {image}")
    assert f"{image} is not looked at" in checkout.run("ci/scan-image", "hello", SCAN_SEVERITY="").stdout


def test_an_image_may_be_proposed_instead(checkout: Checkout, tmp_path: Path) -> None:
    remote = make_remote(tmp_path / "remote.git")
    git(checkout.folder, "push", "--quiet", str(remote), "main")
    settings = checkout.folder / "ci/delivery.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"remote": f"file://{remote}"}))
    checkout.run("ci/build-image", "hello", "--push")
    done = checkout.run("ci/deploy-image", "hello", DEPLOY_BY="pull-request")
    assert done.returncode == 0, done.stderr
    assert git(remote, "for-each-ref", "--format=%(refname:short)").splitlines() == ["deploy/hello/staging", "main"]
    assert checkout.run("ci/deploy-image", "hello", DEPLOY_BY="merge").returncode == 2


# -- wait, notify ------------------------------------------------------------------------------------------------------


def test_without_a_token_nobody_waits_and_without_a_webhook_nobody_is_told(checkout: Checkout) -> None:
    assert "nobody waits" in checkout.run("ci/wait-for-rollout", "hello").stdout
    assert "nobody is told" in checkout.run("ci/notify", "success").stdout
    assert (
        "people to merge"
        in checkout.run("ci/wait-for-rollout", "hello", ARGOCD_TOKEN="x", DEPLOY_BY="pull-request").stdout
    )


@pytest.mark.parametrize(
    ("status", "found", "code", "said"),
    [
        (200, {"sync": "Synced", "health": "Healthy", "images": ["i:1@sha256:2"]}, 0, "and is healthy"),
        (200, {"sync": "Synced", "health": "Healthy", "images": ["i:0@sha256:1"]}, 1, "no pod runs it yet"),
        (200, {"sync": "Synced", "health": "Degraded", "images": ["i:1@sha256:2"]}, 1, "it is Synced and Degraded"),
        (403, {}, 4, "answered 403 for the Application hello-staging"),
        (404, {}, 4, "answered 404 for the Application hello-staging"),
        (500, {}, 1, "it answered 500"),
    ],
    ids=["healthy", "older", "degraded", "forbidden", "absent", "broken"],
)
def test_a_rollout_is_over_when_argo_cd_says_so(
    checkout: Checkout, status: int, found: dict[str, Any], code: int, said: str
) -> None:
    parts = {part: {"status": found.get(part)} for part in ("sync", "health")}
    with Listener(status, lambda: {"status": {**parts, "summary": {"images": found.get("images", [])}}}) as argocd:
        checkout.pushed("hello", "i:1@sha256:2")
        variables = {"ARGOCD_URL": argocd.url, "ARGOCD_TOKEN": ARGOCD_TOKEN, "ROLLOUT_SECONDS": "0"}
        done = checkout.run("ci/wait-for-rollout", "hello", **variables)
    assert (done.returncode, said in done.stdout + done.stderr) == (code, True), done.stderr
    assert ARGOCD_TOKEN not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("file", "code", "said"),
    [
        ("", 1, "CERTIFICATE_VERIFY_FAILED"),
        ("ci/argocd-ca.crt", 0, "and is healthy"),
        ("ci/nowhere.crt", 2, "ARGOCD_CA is ci/nowhere.crt, and no certificate can be read there: No such file"),
        ("ci/settings.env", 2, "ARGOCD_CA is ci/settings.env, and no certificate can be read there"),
    ],
    ids=["unknown", "named", "absent", "none"],
)
def test_an_authority_of_ones_own_is_trusted_where_it_is_named(
    checkout: Checkout, tmp_path: Path, file: str, code: int, said: str
) -> None:
    authority = Authority(tmp_path / "pki", "ca")
    shutil.copy(authority.certificate_file, checkout.folder / "ci/argocd-ca.crt")
    health = {"sync": {"status": "Synced"}, "health": {"status": "Healthy"}}
    argocd = Listener(document=lambda: {"status": {**health, "summary": {"images": ["i:1@sha256:2"]}}})
    argocd.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    argocd.tls.load_cert_chain(*authority.server("argocd", ["127.0.0.1"]))
    with argocd:
        checkout.pushed("hello", "i:1@sha256:2")
        variables = {"ARGOCD_URL": argocd.url, "ARGOCD_TOKEN": ARGOCD_TOKEN, "ROLLOUT_SECONDS": "0"}
        done = checkout.run("ci/wait-for-rollout", "hello", ARGOCD_CA=file, **variables)
    assert (done.returncode, said in done.stdout + done.stderr) == (code, True), done.stderr
    assert len(argocd.heard) == (1 if code == 0 else 0)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/{key}", "ftp://{key}/x", "http://[{key}/", "http://127.0.0.1:x/{key}"]
)
def test_the_address_of_a_webhook_is_told_to_nobody(checkout: Checkout, address: str) -> None:
    done = checkout.run("ci/notify", "failure", NOTIFY_URL=address.format(key=WEBHOOK_KEY))
    assert done.returncode in (2, 4)
    assert WEBHOOK_KEY not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
