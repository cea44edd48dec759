"""The answer image_mirror: K3s asks for each image where `fmc mirror list` puts it, with the login of the vault."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from generator.mirror.formats import skopeo
from generator.mirror.inventory import IMAGE, Inventory, inventory, read_record
from tests.template.argocd_tree import HA, ROWS, documents
from tests.template.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.template.conftest import Render

MIRROR = "registry.example.com:5000/mirror"
AUTHORITY = yaml.safe_load((ROOT / "tests/answers/valid/git-of-a-private-authority.yaml").read_text())["git_authority"]
WHOLE = HA | {"image_mirror": {"registry": MIRROR, "user": "robot$nodes", "authority": AUTHORITY}}
GROUPS = ("k3s_servers", "k3s_agents")


def registries(root: Path, group: str) -> dict[str, Any]:
    """Return the inputs of the role on a group of nodes."""
    (document,) = documents(root / f"ansible/inventory/group_vars/{group}/registries.yml")
    return dict(document)


def everything(render: Render) -> Inventory:
    """Return what a cluster with all components is made of."""
    root = render(HA, "monorepo")
    trees = {part: root / part for part in ("infra", "argocd", "apps")}
    return inventory(trees, ROWS, read_record(ROOT / "lib/images.json"))


@pytest.mark.parametrize(
    ("mirror", "below"),
    [(MIRROR, "registry.example.com:5000/mirror"), ("registry.example.com", "registry.example.com")],
)
def test_each_image_is_asked_for_where_the_script_puts_it(render: Render, mirror: str, below: str) -> None:
    mirrors = registries(render(HA | {"image_mirror": {"registry": mirror}}, "infra"), "k3s_servers")[
        "k3s_node_registries"
    ]["mirrors"]
    found = everything(render)
    copied = re.findall(r'(?m)^skopeo copy --all docker://(\S+) "docker://\$MIRROR/(\S+)"$', skopeo(found, "home"))
    assert len(copied) == len(found.of(IMAGE)) > 40
    for pulled, kept in copied:
        source, _, name = pulled.partition("/")
        ((pattern, target),) = mirrors[source]["rewrite"].items()
        (endpoint,) = mirrors[source]["endpoint"]
        # K3s rewrites the name of the repository; containerd adds the tag or the digest.
        repository = re.split(r"[:@]", name)[0]
        rewritten = re.sub(pattern, target.replace("$", "\\"), repository, count=1)
        assert f"{endpoint}/{rewritten}" == f"https://{below}/{re.split(r'[:@]', kept)[0]}"


def test_servers_and_agents_ask_the_same_registries(render: Render) -> None:
    root = render(WHOLE, "infra")
    assert registries(root, GROUPS[0]) == registries(root, GROUPS[1])


def test_the_password_is_read_from_the_vault_and_stands_in_no_file(render: Render) -> None:
    configured = registries(render(WHOLE, "infra"), "k3s_servers")["k3s_node_registries"]["configs"]
    login = configured["registry.example.com:5000"]["auth"]
    assert login["username"] == "robot$nodes"
    assert login["password"] == "{{ lookup('fmc_secret', 'machines/image-mirror', 'password', workspace=argocd_part) }}"
    (catalogue,) = documents(render(WHOLE, "argocd") / "secrets/catalogue.yaml")
    (secret,) = [item for item in catalogue["machines"] if item["name"] == "image-mirror"]
    assert secret["values"]["password"] == {
        "generator": "external",
        "env": "FMC_IMAGE_MIRROR_PASSWORD",
        "playbook": "k3s.yml",
        "prompt": "Password of robot$nodes at registry.example.com:5000",
    }


def test_a_private_authority_is_written_where_k3s_is_told_to_look(render: Render) -> None:
    root = render(WHOLE, "infra")
    inputs = registries(root, "k3s_agents")
    tls = inputs["k3s_node_registries"]["configs"]["registry.example.com:5000"]["tls"]
    assert tls == {"ca_file": "{{ k3s_node_registry_authority_file }}"}
    assert inputs["k3s_node_registry_authority"].strip() == AUTHORITY.strip()
    (tasks,) = documents(root / "ansible/roles/k3s_node/tasks/main.yml")
    (writes,) = [task["ansible.builtin.copy"] for task in tasks if "authority" in task["name"]]
    assert writes["dest"] == tls["ca_file"]
    # A restart is due where a file in this folder is newer than the process.
    assert inputs["k3s_node_registry_authority_file"].startswith("/etc/rancher/k3s/")


def test_without_a_login_there_is_no_secret_and_without_the_answer_no_file(render: Render) -> None:
    answers = HA | {"image_mirror": {"registry": MIRROR}}
    assert "configs" not in registries(render(answers, "infra"), "k3s_servers")["k3s_node_registries"]
    assert "image-mirror" not in (render(answers, "argocd") / "secrets/catalogue.yaml").read_text()
    plain = render(HA, "infra") / "ansible/inventory/group_vars"
    assert not [group for group in GROUPS if (plain / group / "registries.yml").exists()]
