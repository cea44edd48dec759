"""bootstrap/install of a cluster that is there already, against the cluster of files that the playbook has, too."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from generator.secrets.vault.keys import generate_sealing_key
from tests.bootstrap.conftest import FIRST_PASSWORD, OUR_IMPORTS, TOKEN, Operator, Played, Pythons
from tests.pipeline.world import FMC, ROOT, World
from tests.warm_python import warm_python

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SERVER = "https://k8s.example.com:6443"
SYSTEM = "/usr/bin:/bin"
KEY = "Secret/kube-system/sealed-secrets-key-1"


@pytest.fixture(scope="module")
def python() -> Iterator[Path]:
    with warm_python(sys.executable, OUR_IMPORTS) as ours:
        yield ours


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A machine on which the example is sealed and pushed. Leave it as it is."""
    folder = tmp_path_factory.mktemp("delivered") / "world"
    world = World(folder, cluster="shared", base_url="https://git.example.com/shared/").make("argocd", "apps")
    done = world.new("--push", answers=ROOT / "examples/existing-cluster.yaml", env={"FMC_GIT_READ_TOKEN": TOKEN})
    assert done.code == 0, done.err
    return world


@pytest.fixture
def operator(delivered: World, python: Path, tmp_path: Path) -> Operator:
    return make(delivered, python, tmp_path / "world")


def make(delivered: World, python: Path, folder: Path) -> Operator:
    """A person with that workspace, and a kubeconfig that leads to an empty cluster."""
    made = Operator(delivered.copy(folder), Pythons(python, python, (), ()))
    made.make_cluster()
    made.change_world(server=SERVER)
    return made


def system_without(program: str, folder: Path) -> Path:
    """Return a folder with all programs of this machine but one."""
    folder.mkdir()
    for place in SYSTEM.split(":"):
        for path in Path(place).iterdir():
            if path.name != program and not (folder / path.name).is_symlink():
                (folder / path.name).symlink_to(path)
    return folder


def install(operator: Operator, env: Mapping[str, str] | None = None, without: str = "") -> Played:
    """Run the program; no output of any run may hold a secret."""
    programs, system = operator.world.folder / "bin", SYSTEM
    if without:
        (programs / without).unlink()
        system = str(system_without(without, operator.world.folder / "system"))
    done = subprocess.run(
        [operator.argocd / "bootstrap/install"],
        cwd=operator.world.folder,
        env=operator.world.environment
        | {"PATH": f"{programs}:{FMC.parent}:{system}", "FAKE_CLUSTER": str(operator.cluster), **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=180,
    )
    leaks = sum(needle in done.stdout for needle in (*operator.world.needles(), FIRST_PASSWORD.encode()))
    assert leaks == 0
    return Played(done.returncode, os.fsdecode(done.stdout))


def require_nothing_changed(operator: Operator, done: Played, finding: str) -> None:
    assert done.code == 1
    assert "nothing was changed. What is in the way:" in done.output
    assert finding in done.message
    assert not [call for call in operator.calls() if call.startswith(("apply", "delete"))]


# -- What it does ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def handed_over(
    delivered: World, python: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Operator, Played, list[str]]:
    """A person whose cluster it has handed over, what it said, and the calls that it made. Leave them as they are."""
    made = make(delivered, python, tmp_path_factory.mktemp("handed-over") / "world")
    done = install(made)
    assert done.code == 0, done.output
    return made, done, made.calls()


def test_an_empty_cluster_is_handed_over_in_order(handed_over: tuple[Operator, Played, list[str]]) -> None:
    operator, _, calls = handed_over
    wanted = [
        next(index for index, call in enumerate(calls) if call.startswith(start))
        for start in (
            "apply Namespace argocd as argocd-controller",
            "apply Secret sealed-secrets-key-1",
            "apply Deployment sealed-secrets-controller as argocd-controller",
            "apply StatefulSet argocd-application-controller as argocd-controller",
            "wait sealed-secrets-controller",
            "wait argocd-application-controller",
            "apply SealedSecret git-credentials as argocd-controller",
            "delete Secret argocd-initial-admin-secret",
            "apply AppProject platform as argocd-controller",
            "apply Application root as gitops-bootstrap",
            "wait root status.operationState.phase=Succeeded",
            "wait applications status.sync.status=Synced",
            "wait applications status.health.status=Healthy",
        )
    ]
    assert wanted == sorted(wanted)
    objects = operator.objects()
    certificate = (operator.argocd / "secrets/sealing-cert.pem").read_bytes()
    assert base64.b64decode(objects[KEY]["data"]["tls.crt"]) == certificate
    assert "Secret/argocd/argocd-initial-admin-secret" not in objects
    # Not what a deletion of the chart would run.
    assert "Job/argocd/argocd-redis-secret-init" in objects
    assert "Job/argocd/argocd-cleanup" not in objects
    # As Argo CD renders it: for the version that the API server says, whatever the answers say.
    assert [call for call in calls if call.startswith("helm template argo-cd") and "for v1.36.4+k3s1 with" in call]


def test_the_key_lies_in_no_file(handed_over: tuple[Operator, Played, list[str]]) -> None:
    operator, _, _ = handed_over
    plaintexts = operator.world.needles()
    assert len(plaintexts) > 10
    for path in operator.world.folder.rglob("*"):
        # What the cluster has, and the identities that open the vault.
        if path.is_file() and not path.is_relative_to(operator.cluster) and path.parent != operator.world.home:
            content = path.read_bytes()
            leaks = sum(needle in content for needle in plaintexts)
            assert leaks == 0, path


