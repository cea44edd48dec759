"""Applications of the tests' own: each is one of the product's, with another name, another source and another place."""

from __future__ import annotations

import copy
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

if TYPE_CHECKING:
    from tests.e2e.user import User

NAMESPACE = "traefik"
"""Where their objects go: a namespace that the project platform knows, and whose pods have to be restricted ones."""
Manifest = dict[str, Any]


def root_of(user: User, name: str, path: str) -> Manifest:
    """Return the product's root Application, but for its name, and for the one folder that it reads.

    Args:
        user: Whose repositories.
        name: Of the Application.
        path: The folder in the repository argocd.
    """
    manifest: Manifest = copy.deepcopy(user.yaml("argocd", "bootstrap/root.yaml"))
    manifest["metadata"]["name"] = name
    source = manifest["spec"].pop("sources")[0]
    source.pop("directory", None)
    manifest["spec"]["source"] = {**source, "path": path}
    return manifest


def child_of(user: User, name: str, wave: int, **source: object) -> Manifest:
    """Return a child Application of the product, but for its name, its wave and its source.

    Args:
        user: Whose repositories.
        name: Of the Application.
        wave: Its wave.
        source: Fields of the source beside repoURL and targetRevision; they may be set, too.
    """
    manifest: Manifest = copy.deepcopy(user.yaml("argocd", "applications/traefik.yaml"))
    metadata, spec = manifest["metadata"], manifest["spec"]
    metadata["name"] = name
    metadata["annotations"]["argocd.argoproj.io/sync-wave"] = str(wave)
    git = next(each for each in spec.pop("sources") if "chart" not in each)
    spec["source"] = {"repoURL": git["repoURL"], "targetRevision": git["targetRevision"], **source}
    spec["destination"]["namespace"] = NAMESPACE
    return manifest


def config_map(name: str, **data: str) -> Manifest:
    """Return the simplest thing that an Application can hold."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def dump(*manifests: Manifest) -> str:
    """Return manifests as the text of a file."""
    text = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.dump_all(manifests, text)
    return text.getvalue()


def write(folder: str, **files: str) -> dict[Path, str | None]:
    """Return files for a commit: content by name, `.yaml` added, below a folder."""
    return {Path(folder) / f"{name}.yaml": content for name, content in files.items()}
