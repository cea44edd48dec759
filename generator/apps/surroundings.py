"""What an app has to live with: the names, namespaces and hosts that others have already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from generator.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

HOSTS = "flatcar-microcloud.local/hosts"
"""The annotation of a namespace that says for which hosts routes in it may answer."""
_FOLDER = "namespaces"


@dataclass(frozen=True)
class Surroundings:
    """What others have already.

    Attributes:
        domain: The cluster's domain.
        ingress: Whether there is an ingress.
        names: What an app can't be called, since the template calls something else so, now or with other answers.
        namespaces: Who has a namespace.
        hosts: Who has a host.
    """

    domain: str
    ingress: bool
    names: frozenset[str]
    namespaces: Mapping[str, str]
    hosts: Mapping[str, str]


def declared_namespaces(argocd: Path, but: str = "") -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Read the namespaces of a repository.

    Args:
        argocd: Folder of the part argocd.
        but: The app whose own are left out.

    Yields:
        Each namespace with the file that declares it, and its hosts.

    Raises:
        BadInputError: A file can't be read.
    """
    for path in sorted((argocd / _FOLDER).glob("*.y*ml")):
        if path.stem != but:
            for name, hosts in namespaces_in(path):
                yield name, f"{_FOLDER}/{path.name}", hosts


def namespaces_in(path: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Read a file of namespaces, each with its hosts.

    Raises:
        BadInputError: It can't be read.
    """
    for document in documents(path):
        metadata = document.get("metadata") or {}
        if document.get("kind") == "Namespace" and isinstance(metadata.get("name"), str):
            hosts = str((metadata.get("annotations") or {}).get(HOSTS, ""))
            yield metadata["name"], tuple(filter(None, hosts.split(",")))


def documents(path: Path) -> Iterable[dict[str, Any]]:
    """Return the documents of a file that are mappings.

    Raises:
        BadInputError: It can't be read.
    """
    try:
        return [one for one in yaml.safe_load_all(path.read_bytes()) if isinstance(one, dict)]
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise BadInputError(
            f"{path} can't be read as YAML: {type(error).__name__}",
            where=str(path),
            fix="`fmc check` says what is wrong with it; correct that first.",
        ) from error
