"""Volumes on the cluster: one default StorageClass, and each class as the machines behind it can serve it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.template.argocd_tree import HA, Cluster, documents, sources

if TYPE_CHECKING:
    from pathlib import Path

    from tests.template.conftest import Render

DEFAULT = "storageclass.kubernetes.io/is-default-class"


def argocd_of(render: Render, **changes: Any) -> Cluster:
    """Render the argocd part of a cluster that differs from HA."""
    answers = HA | changes
    root = render(answers, "argocd")
    return Cluster(answers, root, root, {})


def plan_of(render: Render, **changes: Any) -> dict[str, Any]:
    """Return the plan of a cluster that differs from HA."""
    (plan,) = documents(render(HA | changes, "infra") / "plan.json")
    return dict(plan)


def nfs_class(cluster: Cluster) -> dict[str, Any]:
    """Return the one StorageClass that the chart csi-driver-nfs is told to make."""
    (found,) = cluster.values("csi-driver-nfs")["storageClasses"]
    return dict(found)


@pytest.fixture(scope="module")
def nfs(render: Render) -> Cluster:
    return argocd_of(render, components=["nfs"])


def test_nfs_asks_the_storage_machine_of_the_plan_by_its_address(nfs: Cluster, render: Render) -> None:
    server = plan_of(render, components=["nfs"])["storage"]["server"]
    assert server == {
        "name": "storage1",
        "address": "10.17.4.41",
        "shared": "/srv/nfs/shared",
        "backup": "/srv/nfs/backup",
    }
    parameters = nfs_class(nfs)["parameters"]
    assert (parameters["server"], parameters["share"]) == (server["address"], server["shared"])


def test_the_storage_machine_exports_what_the_plan_says(render: Render) -> None:
    root = render(HA | {"components": ["nfs"]}, "infra")
    (plan,) = documents(root / "plan.json")
    (variables,) = documents(root / "ansible/inventory/group_vars/storage/main.yml")
    assert variables["data_volumes_wanted"] == "{{ plan.storage.volumes }}"
    paths = [volume["path"] for volume in plan["storage"]["volumes"]]
    assert paths == [plan["storage"]["server"][folder] for folder in ("shared", "backup")]


def test_a_claim_that_is_deleted_leaves_its_folder_and_no_other_claim_gets_it(nfs: Cluster) -> None:
    """The driver moves the folder away, and fails for ever where a second one of that name was moved there before."""
    parameters = nfs_class(nfs)["parameters"]
    assert parameters["onDelete"] == "archive"
    assert "${pv.metadata.name}" in parameters["subDir"]
    assert nfs.values("csi-driver-nfs")["controller"]["defaultOnDeletePolicy"] == "retain"


def test_pods_of_any_user_may_write_though_the_nodes_root_is_nobody_there(nfs: Cluster, render: Render) -> None:
    defaults = render(HA | {"components": ["nfs"]}, "infra") / "ansible/roles/nfs_server/defaults/main.yml"
    assert documents(defaults) == [{"nfs_server_squash": "root_squash"}]
    assert nfs_class(nfs)["parameters"]["mountPermissions"] == "0777"
    assert nfs.values("csi-driver-nfs")["feature"] == {"enableFSGroupPolicy": False}


def test_nfs_runs_no_snapshotter_whose_kinds_nobody_has_installed(nfs: Cluster) -> None:
    values = nfs.values("csi-driver-nfs")
    assert values["controller"]["enableSnapshotter"] is False
    # Absent: the chart leaves its own snapshot-controller out.
    assert "externalSnapshotter" not in values


def test_nfs_has_one_controller_since_a_second_one_would_want_the_same_ports(nfs: Cluster) -> None:
    assert "replicas" not in nfs.values("csi-driver-nfs")["controller"]


def test_nfs_speaks_a_version_that_the_storage_machine_speaks(nfs: Cluster, render: Render) -> None:
    options = nfs_class(nfs)["mountOptions"]
    settings = (
        render(HA | {"components": ["nfs"]}, "infra") / "ansible/roles/nfs_server/files/version4.conf"
    ).read_text()
    assert "nfsvers=4.2" in options
    assert "vers4.2=y" in settings.splitlines()
    assert "hard" in options


def test_the_driver_outlives_its_application(nfs: Cluster) -> None:
    """Without it no pod lets go of a volume."""
    application = nfs.of_kind("Application")["csi-driver-nfs"]
    assert "finalizers" not in application["metadata"]
    assert "Delete=confirm" in application["metadata"]["annotations"]["argocd.argoproj.io/sync-options"]
    # Chart versions have no v.
    (version,) = (source["targetRevision"] for source in sources(application) if "chart" in source)
    assert version[0].isdigit()


@pytest.mark.parametrize(
    ("chosen", "default"),
    [([], "local-path"), (["nfs"], "nfs"), (["longhorn"], "longhorn"), (["nfs", "longhorn"], "longhorn")],
)
def test_exactly_one_storage_class_is_the_default(render: Render, chosen: list[str], default: str) -> None:
    plan, cluster = plan_of(render, components=chosen), argocd_of(render, components=chosen)
    assert plan["storage"]["class"] == default
    defaults = [] if "local-storage" in plan["k3s"]["disable"] else ["local-path"]
    if "nfs" in chosen and nfs_class(cluster).get("annotations", {}).get(DEFAULT) == "true":
        defaults.append("nfs")
    if "longhorn" in chosen and cluster.values("longhorn")["persistence"]["defaultClass"]:
        defaults.append("longhorn")
    assert defaults == [default]


def test_the_servers_leave_out_what_the_plan_says(render: Render) -> None:
    root: Path = render(HA | {"components": ["nfs"]}, "infra")
    (variables,) = documents(root / "ansible/inventory/group_vars/k3s_servers/main.yml")
    assert variables["k3s_server_disable"] == "{{ plan.k3s.disable }}"
    (plan,) = documents(root / "plan.json")
    assert plan["k3s"]["disable"] == ["traefik", "servicelb", "local-storage"]
