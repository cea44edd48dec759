"""The app of apps: what Argo CD is told to read is there and allowed, and comes in the order that the README states."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

import pytest

from tests.template.argocd_tree import (
    CLUSTER_SCOPED,
    CLUSTERS,
    Cluster,
    Manifest,
    documents,
    lets_into,
    render_cluster,
    sources,
    wave,
)

if TYPE_CHECKING:
    from tests.template.conftest import Render


@pytest.fixture(scope="module", params=CLUSTERS)
def cluster(request: pytest.FixtureRequest, render: Render) -> Cluster:
    return render_cluster(render, request.param)


def children(cluster: Cluster) -> dict[str, Manifest]:
    return {name: item for name, item in cluster.of_kind("Application").items() if name != "root"}


def placed(cluster: Cluster, application: Manifest) -> list[Manifest]:
    """Return the objects that an Application takes from folders, those of charts left out."""
    found: list[Manifest] = []
    for source in sources(application):
        if "path" in source:
            directory = source.get("directory", {})
            folder = cluster.folder(source)
            for path in sorted(folder.rglob("*.yaml") if directory.get("recurse") else folder.glob("*.yaml")):
                # Like Argo CD's own globs, fnmatch lets * match a slash.
                if fnmatch(str(path.relative_to(folder)), directory.get("include", "*")):
                    found += documents(path)
    return found


def permits(project: Manifest, item: Manifest, namespace: str) -> bool:
    spec = project["spec"]
    if item["kind"] in CLUSTER_SCOPED:
        return any(entry["kind"] == item["kind"] for entry in spec.get("clusterResourceWhitelist", []))
    kinds = [entry["kind"] for entry in spec.get("namespaceResourceWhitelist", [])]
    return lets_into(project, namespace) and (not kinds or item["kind"] in kinds)


def test_every_source_is_in_the_rendered_repositories(cluster: Cluster) -> None:
    for name, application in cluster.of_kind("Application").items():
        for source in sources(application):
            if "chart" in source:
                continue
            assert source["repoURL"] in cluster.by_url, name
            assert source["targetRevision"] == f"refs/heads/{cluster.answers.get('git_branch', 'main')}"
            if "path" in source:
                assert cluster.folder(source).is_dir(), f"{name}: {source['path']}"


def test_value_files_are_there_and_end_with_the_users_own(cluster: Cluster) -> None:
    charts = 0
    for application in children(cluster).values():
        chart = next((source for source in sources(application) if "chart" in source), None)
        if chart is None:
            continue
        charts += 1
        (values,) = [source for source in sources(application) if source.get("ref") == "values"]
        files = [name.removeprefix("$values/") for name in chart["helm"]["valueFiles"]]
        assert [name.rsplit("/", 1)[1] for name in files] == ["values.yaml", "values.user.yaml"]
        for name in files:
            assert (cluster.by_url[values["repoURL"]] / name).is_file(), name
    assert charts == len(cluster.charts)


def test_user_values_set_nothing(cluster: Cluster) -> None:
    files = list(cluster.argocd.glob("platform/*/values.user.yaml"))
    assert len(files) == len(cluster.charts)
    assert [documents(path) for path in files] == [[]] * len(files)


def test_projects_permit_every_source_destination_and_object(cluster: Cluster) -> None:
    projects = cluster.of_kind("AppProject")
    for name, application in cluster.of_kind("Application").items():
        project = projects[application["spec"]["project"]]
        destination = application["spec"]["destination"]["namespace"]
        assert {source["repoURL"] for source in sources(application)} <= set(project["spec"]["sourceRepos"]), name
        assert lets_into(project, destination), name
        for item in placed(cluster, application):
            assert permits(project, item, item["metadata"].get("namespace", destination)), item["metadata"]["name"]


def test_the_platform_may_make_the_cluster_wide_objects_of_its_charts_and_no_others(cluster: Cluster) -> None:
    whitelist = cluster.of_kind("AppProject")["platform"]["spec"]["clusterResourceWhitelist"]
    listed = [f"{entry['group']}/{entry['kind']}" for entry in whitelist]
    assert sorted(listed) == sorted({"/Namespace"}.union(*(row["kinds"] for row in cluster.applications)))


def test_nobody_but_the_platform_touches_the_cluster_as_a_whole(cluster: Cluster) -> None:
    projects = cluster.of_kind("AppProject")
    del projects["platform"]
    assert [name for name, item in projects.items() if "clusterResourceWhitelist" in item["spec"]] == []
    assert projects["default"]["spec"]["sourceRepos"] == projects["default"]["spec"]["destinations"] == []


def test_an_app_stays_in_its_own_namespaces_and_brings_no_secret(cluster: Cluster) -> None:
    projects = cluster.of_kind("AppProject")
    apps = {name: projects[name]["spec"] for name in projects if name.startswith("app-")}
    assert set(apps) == {f"app-{row['name']}" for row in cluster.rows if "environments" in row}
    for name, spec in apps.items():
        own = {entry["namespace"] for entry in spec["destinations"]}
        assert all(namespace.startswith(f"{name.removeprefix('app-')}-") for namespace in own)
        assert {"group": "", "kind": "Secret"} in spec["namespaceResourceBlacklist"]


def test_secrets_reach_every_namespace_and_nothing_else_does(cluster: Cluster) -> None:
    """faults C12: the secret of a further app needs no change of a rendered project."""
    projects = cluster.of_kind("AppProject")
    assert cluster.of_kind("Application")["secrets"]["spec"]["project"] == "secrets"
    spec = projects["secrets"]["spec"]
    assert [entry["namespace"] for entry in spec["destinations"]] == ["*"]
    assert spec["namespaceResourceWhitelist"] == [{"group": "bitnami.com", "kind": "SealedSecret"}]
    # Limits take away, and give nothing.
    assert [name for name in projects if lets_into(projects[name], "somewhere-else")] == ["limits", "secrets"]


def test_every_namespace_of_a_project_is_rendered(cluster: Cluster) -> None:
    namespaces = cluster.of_kind("Namespace")
    for project in cluster.of_kind("AppProject").values():
        for destination in project["spec"].get("destinations", []):
            assert destination["namespace"] in {*namespaces, "kube-system", "*"}
    for namespace in namespaces.values():
        assert "pod-security.kubernetes.io/enforce" in namespace["metadata"]["labels"]


def test_root_holds_everything_but_itself(cluster: Cluster) -> None:
    root = cluster.of_kind("Application")["root"]
    names = {(item["kind"], item["metadata"]["name"]) for item in placed(cluster, root)}
    assert ("Application", "root") not in names
    assert {("Application", name) for name in children(cluster)} | {("ApplicationSet", "apps")} <= names
    assert {("Namespace", name) for name in cluster.of_kind("Namespace")} <= names
    assert {("AppProject", name) for name in cluster.of_kind("AppProject")} <= names


def test_root_retries_for_ever_with_the_newest_commit_and_never_skips_a_broken_child(cluster: Cluster) -> None:
    policy = cluster.of_kind("Application")["root"]["spec"]["syncPolicy"]
    assert policy["retry"]["limit"] == -1
    assert policy["retry"]["refresh"] is True
    assert policy["automated"] == {"prune": True, "selfHeal": True}
    assert set(policy["syncOptions"]) == {"ServerSideApply=true", "PruneLast=true"}


def test_waves_are_integers_in_text_and_in_the_order_of_the_readme(cluster: Cluster) -> None:
    waves: dict[str, str | None] = {name: wave(item) for name, item in children(cluster).items()}
    waves["apps"] = wave(cluster.of_kind("ApplicationSet")["apps"])
    for name, text in waves.items():
        assert isinstance(text, str), name
        assert re.fullmatch(r"-?[0-9]+", text), name
    number = {name: int(text or 0) for name, text in waves.items()}
    declared = {row["name"]: row["wave"] for row in cluster.applications}
    assert number == {"secrets": -30, "limits": 18, "apps": 20} | declared
    # The order that the rollout was proven with (docs/proof.md).
    proven = [number[name] for name in ("argocd", "sealed-secrets", "secrets", "traefik", "apps") if name in number]
    assert proven == sorted(set(proven))
    assert max(declared.values()) < number["apps"]
    rows = re.findall(r"^\| (-?[0-9]+) \| `([a-z-]+)` \|", (cluster.argocd / "README.md").read_text(), re.MULTILINE)
    assert {name: text for text, name in rows} == waves
    for item in [*cluster.of_kind("AppProject").values(), *cluster.of_kind("Namespace").values()]:
        assert wave(item) == "-100"


def test_what_carries_a_wave_syncs_by_itself(cluster: Cluster) -> None:
    generated = cluster.of_kind("ApplicationSet")["apps"]["spec"]["template"]
    for application in [*children(cluster).values(), generated]:
        policy = application["spec"]["syncPolicy"]
        assert policy["automated"] == {"prune": True, "selfHeal": True}
        assert policy["retry"]["refresh"] is True


def test_what_the_cluster_stands_on_goes_neither_silently_nor_with_its_objects(cluster: Cluster) -> None:
    applications = children(cluster)
    exposure = cluster.answers["exposure"]
    removal = {row["name"]: row["removal"][exposure] for row in cluster.applications} | {
        "secrets": "keep",
        "limits": "keep",
    }
    assert [removal[name] for name in ("argocd", "sealed-secrets")] == ["keep", "keep"]
    for name, item in (applications | cluster.of_kind("Namespace")).items():
        metadata = item["metadata"]
        how = removal[name] if item["kind"] == "Application" else "keep"
        assert ("finalizers" in metadata) is (how != "keep"), name
        options = metadata["annotations"].get("argocd.argoproj.io/sync-options", "")
        assert options == ("" if how == "cascade" else "Prune=confirm,Delete=confirm"), name


def test_charts_are_pinned_to_the_versions_file(cluster: Cluster) -> None:
    (versions,) = documents(cluster.argocd / "versions.yaml")
    pinned = {name: (chart["repository"], chart["version"]) for name, chart in versions["charts"].items()}
    used: dict[str, tuple[Any, Any]] = {}
    for application in children(cluster).values():
        for source in sources(application):
            if "chart" in source:
                used[source["chart"]] = (source["repoURL"], source["targetRevision"])
    assert used == pinned
    assert all(re.fullmatch(r"v?\d+\.\d+\.\d+", version) for _, version in pinned.values())


def test_renovate_finds_every_pin_of_the_versions_file_and_the_image(render: Render) -> None:
    cluster = render_cluster(render, "ha")
    config = (cluster.argocd / "renovate.json").read_text()
    pattern, *_ = [
        manager["matchStrings"][0] for manager in documents(cluster.argocd / "renovate.json")[0]["customManagers"]
    ]
    assert "(?<" in config
    found = re.findall(pattern.replace("(?<", "(?P<"), (cluster.argocd / "versions.yaml").read_text())
    (versions,) = documents(cluster.argocd / "versions.yaml")
    assert {(name, url, version) for _, name, url, version in found} == {
        (name, chart["repository"], chart["version"]) for name, chart in versions["charts"].items()
    }
    values = (cluster.argocd / "platform/argocd/values.yaml").read_text()
    tag = cluster.values("argocd")["global"]["image"]["tag"]
    assert re.findall(pattern.replace("(?<", "(?P<"), values) == [("docker", "quay.io/argoproj/argocd", "", tag)]


def test_sealed_manifests_are_read_at_any_depth_and_the_catalogue_is_not(cluster: Cluster) -> None:
    (source,) = sources(children(cluster)["secrets"])
    assert source["directory"] == {"recurse": True, "include": "*.sealed.yaml"}
    assert (cluster.folder(source) / "catalogue.yaml").is_file()


def test_the_application_set_makes_one_application_for_each_overlay(cluster: Cluster) -> None:
    spec = cluster.of_kind("ApplicationSet")["apps"]["spec"]
    (generator,) = [item["git"] for item in spec["generators"]]
    root = cluster.by_url[generator["repoURL"]]
    (pattern,) = [item["path"] for item in generator["directories"]]
    overlays = sorted(path for path in root.glob(pattern) if path.is_dir())
    assert len(overlays) == (2 if "hello" in cluster.answers["components"] else 0)

    (index,) = {
        int(number) for number in re.findall(r"index \.path\.segments (\d+)", spec["template"]["metadata"]["name"])
    }
    template = spec["template"]["spec"]
    assert template["destination"]["namespace"] == spec["template"]["metadata"]["name"]
    # Its prefix keeps every other project out of reach of whoever names a folder.
    assert template["project"] == f"app-{{{{ index .path.segments {index} }}}}"
    for overlay in overlays:
        app = overlay.relative_to(root).parts[index]
        namespace = f"{app}-{overlay.name}"
        (kustomization,) = documents(overlay / "kustomization.yaml")
        assert kustomization["namespace"] == namespace
        assert namespace in cluster.of_kind("Namespace")
        project = cluster.of_kind("AppProject")[f"app-{app}"]
        assert template["source"]["repoURL"] in project["spec"]["sourceRepos"]
        assert lets_into(project, namespace)
