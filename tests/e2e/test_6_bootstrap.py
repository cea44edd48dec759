"""The bootstrap: twice, on clusters that it must refuse, killed half-way, and after the loss of the cluster."""

from __future__ import annotations

import base64
import os
import re
import secrets
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from generator.secrets.catalogue.read import read_catalogue
from tests.e2e.applications import applications
from tests.e2e.bed.waiting import wait_for
from tests.e2e.rollout import Rollout
from tests.pipeline.world import Finished

Objects = dict[str, Any]
_KILL_WITHIN = 120
PATIENCE_SECONDS = 20


def recap(done: Finished) -> dict[str, int]:
    """Return the numbers of the playbook's last line."""
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", done.out.splitlines()[-2])}


def sealed_bytes(rollout: Rollout) -> dict[str, Objects]:
    """Return what each Secret holds that comes out of a SealedSecret, as far as it is sealed."""
    found = {}
    for sealed in rollout.bed.api.objects("SealedSecret"):
        namespace, name = sealed["metadata"]["namespace"], sealed["metadata"]["name"]
        secret = rollout.bed.api.get("Secret", namespace, name)
        if secret is not None:
            keys = [*sealed["spec"]["encryptedData"], *sealed["spec"]["template"].get("data", {})]
            found[f"{namespace}/{name}"] = {key: secret["data"].get(key) for key in keys}
    return found


@pytest.fixture(scope="module")
def before_the_loss(rollout: Rollout) -> dict[str, Objects]:
    return sealed_bytes(rollout)


@pytest.fixture(scope="module")
def fresh(rollout: Rollout, before_the_loss: dict[str, Objects], evidence: Callable[[str], None]) -> Rollout:
    """The same repositories and vault, and a cluster that knows nothing."""
    # Apart, so that the names alone are printed when this fails.
    names = sorted(before_the_loss)
    assert names == sorted(secret.id for secret in read_catalogue(rollout.user.workspace / "argocd").secrets)
    rollout.bed.lose_cluster()
    assert rollout.bed.api.objects("SealedSecret") == []
    evidence("the cluster is lost; a fresh API server is up")
    return rollout


def key_of(rollout: Rollout) -> tuple[str, str]:
    """Return namespace and name of the Secret with the sealing key: the tests before have replaced the first one."""
    catalogue = read_catalogue(rollout.user.workspace / "argocd")
    return catalogue.key_namespace, catalogue.key_name


def test_the_second_time_nothing_changes(rollout: Rollout, evidence: Callable[[str], None]) -> None:
    before = {name: item["spec"] for name, item in applications(rollout.bed.api).items()}
    begin = time.monotonic()
    done = rollout.user.bootstrap()
    assert done.code == 0, done.all
    assert recap(done)["changed"] == 0, done.out
    evidence(f"second run: {done.out.splitlines()[-2].strip()}, {time.monotonic() - begin:.0f} s")
    assert before == {name: item["spec"] for name, item in applications(rollout.bed.api).items()}


def refused(says: str, remedy: str, done: Finished, evidence: Callable[[str], None]) -> None:
    """Assert that a run stopped with a message, and that it had changed nothing by then."""
    assert done.code != 0
    text = " ".join(done.all.split())
    assert says in text, done.all
    assert remedy in text, done.all
    assert recap(done)["changed"] == 0
    evidence(f"refused: {text[text.index(says) :][:140]}")


def test_an_api_server_that_does_not_answer(fresh: Rollout, evidence: Callable[[str], None]) -> None:
    kubeconfig = fresh.bed.control_plane.kubeconfig
    other = fresh.bed.folder / "other.kubeconfig"
    other.write_text(kubeconfig.read_text().replace(":6443", ":6444"))
    done = fresh.user.bootstrap(environment={"KUBECONFIG": str(other)})
    refused("6444", "kubeconfig", done, evidence)