def test_the_second_run_leaves_to_argo_cd_what_it_keeps(handed_over: tuple[Operator, Played, list[str]]) -> None:
    operator, _, calls = handed_over
    objects = operator.objects()
    again = install(operator)
    assert again.code == 0, again.output
    assert operator.objects() == objects
    first, *waits = operator.calls()[len(calls) :]
    assert first == "apply Application root as gitops-bootstrap"
    assert [call.split()[0] for call in waits] == ["wait"] * 3


def test_it_ends_when_every_application_is_done(handed_over: tuple[Operator, Played, list[str]]) -> None:
    """Argo CD calls an Application Healthy of which nothing is there yet."""
    operator, _, _ = handed_over
    states = [item["status"] for name, item in operator.objects().items() if name.startswith("Application/")]
    assert len(states) > 5
    assert all((one["sync"]["status"], one["health"]["status"]) == ("Synced", "Healthy") for one in states)


def test_a_run_that_failed_goes_on(operator: Operator) -> None:
    operator.change_world(charts_away=True)
    first = install(operator)
    assert first.code == 1
    assert "Run it again when that is mended: it goes on from here." in first.message
    operator.change_world(charts_away=False)
    second = install(operator)
    assert second.code == 0, second.output


def test_the_key_that_the_catalogue_names_is_the_one_that_counts(operator: Operator) -> None:
    """After a rekey the cluster still has the first key, and Git is sealed to the second one."""
    assert install(operator).code == 0
    for options in ((), ("--loaded",)):
        done = operator.world.fmc("keys", "rekey", *options, cwd=operator.world.workspace)
        assert done.code == 0, done.err
    operator.change_world(revision=operator.world.tips()["argocd"])
    assert KEY in operator.objects()
    assert install(operator).code == 0


# -- What is in the way ------------------------------------------------------------------------------------------------


def test_another_cluster_is_refused_unless_it_is_named(operator: Operator) -> None:
    operator.change_world(server="https://127.0.0.1:16443")
    refused = install(operator)
    finding = f"kubectl leads to https://127.0.0.1:16443, and this cluster is at {SERVER}"
    require_nothing_changed(operator, refused, finding)
    # What it advises, for a tunnel.
    assert "API_SERVER=https://127.0.0.1:16443" in refused.message
    assert install(operator, {"API_SERVER": "https://127.0.0.1:16443"}).code == 0


def test_a_user_who_may_not_do_everything_is_refused(operator: Operator) -> None:
    operator.change_world(may_nothing=True)
    require_nothing_changed(operator, install(operator), "You may not do everything in this cluster")


def test_what_is_not_pushed_is_not_deployed(operator: Operator) -> None:
    values = operator.argocd / "platform/argocd/values.user.yaml"
    values.write_text(values.read_text() + "# mine\n")
    require_nothing_changed(operator, install(operator), "There are changes that are not committed")
    operator.world.commit("argocd", {})
    refused = install(operator)
    require_nothing_changed(operator, refused, "The branch main at the Git server is not at the commit that lies here")
    pushed = operator.world.fmc("push", cwd=operator.world.workspace)
    assert pushed.code == 0, pushed.all
    operator.change_world(revision=operator.world.tips()["argocd"])
    assert install(operator).code == 0


def test_a_secret_that_argo_cd_needs_is_named(operator: Operator) -> None:
    (operator.argocd / "secrets/argocd/git-credentials.sealed.yaml").unlink()
    require_nothing_changed(operator, install(operator), "argocd/git-credentials is not sealed, and Argo CD needs it")


def test_programs_that_are_not_there_are_named(operator: Operator) -> None:
    require_nothing_changed(operator, install(operator, without="helm"), "helm is not there: install it")


@pytest.mark.parametrize(
    ("name", "namespace", "finding"),
    [
        ("argocd-server", "gitops", "There is another Argo CD outside of the namespace argocd"),
        ("traefik", "kube-system", "There is another Traefik outside of the namespace traefik"),
        ("argocd-server", "argocd", "There is an Argo CD in the namespace argocd, of the chart argo-cd-1.0.0"),
    ],
)
def test_what_would_fight_over_the_cluster_is_named(
    operator: Operator, name: str, namespace: str, finding: str
) -> None:
    labels = f'{{"app.kubernetes.io/name": "{name}", "helm.sh/chart": "argo-cd-1.0.0"}}'
    place = operator.cluster / "objects/Deployment" / namespace / f"{name}.json"
    place.parent.mkdir(parents=True)
    metadata = f'{{"name": "{name}", "namespace": "{namespace}", "labels": {labels}}}'
    place.write_text(f'{{"live": {{"kind": "Deployment", "metadata": {metadata}}}, "applied": {{}}}}')
    require_nothing_changed(operator, install(operator), finding)


def test_another_sealing_key_is_not_replaced(operator: Operator) -> None:
    certificate = base64.b64encode(generate_sealing_key(2048).certificate.encode()).decode()
    place = operator.cluster / "objects" / f"{KEY}.json"
    place.parent.mkdir(parents=True)
    metadata = '{"name": "sealed-secrets-key-1", "namespace": "kube-system"}'
    data = f'{{"tls.crt": "{certificate}"}}'
    place.write_text(f'{{"live": {{"kind": "Secret", "metadata": {metadata}, "data": {data}}}, "applied": {{}}}}')
    require_nothing_changed(operator, install(operator), "The cluster has another sealing key")
