"""What the tests of Jenkins look into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

if TYPE_CHECKING:
    from tests.template.argocd_tree import Cluster, Manifest


def parsed(text: str) -> Any:
    """Return what a text in a value means as YAML."""
    return YAML(typ="safe").load(text)


def logins_at_git(cluster: Cluster) -> list[str]:
    """Return the names of Jenkins's logins at Git: a key of SSH opens one repository, a token all of a server."""
    alone = not cluster.answers["git_base_url"].startswith("ssh:") or cluster.argocd.name == "argocd"
    machines = [] if "existing_cluster" in cluster.answers else ["git-infra"]
    return ["git"] if alone else ["git", *machines, "git-argocd"]


def pod(cluster: Cluster) -> Manifest:
    """Return the pod of the template buildkit, as Kubernetes gets it."""
    (template,) = parsed(cluster.values("jenkins")["agent"]["podTemplates"]["buildkit"])
    return dict(parsed(template["yaml"])) | {"metadata": {"name": "buildkit"}}