def test_an_older_argo_cd_that_is_there_already(fresh: Rollout, evidence: Callable[[str], None]) -> None:
    labels = {"app.kubernetes.io/name": "argocd-server", "app.kubernetes.io/part-of": "argocd"}
    container = {"name": "server", "image": "quay.io/argoproj/argocd:v2.14.0", "command": ["sleep"]}
    deployment = {
        "metadata": {"name": "argocd-server", "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
    api = fresh.bed.api
    api.create("Namespace", None, {"metadata": {"name": "tools"}})
    api.create("Deployment", "tools", deployment)
    done = fresh.user.bootstrap()
    api.delete("Namespace", None, "tools")
    wait_for("the other Argo CD to be gone", lambda: api.get("Namespace", None, "tools") is None)
    refused("v2.14.0", "tools", done, evidence)
    assert api.get("Secret", *key_of(fresh)) is None


def test_another_sealing_key_that_is_there_already(fresh: Rollout, evidence: Callable[[str], None]) -> None:
    foreign = fresh.user.workspace / "other.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=other", "-days", "2"]
    fresh.user.do(*make, "-keyout", "/dev/null", "-out", str(foreign))
    data = {"tls.crt": base64.b64encode(foreign.read_bytes()).decode(), "tls.key": ""}
    api, (namespace, name) = fresh.bed.api, key_of(fresh)
    api.create("Secret", namespace, {"metadata": {"name": name}, "type": "kubernetes.io/tls", "data": data})
    done = fresh.user.bootstrap()
    found = api.get("Secret", namespace, name)
    assert found is not None
    assert found["data"] == data
    api.delete("Secret", namespace, name)
    refused("another key", "sealing-key.md", done, evidence)


def test_killed_half_way_it_completes(fresh: Rollout, evidence: Callable[[str], None]) -> None:
    """Killed twice: when the key is there, and when Argo CD is half there. The run after that finds a wrong token."""
    api, key = fresh.bed.api, key_of(fresh)
    kill_when(fresh, "the sealing key is there", lambda: api.get("Secret", *key), evidence)
    kill_when(fresh, "Argo CD is half there", lambda: api.get("Deployment", "argocd", "argocd-repo-server"), evidence)
    assert applications(api) == {}


def test_a_token_that_the_git_server_refuses(fresh: Rollout, evidence: Callable[[str], None]) -> None:
    supply_token(fresh, secrets.token_urlsafe(24))
    begin = time.monotonic()
    done = fresh.user.bootstrap("--extra-vars", f"gitops_bootstrap_patience={PATIENCE_SECONDS}")
    assert done.code != 0
    text = " ".join(done.all.split())
    assert "fmc secret set argocd/git-credentials token" in text, done.all
    assert set(applications(fresh.bed.api)) == {"root"}
    assert fresh.bed.api.objects("DaemonSet", "traefik") == []
    evidence(f"a wrong token is said after {time.monotonic() - begin:.0f} s, and nothing was rolled out")


def test_after_the_loss_of_the_cluster_the_same_secrets(
    fresh: Rollout, before_the_loss: dict[str, Objects], evidence: Callable[[str], None]
) -> None:
    supply_token(fresh, fresh.bed.forge.read_token)
    begin = time.monotonic()
    done = fresh.user.bootstrap()
    assert done.code == 0, done.all
    fresh.wait_until_done()
    found = sealed_bytes(fresh)
    # The names alone are printed when this fails.
    missing = before_the_loss.keys() ^ found.keys()
    assert not missing
    assert [name for name in found if found[name] != before_the_loss[name]] == []
    evidence(f"{len(found)} Secrets with the same bytes, all done {time.monotonic() - begin:.0f} s after the fix")


def supply_token(rollout: Rollout, token: str) -> None:
    user = rollout.user
    user.do("fmc", "secret", "set", "argocd/git-credentials", "token", stdin=token)
    user.do("fmc", "seal")
    user.do("git", "commit", "--quiet", "--all", "--message", "Another token", cwd=user.workspace / "argocd")
    user.do("fmc", "push")


def kill_when(rollout: Rollout, what: str, probe: Callable[[], object], evidence: Callable[[str], None]) -> None:
    """Start the bootstrap, and kill it with everything that it started once something is there."""
    user = rollout.user
    process = subprocess.Popen(
        ["ansible-playbook", "playbooks/gitops.yml"],
        cwd=user.workspace / "infra" / "ansible",
        env=user.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(what, probe, timeout=_KILL_WITHIN, pause=0.05, report=rollout.report)
        assert process.poll() is None
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    evidence(f"killed when {what}")
