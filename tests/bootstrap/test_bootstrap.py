"""The bootstrap of the rendered infra repository, run by the real Ansible against a cluster of files."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import socket
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from generator.secrets.vault.keys import generate_sealing_key
from tests.bootstrap.conftest import TOKEN, Operator, Played, Pythons
from tests.conftest import require_tool
from tests.pipeline.world import World

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.tools

KEY = "Secret/kube-system/sealed-secrets-key-1"
TABLE = re.compile(
    r"(?m)^ *(?P<name>\S+) +(?P<sync>Synced|Unknown|-) +(?P<health>\w+|-) +(?P<operation>\w+|-)(?: +(?P<message>.+))?$"
)


def order(operator: Operator, *calls: str) -> list[int]:
    """Return where calls stand in the log, each by its beginning."""
    made = operator.calls()
    return [next(index for index, call in enumerate(made) if call.startswith(wanted)) for wanted in calls]


# -- What it does ------------------------------------------------------------------------------------------------------


def test_an_empty_cluster_is_handed_over_in_order(handed_over: tuple[Operator, Played]) -> None:
    operator, first = handed_over
    wanted = order(
        operator,
        "apply Namespace argocd as argocd-controller",
        "apply Secret sealed-secrets-key-1",
        "apply Deployment sealed-secrets-controller as argocd-controller",
        "wait sealed-secrets-controller",
        "apply StatefulSet argocd-application-controller as argocd-controller",
        "wait argocd-redis-secret-init",
        "wait argocd-server",
        "apply SealedSecret git-credentials as argocd-controller",
        "delete Secret argocd-initial-admin-secret",
        "apply AppProject platform as argocd-controller",
        "apply Application root as gitops-bootstrap",
    )
    assert wanted == sorted(wanted)
    objects, revision = operator.objects(), operator.world.tips()["argocd"]
    certificate = (operator.argocd / "secrets/sealing-cert.pem").read_bytes()
    assert base64.b64decode(objects[KEY]["data"]["tls.crt"]) == certificate
    assert "Secret/argocd/argocd-initial-admin-secret" not in objects
    # Not what a deletion of the chart would run.
    assert "Job/argocd/argocd-cleanup" not in objects
    assert f"is synced and healthy, at {revision[:12]} of https://git.example.com/home/argocd.git." in first.message
    names = {row["name"] for row in TABLE.finditer(first.output)}
    assert names == {"root", "argocd", "sealed-secrets", "secrets", "traefik", "limits"}


def test_no_secret_is_shown_and_the_key_is_no_argument(handed_over: tuple[Operator, Played]) -> None:
    """`play` has looked for secrets in all output; -vvv shows what each task was given and got."""
    operator, first = handed_over
    assert "module_args:" in first.output
    assert len(operator.world.needles()) > 10


def test_the_second_run_changes_nothing(handed_over: tuple[Operator, Played]) -> None:
    operator, _ = handed_over
    objects, calls = operator.objects(), operator.calls()
    second = operator.play()
    assert second.code == 0, second.output
    assert second.changed == 0
    assert operator.objects() == objects
    assert operator.calls() == calls


def test_a_status_written_while_kubectl_looks_is_no_difference(handed_over: tuple[Operator, Played]) -> None:
    operator, _ = handed_over
    (operator.cluster / "written-meanwhile").write_text("Application root")
    done = operator.play()
    assert not (operator.cluster / "written-meanwhile").exists()
    assert (done.code, done.changed) == (0, 0), done.output


@pytest.fixture(scope="module")
def looked(delivered: World, pythons: Pythons, tmp_path_factory: pytest.TempPathFactory) -> tuple[Operator, Played]:
    """A person with an empty cluster, at which the playbook has looked with --check, and what it said."""
    made = Operator(delivered.copy(tmp_path_factory.mktemp("looked") / "world"), pythons)
    made.make_cluster()
    return made, made.play("--check")


def test_check_mode_looks_and_changes_nothing(looked: tuple[Operator, Played]) -> None:
    operator, done = looked
    assert (done.code, done.changed) == (0, 0), done.output
    assert operator.objects() == {}


def test_charts_and_values_are_those_that_argo_cd_will_use(looked: tuple[Operator, Played]) -> None:
    operator, done = looked
    require_charts_and_values(operator, operator.argocd, done)


def test_a_monorepo_is_bootstrapped_from_its_folder(pythons: Pythons, tmp_path: Path) -> None:
    world = World(tmp_path / "world").make("home")
    made = world.new("--push", "--set", "layout=monorepo", env={"FMC_GIT_READ_TOKEN": TOKEN})
    assert made.code == 0, made.err
    operator = Operator(world, pythons, repository=world.workspace / "home")
    operator.make_cluster()
    require_charts_and_values(operator, world.workspace / "home/argocd", operator.play("--check"))


def require_charts_and_values(operator: Operator, part: Path, done: Played) -> None:
    """Also the values of the user."""
    assert done.code == 0, done.output
    charts = yaml.safe_load((part / "versions.yaml").read_text())["charts"]
    assert operator.calls() == [
        f"helm template {name} {charts[name]['version']} {charts[name]['repository']} for v1.36.4+k3s1 with "
        f"{part}/platform/{component}/values.yaml {part}/platform/{component}/values.user.yaml"
        for component, name in (("sealed-secrets", "sealed-secrets"), ("argocd", "argo-cd"))
    ]


# -- Taken up again ----------------------------------------------------------------------------------------------------


def test_a_run_that_was_killed_is_completed_by_the_same_command(
    operator: Operator, handed_over: tuple[Operator, Played]
) -> None:
    for cut in ("Secret sealed-secrets-key-1", "Deployment argocd-server", "Application root"):
        operator.change_world(power_cut=cut)
        killed = operator.play()
        assert killed.code == -9, killed.output
    done = operator.play()
    assert done.code == 0, done.output
    assert operator.objects() == handed_over[0].objects()


def test_a_job_of_other_values_is_replaced(operator: Operator) -> None:
    job = "Job/argocd/argocd-redis-secret-init"
    operator.change_world(power_cut="AppProject platform")
    assert operator.play().code == -9
    before = operator.objects()[job]
    operator.push("argocd", {"platform/argocd/values.user.yaml": "server: {replicas: 2}\n"})
    done = operator.play()
    assert done.code == 0, done.output
    assert "delete Job argocd-redis-secret-init" in operator.calls()
    assert operator.objects()[job]["spec"] != before["spec"]


@pytest.mark.parametrize("verb", ["get", "wait"])
def test_a_finished_job_may_be_gone_at_any_moment(operator: Operator, verb: str) -> None:
    """The cluster deletes it some time after its end, by ttlSecondsAfterFinished."""
    operator.change_world(jobs_end_before=verb)
    done = operator.play()
    assert done.code == 0, done.output


# -- Said when it happens, and taken up again --------------------------------------------------------------------------


def test_what_does_not_start_is_named_and_so_is_a_secret_that_stays_closed(operator: Operator) -> None:
    operator.change_world(not_ready=["argocd-server"])
    done = operator.play()
    assert done.code == 2
    assert "argocd is not running in the namespace argocd" in done.message
    assert "kubectl --namespace argocd describe pods" in done.message

    operator.change_world(not_ready=[], closed=["git-credentials"])
    done = operator.play(gitops_bootstrap_secrets_timeout=600)
    assert done.code == 2
    assert "argocd/git-credentials (refused): no key could decrypt secret (token)" in done.message
    assert "docs/runbooks/sealing-key.md" in done.message
    assert "Application/argocd/root" not in operator.objects()

    operator.change_world(closed=[])
    done = operator.play()
    assert done.code == 0, done.output


def test_a_git_server_that_refuses_ends_it_early_and_a_new_credential_helps(operator: Operator) -> None:
    message = "rpc error: code = Unknown desc = failed to list refs: authentication required"
    operator.have_git_refuse(message)
    done = operator.play(gitops_bootstrap_rollout_timeout=600)
    assert done.code == 2
    assert "The Git server refuses Argo CD" in done.message
    remedy = "`fmc secret set argocd/git-credentials token`, `fmc seal`, `fmc push`, then this playbook again"
    assert remedy in done.message
    rows = {(row["name"], row["sync"], row["message"]) for row in TABLE.finditer(done.output)}
    assert rows == {("root", "Unknown", f"ComparisonError: {message}")}

    world = operator.world
    for arguments, stdin in (
        (("secret", "set", "argocd/git-credentials", "token"), "glpat-newer"),
        (("seal",), ""),
        (("push",), ""),
    ):
        fmc = world.fmc(*arguments, cwd=world.workspace, stdin=stdin)
        assert fmc.code == 0, fmc.err
    operator.change_world(revision=world.tips()["argocd"])
    done = operator.play()
    assert done.code == 0, done.output
    assert operator.calls().count("apply SealedSecret git-credentials as argocd-controller") == 2
    # Argo CD itself does not notice that a credential is new.
    assert "annotate applications.argoproj.io argocd.argoproj.io/refresh=normal" in operator.calls()


def test_a_rollout_that_does_not_end_is_shown_as_a_table(operator: Operator) -> None:
    operator.have_git_refuse("dial tcp 127.0.0.1:443: connect: connection refused")
    done = operator.play()
    assert done.code == 2
    assert "After 4 seconds Argo CD still waits for root" in done.message
    assert "connection refused" in done.message

    pulling = {"sync": {"status": "Synced"}, "health": {"status": "Degraded", "message": "Back-off pulling image"}}
    operator.change_world(git_refuses="", stuck={"traefik": pulling})
    done = operator.play()
    assert done.code == 2
    assert "After 4 seconds Argo CD still waits for traefik." in done.message
    rows = {row["name"]: (row["health"], row["message"]) for row in TABLE.finditer(done.output)}
    assert rows["traefik"] == ("Degraded", "Back-off pulling image")
    assert rows["root"] == ("Progressing", "waiting for healthy state")
    assert rows["argocd"] == ("Healthy", None)


def test_a_sync_that_was_ended_is_started_again(handed_over: tuple[Operator, Played], tmp_path: Path) -> None:
    """Argo CD ends one of root after half an hour, and does not try the same commit again."""
    operator = replace(handed_over[0], world=handed_over[0].world.copy(tmp_path / "world"))
    operator.change_world(ended="Operation terminated, triggered by controller sync timeout")
    done = operator.play()
    assert (done.code, done.changed) == (0, 1), done.output
    assert operator.calls()[-1] == "sync root"


# -- Stopped before harm -----------------------------------------------------------------------------------------------


def stopped(operator: Operator, *named: str, **variables: Any) -> str:
    """Run the playbook, which must not touch the cluster, and return what it said."""
    before, calls = operator.objects(), [call for call in operator.calls() if not call.startswith("helm")]
    done = operator.play(**variables)
    assert done.code == 2, done.output
    assert "Nothing was changed. What is in the way:" in done.output
    for text in named:
        assert text in done.message
    assert operator.objects() == before
    assert [call for call in operator.calls() if not call.startswith("helm")] == calls
    return done.message


def fingerprint(pem: str) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def put(operator: Operator, item: dict[str, Any]) -> None:
    """Put an object into the cluster."""
    meta = item["metadata"]
    path = operator.cluster / "objects" / item["kind"] / meta["namespace"] / f"{meta['name']}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"live": item, "applied": {}}))


def test_another_key_in_the_cluster_is_not_replaced(operator: Operator) -> None:
    foreign = generate_sealing_key(2048).certificate
    put(
        operator,
        {
            "kind": "Secret",
            "metadata": {"namespace": "kube-system", "name": "sealed-secrets-key-1"},
            "type": "kubernetes.io/tls",
            "data": {"tls.crt": base64.b64encode(foreign.encode()).decode()},
        },
    )
    own = (operator.argocd / "secrets/sealing-cert.pem").read_text()
    stopped(operator, fingerprint(foreign), fingerprint(own), "docs/runbooks/sealing-key.md")


def test_another_certificate_in_git_is_found(operator: Operator) -> None:
    foreign = generate_sealing_key(2048).certificate
    operator.push("argocd", {"secrets/sealing-cert.pem": foreign})
    stopped(
        operator, "The sealing key can't be brought out of the vault.", "is none of the vault's", "git log secrets/"
    )


def test_another_argo_cd_is_left_alone(operator: Operator) -> None:
    """An older one, one that was installed from a single file, and one elsewhere."""
    version = yaml.safe_load((operator.argocd / "versions.yaml").read_text())["charts"]["argo-cd"]["version"]
    for kind, namespace, name, chart in (
        ("Deployment", "argocd", "argocd-server", "argo-cd-9.4.1"),
        ("StatefulSet", "argocd", "argocd-application-controller", ""),
        ("Deployment", "gitops", "argocd-server", f"argo-cd-{version}"),
    ):
        labels = {"app.kubernetes.io/name": name} | ({"helm.sh/chart": chart} if chart else {})
        put(
            operator,
            {
                "kind": kind,
                "metadata": {"namespace": namespace, "name": name, "labels": labels},
                "spec": {"template": {"spec": {"containers": [{"image": "argocd:v3.2.1"}]}}},
                "status": {"ready": False},
            },
        )
    operator.change_world(not_ready=["argocd-server", "argocd-application-controller"])
    stopped(
        operator,
        "Another Argo CD is there: Deployment argocd/argocd-server (argo-cd-9.4.1, argocd:v3.2.1)",
        "StatefulSet argocd/argocd-application-controller (from no chart, argocd:v3.2.1)",
        f"Deployment gitops/argocd-server (argo-cd-{version}, argocd:v3.2.1)",
        "Remove it as it was installed",
    )


def test_everything_that_is_in_the_way_is_said_at_once(operator: Operator) -> None:
    """A value that nobody supplied, a commit that is not pushed, a chart that can't be had, a user without rights."""
    operator.world.commit("argocd", {"notes.md": "Mine.\n"})
    (operator.argocd / "secrets/argocd/git-credentials.sealed.yaml").rename(operator.world.folder / "away")
    operator.world.git("commit", "--quiet", "--all", "--message", "Away", cwd=operator.argocd)
    operator.change_world(may_nothing=True, charts_away=True)
    tip = operator.world.tips()["argocd"]
    stopped(
        operator,
        "argocd/git-credentials is not sealed",
        "`fmc secret set argocd/git-credentials token`, `fmc seal`, `fmc push`",
        f"at {tip[:12]}: Argo CD would deploy the latter. Run `fmc push`",
        "may not do everything at https://127.0.0.1:6443",
        "The chart argo-cd 10.9.0 of https://argoproj.github.io/argo-helm can't be rendered",
    )


