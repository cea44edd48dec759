"""From a line of source to a Deployment: a person pushes, the pipeline builds and commits, Argo CD rolls out."""

from __future__ import annotations

import base64
import http.client
import json
import re
import subprocess
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.ci.registry import Registry
from tests.delivery.workspace import git
from tests.e2e.agent import Agent
from tests.e2e.bed.errors import BedError
from tests.e2e.bed.forge import WRITER
from tests.e2e.bed.ingress import Ingress
from tests.e2e.bed.waiting import wait_for
from tests.e2e.doors import ARGOCD, log_in
from tests.e2e.rotation import vault_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.bed.api import Object
    from tests.e2e.rollout import Rollout

SERVICE = "sources/hello/hello.py"
STAGES = ("test", "build and push", "scan", "deploy", "wait")
ARGOCD_PORT = 8080
PIPELINES = "jenkins/jenkins-pipelines"


@dataclass
class Delivery:
    """A person, an agent, and the cluster that both deliver to.

    Attributes:
        rollout: The cluster, and the person.
        agent: Builds.
        remote: The repository of the apps at the server.
        built: The commit of the last build that succeeded.
        image: What that build pushed.
    """

    rollout: Rollout
    agent: Agent
    remote: Path
    built: str = ""
    image: str = ""

    def change(self, what: str) -> str:
        """Let the person change the sample's source, and return the commit."""
        user = self.rollout.user
        user.pull("apps")
        file = user.workspace / "apps" / SERVICE
        return user.commit("apps", what, {file: f"{file.read_text()}# {what}\n"})

    def build(self, commit: str) -> str:
        """Let the agent build a commit, as it checks it out; return what it said."""
        user, checkout = self.rollout.user, self.agent.checkout
        user.git("fetch", "--quiet", "origin", cwd=checkout)
        user.git("checkout", "--quiet", "--detach", commit, cwd=checkout)
        built = self.agent.build(self.built)
        assert built.stages == STAGES
        assert built.image.startswith(f"{self.agent.registry.host}/team/hello:{commit}@sha256:")
        assert self.agent.registry.manifest(built.image)
        self.built, self.image = commit, built.image
        return built.said

    def in_git(self, environment: str) -> str:
        """Return the image that Git says."""
        overlay = git(self.remote, "show", f"main:apps/hello/overlays/{environment}/kustomization.yaml")
        name, tag, digest = re.findall(r'(?:newName|newTag|digest): "?([^"\n]+)', overlay)
        return f"{name}:{tag}@{digest}"

    def runs(self, environment: str, image: str) -> bool:
        """Return whether an environment's Deployment is available with an image, and has no pod of another one."""
        deployment = self.rollout.bed.api.get("Deployment", f"hello-{environment}", "hello")
        assert deployment is not None
        status = deployment["status"]
        counts = {status.get(name) for name in ("replicas", "updatedReplicas", "availableReplicas")}
        return (
            _images(deployment["spec"]["template"]["spec"]) == {image}
            and status.get("observedGeneration") == deployment["metadata"]["generation"]
            and len(counts) == 1
            and None not in counts
        )


def _images(pod: Object) -> set[str]:
    return {container["image"] for container in pod["containers"]}


@pytest.fixture(scope="module")
def delivery(rollout: Rollout, evidence: Callable[[str], None]) -> Iterator[Delivery]:
    bed, user = rollout.bed, rollout.user
    folder = bed.folder / "agent"
    folder.mkdir()
    begin = time.monotonic()
    # Builds are to wait for the rollout.
    user.do("fmc", "new", "--set", "pipeline={wait: rollout}", "--push", "--yes")
    rollout.wait_until_done()
    give_the_token(rollout)
    evidence(f"the pipeline has its account at Argo CD, {time.monotonic() - begin:.1f} s after the answer")
    user.git("clone", "--quiet", user.url("apps"), str(folder / "checkout"), cwd=folder)
    token, login = (_secret(rollout, "jenkins", name) for name in ("jenkins-pipelines", "jenkins-git"))
    credentials = {
        "deploy": {"FMC_GIT_USER": WRITER, "FMC_GIT_TOKEN": login["token"]},
        "wait": {"ARGOCD_TOKEN": token["argocd"]},
    }
    with ExitStack() as servers:
        registry = servers.enter_context(Registry("builder", "a login that the bed made up"))
        servers.enter_context(Ingress(_certificate(rollout), folder / "ingress", ARGOCD_PORT))
        variables = {"ARGOCD_CA": str(authority(rollout, folder)), "ROLLOUT_SECONDS": "180"}
        agent = Agent(user, folder / "checkout", registry, variables, credentials)
        yield Delivery(rollout, agent, bed.folder / "git/home/apps.git")
    # The tests after these go on from what is pushed.
    user.pull("apps")


