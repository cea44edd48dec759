"""An app as its own files describe it: what `fmc add app` was told stands in them, and nowhere else.

So it is known which files are still as fmc writes them: those that come out when the app is made again. What can't be
read counts as not said; the file in which it should stand then differs.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from generator.apps.request import App, Environment
from generator.apps.surroundings import documents, namespaces_in
from generator.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from writeback.image import Image

_FROM = "FROM "


def read_app(name: str, parts: Mapping[str, Path], image_in: Callable[[str, str, str], Image]) -> App:
    """Return the app of that name as far as its files describe it; its secrets stand in the catalogue.

    Args:
        name: Name of the app.
        parts: Folder of each part.
        image_in: Returns the image that the text of an overlay says for an app.
    """
    folder = parts["apps"] / "apps" / name
    namespaces: dict[str, tuple[str, ...]] = {}
    with suppress(BadInputError):
        namespaces = dict(namespaces_in(parts["argocd"] / "namespaces" / f"{name}.yaml"))
    environments = tuple(
        _environment(folder, name, namespace.removeprefix(f"{name}-"), hosts, image_in)
        for namespace, hosts in namespaces.items()
        if namespace.startswith(f"{name}-")
    )
    container = _container(folder / "base" / "deployment.yaml")
    return App(name, _port(container), _health(container), environments, source=_source(parts, name))


def _environment(
    folder: Path, app: str, name: str, hosts: tuple[str, ...], image_in: Callable[[str, str, str], Image]
) -> Environment:
    path = folder / "overlays" / name / "kustomization.yaml"
    image, replicas = None, 1
    with suppress(BadInputError, OSError, ValueError):
        image = image_in(path.read_text("utf-8"), app, path.name)
        counts = [found for one in documents(path) for found in _items(one.get("replicas"))]
        replicas = next((int(found["count"]) for found in counts if isinstance(found.get("count"), int)), 1)
    return Environment(name, hosts[0] if hosts else "", replicas, image)


def _container(path: Path) -> dict[str, Any]:
    with suppress(BadInputError, AttributeError, KeyError, TypeError, IndexError):
        (deployment,) = documents(path)
        container = deployment["spec"]["template"]["spec"]["containers"][0]
        return container if isinstance(container, dict) else {}
    return {}


def _port(container: Mapping[str, Any]) -> int:
    numbers = [one.get("containerPort") for one in _items(container.get("ports"))]
    return next((number for number in numbers if isinstance(number, int)), 0)


def _health(container: Mapping[str, Any]) -> str:
    with suppress(KeyError, TypeError):
        return str(container["readinessProbe"]["httpGet"]["path"])
    return ""


def _source(parts: Mapping[str, Path], name: str) -> str:
    with suppress(OSError, ValueError):
        first = (parts["apps"] / "sources" / name / "Dockerfile").read_text("utf-8").partition("\n")[0]
        return first.removeprefix(_FROM) if first.startswith(_FROM) else ""
    return ""


def _items(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
