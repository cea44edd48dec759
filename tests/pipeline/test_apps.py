"""`fmc add app` and `fmc remove app`: files of one's own, that everything else takes as it takes the sample's."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pexpect
import pytest
import yaml

from generator.apps.request import Given
from generator.checks.run import check_trees
from generator.console import Console
from generator.errors import BadInputError
from generator.pipeline.add_app import add_app
from generator.pipeline.remove_app import Removal, remove_app
from generator.pipeline.steps.session import Session
from generator.secrets.catalogue.model import USER_CATALOGUE
from tests.conftest import require_tool
from tests.pipeline.world import FMC, World, answers, tree
from tests.template.argocd_tree import CLUSTERS, MONOREPO
from tests.template.conftest import Render, render

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["render"]  # a fixture
DIGEST = f"sha256:{1:064x}"
IMAGE = f"registry.example.com/shop:1.0.0@{DIGEST}"
SHOP: tuple[str, ...] = (
    "add",
    "app",
    "shop",
    "--image",
    IMAGE,
    "--port",
    "8000",
    "--health",
    "/healthz",
    "--replicas",
    "production=2",
)
SHOP += ("--secret", "database-password", "--secret", "session=token", "--source")
DOCS = ("add", "app", "docs", "--image", IMAGE, "--env", "production", "--host", "production=handbook")
VARIABLES = "ansible/inventory/group_vars/all/user.yml"


def fmc(world: World, *words: str) -> str:
    done = world.fmc(*words, cwd=world.workspace)
    assert done.code == 0, done.err
    return done.out


def commit(world: World) -> None:
    for repository in sorted(path.parent.name for path in world.workspace.glob("*/.git")):
        if world.git("status", "--porcelain", cwd=world.workspace / repository):
            world.commit(repository, {})


def findings(world: World) -> set[str]:
    done = world.fmc("check", "--output", "json", cwd=world.workspace)
    return {f"{one['rule']} {one['message']}" for one in json.loads(done.out)["findings"]}


def add_two(world: World) -> None:
    """Add two apps, make the secrets of one, commit, and find nothing wrong that was not before."""
    known = findings(world)
    assert "catalogue.user.yaml" in fmc(world, *SHOP)
    out = fmc(world, *DOCS)
    assert "it will answer at https://handbook.home.example.com" in out
    assert "ansible-playbook playbooks/dns.yml" in out
    assert fmc(world, *SHOP) == "No change: shop is there already.\n"
    fmc(world, "seal")
    sealed = sorted(world.workspace.rglob("shop.sealed.yaml"))
    assert [path.parent.name for path in sealed] == ["shop-production", "shop-staging"]
    commit(world)
    assert findings(world) <= known


def remove_two(world: World) -> None:
    assert "`fmc seal`, which removes its sealed manifests" in fmc(world, "remove", "app", "shop", "--yes")
    fmc(world, "remove", "app", "docs", "--yes")
    assert fmc(world, "remove", "app", "docs", "--yes") == "No change: there is no app docs.\n"
    fmc(world, "seal")


def test_apps_outlive_other_answers_and_leave_no_trace(pushed: World) -> None:
    before = pushed.local()
    add_two(pushed)
    added = {
        (name, path): content
        for name, files in pushed.local().items()
        for path, content in files.items()
        if content != before[name].get(path)
    }
    # What the template renders goes by an answer, and other files change all around.
    done = pushed.fmc("remove", "app", "hello", "--yes", cwd=pushed.workspace)
    assert done.code == 2
    assert "Take it out of the answer `components` if it stands there, and run `fmc new`." in done.err
    assert pushed.new("--set", "components=[traefik, cert-manager]", "--set", "timezone=Europe/Madrid").code == 0
    now = pushed.local()
    assert not (pushed.workspace / "apps/apps/hello").exists()
    assert {(name, path): now[name].get(path) for name, path in added} == added
    assert pushed.new().code == 0
    remove_two(pushed)
    assert pushed.local() == before


def test_apps_of_a_monorepo_leave_no_trace(tmp_path: Path) -> None:
    world = World(tmp_path / "world").make("home")
    assert world.new(answers=answers(world.folder, layout="monorepo")).code == 0
    before = world.local()
    add_two(world)
    remove_two(world)
    assert world.local() == before


@pytest.fixture(params=["ha", "ha-traefik-monorepo", "ha-without-components", "single"])
def workspace(request: pytest.FixtureRequest, render: Render, tmp_path: Path) -> Path:
    """The repositories of a cluster, as `copier copy` leaves them: without git, and without a vault."""
    described, layout = CLUSTERS[request.param]
    for part in [MONOREPO] if layout == MONOREPO else ["argocd", "apps"]:
        shutil.copytree(render(described, part), tmp_path / "workspace" / part)
    return tmp_path / "workspace"


def given(name: str = "shop", **fields: Any) -> Given:
    return Given(name, IMAGE, **fields)


def parts(workspace: Path) -> dict[str, Path]:
    folder = workspace / MONOREPO if (workspace / MONOREPO).exists() else workspace
    return {part: folder / part for part in ("argocd", "apps")}


def remove(workspace: Path, name: str, *allowed: str) -> Removal:
    return remove_app(Session.open(workspace, None), name, allowed, lambda _: True, Console())


@pytest.mark.tools
def test_an_app_is_what_argo_cd_takes_in_every_layout(workspace: Path) -> None:
    before = tree(workspace)
    full = given(replicas=("2",), secrets=("database", "session=token"), source=True)
    for one in (full, given("docs", environments=("production",))):
        assert add_app(Session.open(workspace, None), one, Console()).written
        assert not add_app(Session.open(workspace, None), one, Console()).written
    report = check_trees(parts(workspace), kubernetes_version="1.36", engine="builtin")
    assert [f"{one.rule} {one.message}" for one in report.findings] == []
    for overlay in ("shop/overlays/staging", "shop/overlays/production", "docs/overlays/production"):
        folder = parts(workspace)["apps"] / "apps" / overlay
        built = subprocess.run([require_tool("kustomize"), "build", folder], capture_output=True, text=True, check=True)
        objects = {item["kind"]: item for item in yaml.safe_load_all(built.stdout)}
        assert {"Deployment", "Service"} <= set(objects) <= {*objects, "IngressRoute", "PodDisruptionBudget"}
        (container,) = objects["Deployment"]["spec"]["template"]["spec"]["containers"]
        assert container["image"] == IMAGE
        assert objects["Deployment"]["spec"]["replicas"] == (2 if overlay.startswith("shop") else 1)
    assert not remove(workspace, "shop").changed
    assert not remove(workspace, "docs").changed
    assert tree(workspace) == before


def test_what_pods_read_is_what_the_catalogue_makes(workspace: Path) -> None:
    add_app(Session.open(workspace, None), given(secrets=("database", "mail=external")), Console())
    catalogue = yaml.safe_load((parts(workspace)["argocd"] / USER_CATALOGUE).read_text())
    deployment = yaml.safe_load((parts(workspace)["apps"] / "apps/shop/base/deployment.yaml").read_text())
    pod = deployment["spec"]["template"]["spec"]
    (volume,) = (one["secret"] for one in pod["volumes"] if "secret" in one)
    assert [entry["namespace"] for entry in catalogue["secrets"]] == ["shop-staging", "shop-production"]
    for entry in catalogue["secrets"]:
        assert entry["name"] == volume["secretName"]
        assert set(entry["data"]) == set(entry["values"]) == {"database", "mail"}
        mount = next(one["mountPath"] for one in pod["containers"][0]["volumeMounts"] if one["name"] == "secrets")
        assert mount in entry["description"]


def test_an_image_that_was_bumped_is_no_persons_change(workspace: Path) -> None:
    add_app(Session.open(workspace, None), given(), Console())
    overlay = parts(workspace)["apps"] / "apps/shop/overlays/staging/kustomization.yaml"
    overlay.write_text(overlay.read_text().replace("1.0.0", "1.1.0"))
    assert remove(workspace, "shop").changed == ()


@pytest.mark.parametrize(
    "file", ["apps/shop/base/deployment.yaml", "apps/shop/base/mine.yaml", "limits/shop.yaml", USER_CATALOGUE]
)
def test_what_a_person_wrote_goes_only_where_that_is_said(pushed: World, file: str) -> None:
    fmc(pushed, *SHOP)
    part = "apps" if file.startswith("apps/") else "argocd"
    path = pushed.workspace / part / file
    text = path.read_text() if path.exists() else "\n"
    path.write_text(text.replace('pods: "20"', 'pods: "30"').replace("token}", "token, max_age: 90}") + "# Mine.\n")
    before = tree(pushed.workspace)
    done = pushed.fmc("remove", "app", "shop", "--yes", cwd=pushed.workspace)
    assert done.code == 3
    assert f"not as fmc wrote them; nothing was removed\n  {path}\n" in done.err
    assert tree(pushed.workspace) == before
    assert "`fmc remove app shop --allow-destructive shop`" in done.err
    fmc(pushed, "remove", "app", "shop", "--allow-destructive", "shop", "--yes")
    assert not list(pushed.workspace.rglob("shop*"))


def test_another_app_of_that_name_is_left_alone_until_it_is_removed(pushed: World) -> None:
    fmc(pushed, *SHOP)
    before = tree(pushed.workspace)
    other = [*SHOP, "--port", "9000", "--secret", "mail"]
    done = pushed.fmc(*other, cwd=pushed.workspace)
    assert done.code == 3
    assert "there is an app shop already, and its files say otherwise" in done.err
    assert tree(pushed.workspace) == before
    assert "`fmc remove app shop`" in done.err
    fmc(pushed, "remove", "app", "shop", "--yes")
    fmc(pushed, *other)


def test_what_stops_one_is_said_at_once_and_nothing_is_written(pushed: World) -> None:
    before = tree(pushed.workspace)
    wrong = ("add", "app", "traefik", "--image", "shop:latest", "--host", "production=argocd", "--port", "0")
    done = pushed.fmc(*wrong, "--output", "json", cwd=pushed.workspace)
    document = json.loads(done.out)
    assert (done.code, document["exit_code"]) == (2, 2)
    assert [one["rule"] for one in document["findings"]] == ["app/image", "app/name", "app/port", "app/host"]
    assert "Run the same command again" in document["fix"]
    assert tree(pushed.workspace) == before


def test_json_tells_what_was_written_and_what_goes(pushed: World) -> None:
    added = json.loads(fmc(pushed, *SHOP, "--output", "json"))
    assert added["environments"][1] == {
        "name": "production",
        "namespace": "shop-production",
        "host": "shop.home.example.com",
    }
    assert added["secrets"] == ["shop-staging/shop", "shop-production/shop"]
    assert len(added["written"]) == 15
    removed = json.loads(fmc(pushed, "remove", "app", "shop", "--yes", "--output", "json"))
    assert removed["namespaces"] == ["shop-staging", "shop-production"]
    assert sorted(removed["removed"] + removed["lists"]) == sorted(added["written"])
    again = json.loads(fmc(pushed, "remove", "app", "shop", "--yes", "--output", "json"))
    assert again["changed"] is False


def test_without_a_terminal_nobody_is_asked(pushed: World) -> None:
    fmc(pushed, *DOCS)
    before = tree(pushed.workspace)
    done = pushed.fmc("remove", "app", "docs", cwd=pushed.workspace)
    assert done.code == 2
    assert "the cluster loses docs-production, with its volumes" in done.err
    assert "run the same command with --yes" in done.err
    assert tree(pushed.workspace) == before
    fmc(pushed, "remove", "app", "docs", "--yes")


def test_a_person_is_asked_what_no_option_said_and_before_anything_goes(pushed: World) -> None:
    def typed(*words: str, lines: list[str]) -> str:
        child = pexpect.spawn(
            str(FMC), list(words), cwd=str(pushed.workspace), env=pushed.environment, encoding="utf-8", timeout=60
        )
        for line in lines:
            child.sendline(line)
        child.expect(pexpect.EOF)
        child.close()
        return str(child.before)

    answers_given = [IMAGE, "8000", "/healthz", "production", "", "2", "database", "n"]
    typed("add", "app", "shop", lines=answers_given)
    same = ("--image", IMAGE, "--port", "8000", "--health", "/healthz", "--env", "production", "--replicas", "2")
    assert fmc(pushed, "add", "app", "shop", *same, "--secret", "database").startswith("No change")
    assert "nothing was removed" in typed("remove", "app", "shop", lines=["n"])
    typed("remove", "app", "shop", lines=["y"])
    assert not list(pushed.workspace.rglob("shop*"))


@pytest.mark.parametrize(("file", "text"), [(VARIABLES, "ingress_hosts: [a.example.com]\n"), (VARIABLES, "- a\n")])
def test_variables_that_cannot_be_changed_are_left_to_their_owner(pushed: World, file: str, text: str) -> None:
    path = pushed.workspace / "infra" / file
    path.write_text(text)
    before = tree(pushed.workspace)
    done = pushed.fmc(*DOCS, cwd=pushed.workspace)
    assert done.code == 2
    assert "Write its list `ingress_hosts` as a block, each host in a line of its own." in done.err
    assert tree(pushed.workspace) == before
    path.write_text("ingress_hosts:\n  - a.example.com\n")
    fmc(pushed, *DOCS)
    assert yaml.safe_load(path.read_text()) == {"ingress_hosts": ["a.example.com", "handbook.home.example.com"]}


def test_namespaces_that_cannot_be_read_stop_it(pushed: World) -> None:
    file = pushed.workspace / "argocd/namespaces/mine.yaml"
    file.write_text("a: [\n")
    done = pushed.fmc(*DOCS, cwd=pushed.workspace)
    assert done.code == 2
    assert f"{file} can't be read as YAML" in done.err
    assert "`fmc check` says what is wrong with it" in done.err
    assert "namespaces/mine.yaml" in pushed.fmc("check", cwd=pushed.workspace).err
    file.unlink()
    fmc(pushed, *DOCS)


def test_what_others_have_is_never_taken_along(pushed: World) -> None:
    """Though the app's own file claims it, and though that may go."""
    fmc(pushed, *SHOP)
    fmc(pushed, *DOCS, "--secret", "mail")
    namespaces, other = (pushed.workspace / f"argocd/namespaces/{name}.yaml" for name in ("shop", "docs"))
    namespaces.write_text(f"{namespaces.read_text()}---\n{other.read_text()}")
    kept = {path: path.read_bytes() for path in pushed.workspace.rglob("docs*") if path.is_file()}
    fmc(pushed, "remove", "app", "shop", "--allow-destructive", "shop", "--yes")
    assert {path: path.read_bytes() for path in kept} == kept
    assert "handbook.home.example.com" in (pushed.workspace / "infra" / VARIABLES).read_text()
    catalogue = yaml.safe_load((pushed.workspace / "argocd" / USER_CATALOGUE).read_text())
    assert [entry["namespace"] for entry in catalogue["secrets"]] == ["docs-production"]