def test_changes_that_are_not_committed_are_said(operator: Operator) -> None:
    (operator.argocd / "platform/argocd/values.user.yaml").write_text("server: {replicas: 2}\n")
    stopped(operator, "has changes that are not committed", "platform/argocd/values.user.yaml", "`fmc push`")


def test_where_the_git_server_does_not_answer_the_last_push_counts(operator: Operator) -> None:
    shutil.move(operator.world.remote("argocd"), operator.world.folder / "away.git")
    assert operator.play("--check").code == 0
    operator.world.git("update-ref", "-d", "refs/remotes/origin/main", cwd=operator.argocd)
    stopped(operator, "It can't be known whether the commit is pushed: refs/heads/main of https://git.example.com/home")


def test_programs_and_folders_that_are_missing_are_named(operator: Operator) -> None:
    (operator.world.folder / "bin/helm").unlink()
    folder = operator.world.folder / "nowhere"
    done = operator.play(without="helm", gitops_bootstrap_argocd=str(folder))
    assert done.code == 2
    assert "helm does not run" in done.message
    assert f"there is no {folder}/bootstrap/root.yaml, no {folder}/applications/argocd.yaml" in done.message
    assert "gitops_bootstrap_argocd" in done.message
    assert operator.objects() == {}


def test_an_api_server_that_is_away_is_named(operator: Operator) -> None:
    """Said by the real kubectl, of a port of this machine where nobody listens."""
    program = operator.world.folder / "bin/kubectl"
    program.unlink()
    program.symlink_to(require_tool("kubectl"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        server = f"https://127.0.0.1:{probe.getsockname()[1]}"
    kubeconfig = operator.world.folder / "kubeconfig"
    kubeconfig.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "home", "cluster": {"server": server}}],
                "users": [{"name": "ada", "user": {"token": "x"}}],
                "contexts": [{"name": "home", "context": {"cluster": "home", "user": "ada"}}],
                "current-context": "home",
            }
        )
    )
    stopped(
        operator,
        f"The API server {server} does not answer:",
        "refused",
        "gitops_bootstrap_kubeconfig",
        gitops_bootstrap_kubeconfig=str(kubeconfig),
    )