def give_the_token(rollout: Rollout) -> None:
    """Do what the runbook says, and wait until the cluster has the token.

    Its `argocd account generate-token --core` starts Argo CD's API beside itself and reaches Redis by a kubelet, of
    which the bed has none. So the API that runs there is asked instead, by the administrator.
    """
    user = rollout.user
    runbook = (user.workspace / "argocd/docs/runbooks/jenkins.md").read_text()
    assert f"generate-token --core --account pipelines | fmc secret set {PIPELINES} argocd" in runbook
    session = log_in(vault_of(rollout).values[ARGOCD]["admin"].secret.reveal().decode())
    connection = http.client.HTTPConnection("argocd-server", ARGOCD_PORT, timeout=30)
    headers = {"Authorization": f"Bearer {session}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/account/pipelines/token", json.dumps({"name": "pipelines"}), headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    assert answer.status == http.HTTPStatus.OK
    user.do("fmc", "secret", "set", PIPELINES, "argocd", stdin=json.loads(content)["token"])
    user.do("fmc", "seal")
    user.commit("argocd", "A token for the pipelines", {})
    wait_for(
        "the token in the cluster",
        lambda: rollout.bed.api.get("Secret", *PIPELINES.split("/")),
        report=rollout.report,
    )


def authority(rollout: Rollout, folder: Path) -> Path:
    """Do what trust-manager does of the Bundle, and return the file that the agent's pod has of it."""
    bundle = json.loads(rollout.user.kubectl("get", "bundles.trust.cert-manager.io", "internal-ca", "-o", "json"))
    (source,) = bundle["spec"]["sources"]
    agents = rollout.bed.api.get("Namespace", None, "jenkins-agents")
    assert agents is not None
    wanted = bundle["spec"]["target"]["namespaceSelector"]["matchLabels"]
    assert wanted.items() <= agents["metadata"]["labels"].items()
    file = folder / str(bundle["spec"]["target"]["configMap"]["key"])
    file.write_text(_secret(rollout, "cert-manager", source["secret"]["name"])[source["secret"]["key"]])
    return file


def _certificate(rollout: Rollout) -> Object:
    """Return the Secret with the certificate that the ingress shows."""
    store = json.loads(rollout.user.kubectl("-n", "traefik", "get", "tlsstores.traefik.io", "default", "-o", "json"))
    found = rollout.bed.api.get("Secret", "traefik", store["spec"]["defaultCertificate"]["secretName"])
    assert found is not None
    return found


def _secret(rollout: Rollout, namespace: str, name: str) -> dict[str, str]:
    found = rollout.bed.api.get("Secret", namespace, name)
    assert found is not None, name
    return {key: base64.b64decode(value).decode() for key, value in found["data"].items()}


def test_a_change_of_the_source_is_rolled_out(delivery: Delivery, evidence: Callable[[str], None]) -> None:
    commit = delivery.change("A first change")
    begin = time.monotonic()
    delivery.build(commit)
    evidence(f"{delivery.image.partition('@')[2]} built, committed and healthy, {time.monotonic() - begin:.1f} s")
    assert delivery.in_git("staging") == delivery.image
    assert delivery.runs("staging", delivery.image)
    trailers = git(delivery.remote, "log", "-1", "--format=%(trailers:only,unfold)", "main").splitlines()
    assert trailers == [f"Bumped-Image: {delivery.image}", f"Source-Commit: {commit}"]


def test_who_does_not_know_the_authority_is_told_nothing(delivery: Delivery) -> None:
    """The token goes to no server whose certificate is not believed."""
    agent = delivery.agent
    environment = {**agent.credentials["wait"], "ROLLOUT_SECONDS": "0", "ARGOCD_CA": ""}
    done = delivery.rollout.user.run("ci/wait-for-rollout", "hello", cwd=agent.checkout, environment=environment)
    assert done.code == 1
    assert "CERTIFICATE_VERIFY_FAILED" in done.all


def test_the_account_of_the_pipelines_may_look_and_nothing_else(delivery: Delivery) -> None:
    token = delivery.agent.credentials["wait"]["ARGOCD_TOKEN"]
    application = "/api/v1/applications/hello-staging"
    assert _asked("GET", application, token) == http.HTTPStatus.OK
    for method, path in (
        ("POST", f"{application}/sync"),
        ("DELETE", application),
        ("GET", "/api/v1/clusters/in-cluster"),
    ):
        assert _asked(method, path, token) == http.HTTPStatus.FORBIDDEN, path
    assert _asked("GET", application, "") == http.HTTPStatus.UNAUTHORIZED


def _asked(method: str, path: str, token: str) -> int:
    """Ask Argo CD's server, and return the status of its answer."""
    connection = http.client.HTTPConnection("argocd-server", ARGOCD_PORT, timeout=30)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"} if token else {}
    connection.request(method, path, "{}" if method == "POST" else None, headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_change_is_rolled_out_while_others_push_all_the_time(
    delivery: Delivery, evidence: Callable[[str], None]
) -> None:
    before = git(delivery.remote, "rev-parse", "main")
    first = delivery.image
    commit = delivery.change("A second change")
    begin = time.monotonic()
    with Crowd(delivery) as crowd:
        crowd.wait_until_busy()
        said = delivery.build(commit)
        seconds = time.monotonic() - begin
    assert delivery.image != first
    # None of the three lost a commit, and nobody merged.
    history = git(delivery.remote, "log", "--format=%s", f"{before}..main").splitlines()
    assert len(history) == 2 + crowd.pushed + crowd.bumped
    assert sum(line.startswith("A note") for line in history) == crowd.pushed
    assert sum("hello in production" in line for line in history) == crowd.bumped
    assert git(delivery.remote, "rev-list", "--merges", f"{before}..main") == ""
    assert delivery.in_git("staging") == delivery.image
    assert delivery.runs("staging", delivery.image)
    overtaken = said.count("somebody else pushed first")
    evidence(
        f"{delivery.image.partition('@')[2]} healthy after {seconds:.1f} s, overtaken {overtaken} times "
        f"by {crowd.pushed} pushes of a person and {crowd.bumped} of another pipeline"
    )


def test_what_runs_in_staging_is_promoted(delivery: Delivery, evidence: Callable[[str], None]) -> None:
    user, before = delivery.rollout.user, delivery.in_git("production")
    assert before != delivery.image
    begin = time.monotonic()
    user.do("fmc", "promote", "hello", "--from", "staging", "--to", "production")
    assert delivery.in_git("production") == delivery.image
    wait_for(
        "the same image in production",
        lambda: delivery.runs("production", delivery.image),
        timeout=180,
        report=delivery.rollout.report,
    )
    evidence(f"the same digest available in production {time.monotonic() - begin:.1f} s after `fmc promote`")
    assert delivery.runs("staging", delivery.image)
    user.pull("apps")
    evidence(f"all done {delivery.rollout.wait_until_done():.1f} s later")


class Crowd:
    """Others that write to the repository of the apps without a pause: a person, and another pipeline."""

    def __init__(self, delivery: Delivery) -> None:
        """Give the person a clone."""
        self._delivery = delivery
        self._user = delivery.rollout.user
        self._clone = delivery.agent.checkout.parent / "person"
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._repeat, args=(each,)) for each in (self._push, self._bump)]
        self._failed = ""
        self.pushed = self.bumped = 0

    def __enter__(self) -> Crowd:
        self._user.git("clone", "--quiet", self._user.url("apps"), str(self._clone), cwd=self._clone.parent)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()
        if self._failed:
            raise BedError(self._failed)

    def wait_until_busy(self) -> None:
        """Wait until both have written something."""
        wait_for("the others to write", lambda: self._failed or (self.pushed and self.bumped))

    def _repeat(self, write: Callable[[int], None]) -> None:
        number = 0
        try:
            while not self._end.is_set():
                number += 1
                write(number)
        except (BedError, subprocess.SubprocessError) as error:
            self._failed = str(error)

    def _push(self, number: int) -> None:
        """Commit a note, and push it until it has arrived, as people do."""
        (self._clone / "notes.md").write_text(f"Note {number}.\n")
        self._user.do("git", "add", "--all", cwd=self._clone)
        self._user.do("git", "commit", "--quiet", f"--message=A note, number {number}", cwd=self._clone)
        while True:
            self._user.git("pull", "--quiet", "--rebase", "origin", "main", cwd=self._clone)
            try:
                self._user.git("push", "--quiet", "origin", "HEAD:main", cwd=self._clone)
            except BedError as error:
                if "rejected" not in error.message:
                    raise
            else:
                self.pushed += 1
                return

    def _bump(self, number: int) -> None:
        """Write an image of another pipeline into production."""
        image = f"registry.example.com/team/hello:1.0.{number}@sha256:{number:064x}"
        agent = self._delivery.agent
        variables = {**agent.credentials["deploy"], "HOME": str(agent.checkout.parent)}
        bump = ("ci/bump-image", "hello", image, "--env", "production")
        self._user.do(*bump, cwd=self._clone, environment=variables)
        self.bumped += 1