@pytest.mark.parametrize("name", ["..", "../apps", "/tmp", "", "Shop"])
def test_what_is_no_name_leads_nowhere(pushed: World, name: str) -> None:
    fmc(pushed, *DOCS)
    before = tree(pushed.folder)
    done = pushed.fmc("remove", "app", name, "--yes", "--allow-destructive", name, cwd=pushed.workspace)
    assert done.code == 2
    assert f"Name a folder below {pushed.workspace / 'apps/apps'}." in done.err
    assert tree(pushed.folder) == before
    fmc(pushed, "remove", "app", "docs", "--yes")


def test_a_removal_that_was_cut_off_is_brought_to_its_end(workspace: Path) -> None:
    before = tree(workspace)
    add_app(Session.open(workspace, None), given(secrets=("database",), source=True), Console())
    for folder in ("sources", "apps"):
        shutil.rmtree(parts(workspace)["apps"] / folder / "shop")
    removal = remove(workspace, "shop")
    assert removal.changed == ()
    assert tree(workspace) == before


def test_without_the_part_apps_there_is_no_place_for_one(render: Render, tmp_path: Path) -> None:
    shutil.copytree(render(CLUSTERS["ha"][0], "argocd"), tmp_path / "argocd")
    with pytest.raises(BadInputError) as caught:
        add_app(Session.open(tmp_path, None), given(), Console())
    assert "there is no repository of the layout apps or monorepo" in caught.value.message
    assert [path.name for path in tmp_path.iterdir()] == ["argocd"]
