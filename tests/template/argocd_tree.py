"""What Argo CD would read in rendered repositories: manifests, sources, projects."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from tests.template.components import Row, choices, is_application, is_chart, is_there, read_table
from tests.template.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.template.conftest import Render

CLUSTER_SCOPED = {
    "Bundle",
    "ClusterIssuer",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "IngressClass",
    "Namespace",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
}

HA: dict[str, Any] = {
    "name": "home",
    "domain": "home.example.com",
    "profile": "ha",
    "git_base_url": "https://git.example.com/home",
    "email": "ops@example.com",
    "ssh_public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ops@example",
    "edge": "nat",
    "exposure": "private",
    "components": choices(ROOT),
}
SINGLE = HA | {
    "profile": "single",
    "edge": "192.168.0.0/24",
    "git_base_url": "ssh://git@git.example.com/home",
    # It has no storage machine.
    "components": [choice for choice in choices(ROOT) if choice != "nfs"],
}
EXISTING = {name: value for name, value in SINGLE.items() if name not in ("edge", "ssh_public_key")} | {
    "profile": "ha",
    "existing_cluster": {
        "api": "https://k8s.example.com:6443",
        "version": "v1.36.4",
        "pod_cidr": "10.244.0.0/16",
        "ingress": "203.0.113.7",
        "networks": ["10.0.0.0/24"],
    },
}
PARTS, MONOREPO = "parts", "monorepo"
CLUSTERS: dict[str, tuple[dict[str, Any], str]] = {
    "ha": (HA, PARTS),
    "ha-lan-public": (
        HA
        | {
            "edge": "192.168.0.0/24",
            "exposure": "public",
            "git_branch": "stable/1",
            "notifications": {"receiver": "webhook"},
        },
        PARTS,
    ),
    "ha-without-components": (HA | {"components": [], "git_read": "anonymous"}, PARTS),
    "ha-traefik-monorepo": (HA | {"components": ["traefik"]}, MONOREPO),
    "single": (SINGLE | {"repositories": {"argocd": "platform"}}, PARTS),
    "single-public-monorepo": (
        SINGLE | {"exposure": "public", "notifications": {"receiver": "email", "server": "smtp.example.com:587"}},
        MONOREPO,
    ),
    "existing": (EXISTING, PARTS),
}

Manifest = dict[str, Any]
ROWS = read_table(ROOT)


def documents(path: Path) -> list[Any]:
    """Return the documents of a YAML file that are not empty; ruamel refuses duplicate keys."""
    return deepcopy(_documents(path.read_bytes()))


@cache
def _documents(content: bytes) -> list[Any]:
    """Read a content once: tests look at the same trees a hundred times, and ruamel reads half a megabyte a second."""
    return [document for document in YAML(typ="safe").load_all(content) if document is not None]


@dataclass(frozen=True)
class Cluster:
    """The repositories of one cluster.

    Attributes:
        answers: What they were rendered from.
        argocd: Root of the argocd part.
        apps: Root of the apps part.
        by_url: Root of each repository by the URL that Argo CD reads it from.
    """

    answers: Mapping[str, Any]
    argocd: Path
    apps: Path
    by_url: Mapping[str, Path]

    @property
    def catalogue(self) -> dict[str, Any]:
        """Return the catalogue of secrets as it stands in the file."""
        (document,) = documents(self.argocd / "secrets/catalogue.yaml")
        return dict(document)

    @property
    def rows(self) -> list[Row]:
        """Return the rows of the components that are there."""
        return [row for row in ROWS if is_there(row, self.answers)]

    @property
    def applications(self) -> list[Row]:
        """Return the rows of the components with an Application that are there."""
        return [row for row in self.rows if is_application(row)]

    @property
    def charts(self) -> list[Row]:
        """Return the rows of the components with a Helm chart that are there."""
        return [row for row in self.rows if is_chart(row)]

    def values(self, component: str) -> dict[str, Any]:
        """Return the chart values of a component, without the user's."""
        (document,) = documents(self.argocd / f"platform/{component}/values.yaml")
        return dict(document)

    def manifests(self) -> Iterator[tuple[Path, Manifest]]:
        """Yield every Kubernetes object of the argocd part, root included."""
        folders = ["bootstrap", "projects", "namespaces", "limits", "applications", "platform/*/manifests"]
        for folder in folders:
            for path in sorted(self.argocd.glob(f"{folder}/*.yaml")):
                for document in documents(path):
                    yield path, document

    def of_kind(self, kind: str) -> dict[str, Manifest]:
        """Return the objects of a kind in the argocd part, by name."""
        return {item["metadata"]["name"]: item for _, item in self.manifests() if item["kind"] == kind}

    def within(self, namespace: str, kind: str) -> dict[str, Manifest]:
        """Return the objects of a kind in one namespace, by name: other namespaces may have the same names."""
        found = [item for _, item in self.manifests() if item["kind"] == kind]
        return {item["metadata"]["name"]: item for item in found if item["metadata"].get("namespace") == namespace}

    def folder(self, source: Mapping[str, Any]) -> Path:
        """Return the folder that a source with a path points to."""
        path: str = source["path"]
        return self.by_url[source["repoURL"]] / path


def render_cluster(render: Render, name: str) -> Cluster:
    """Render the repositories of one of CLUSTERS."""
    answers, layout = CLUSTERS[name]
    base, names = answers["git_base_url"], answers.get("repositories", {})
    if layout == MONOREPO:
        root = render(answers, MONOREPO)
        return Cluster(answers, root / "argocd", root / "apps", {f"{base}/{answers['name']}.git": root})
    argocd, apps = render(answers, "argocd"), render(answers, "apps")
    by_url = {f"{base}/{names.get(part, part)}.git": root for part, root in (("argocd", argocd), ("apps", apps))}
    return Cluster(answers, argocd, apps, by_url)


def sources(application: Manifest) -> list[dict[str, Any]]:
    """Return the sources of an Application, be it one or several."""
    spec = application["spec"]
    return list(spec.get("sources") or [spec["source"]])


def wave(item: Manifest) -> str | None:
    """Return the text of an object's sync wave."""
    annotation: str | None = item["metadata"].get("annotations", {}).get("argocd.argoproj.io/sync-wave")
    return annotation


def lets_into(project: Manifest, namespace: str) -> bool:
    """Return whether a project permits a namespace."""
    return any(fnmatchcase(namespace, entry["namespace"]) for entry in project["spec"]["destinations"])
