"""Kubernetes's own schemas, made into one small file for each minor version.

The source is the package kubernetes-validate, which carries the OpenAPI definitions that Kubernetes publishes, in their
strict form: an object has no fields but those that are listed. The build hook calls this, where nothing of ours is
installed yet: the standard library is all that may be imported here.
"""

from __future__ import annotations

import importlib.util
import json
import lzma
from pathlib import Path
from typing import Any

MINORS = ("1.34", "1.35", "1.36")
"""The minor versions of Kubernetes that are bundled, oldest first."""
FORMAT = 2
"""Raised when the content of a bundle changes, so that one made earlier is made anew."""

_REFERENCE = "#/$defs/"
_DROPPED = frozenset({"description", "$id", "default", "format"})


def bundle_name(minor: str) -> str:
    """Return the name of the file that holds the schemas of a minor version."""
    return f"kubernetes-{minor}.json.xz"


def write_bundles(folder: Path) -> list[Path]:
    """Write the bundles of all minor versions into a folder.

    The same package gives the same bytes.

    Raises:
        LookupError: kubernetes-validate is not installed, or has no such version.
    """
    written = []
    for minor in MINORS:
        path = folder / bundle_name(minor)
        path.write_bytes(make_bundle(minor))
        written.append(path)
    return written


def make_bundle(minor: str) -> bytes:
    """Return the schemas of a minor version, as compressed JSON.

    The content is `{"format", "kubernetes", "kinds": {"<apiVersion> <kind>": name}, "definitions": {name: schema}}`.

    Args:
        minor: For instance `1.36`.

    Raises:
        LookupError: kubernetes-validate is not installed, or has no such version.
    """
    found = importlib.util.find_spec("kubernetes_validate")
    if found is None or found.origin is None:
        raise LookupError("the package kubernetes-validate is not installed")
    folder = Path(found.origin).parent / "kubernetes-json-schema" / f"v{minor}.0-local-strict"
    try:
        definitions: dict[str, Any] = json.loads((folder / "_definitions.json").read_bytes())["$defs"]
    except OSError:
        raise LookupError(f"kubernetes-validate has no schemas of Kubernetes {minor}") from None
    slim = {name: _slim(schema) for name, schema in definitions.items()}
    kinds = {}
    for key, name in _kinds(definitions).items():
        api_version, kind = key.split(" ")
        # Beside the definition: inside of another object, such as a StatefulSet's claims, all three may be absent.
        kinds[key] = f"{name}.object"
        slim[kinds[key]] = slim[name] | {
            "properties": slim[name]["properties"] | {"apiVersion": {"const": api_version}, "kind": {"const": kind}},
            "required": sorted({*slim[name].get("required", ()), "apiVersion", "kind", "metadata"}),
        }
    used = closure(slim, kinds.values())
    content = {
        "format": FORMAT,
        "kubernetes": minor,
        "kinds": kinds,
        "definitions": {name: slim[name] for name in used},
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return lzma.compress(text.encode(), preset=9)


def _kinds(definitions: dict[str, Any]) -> dict[str, str]:
    """Return what can stand in a repository: objects with metadata of their own, no lists and no requests."""
    kinds = {}
    for name, schema in sorted(definitions.items()):
        identities = schema.get("x-kubernetes-group-version-kind", [])
        metadata = schema.get("properties", {}).get("metadata", {})
        if len(identities) == 1 and metadata.get("$ref", "").endswith(".ObjectMeta"):
            (identity,) = identities
            group = f"{identity['group']}/" if identity["group"] else ""
            kinds[f"{group}{identity['version']} {identity['kind']}"] = name
    return kinds


def _slim(schema: Any) -> Any:
    """Leave out what is for people and for servers."""
    if isinstance(schema, list):
        return [_slim(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {}
    for key, value in schema.items():
        if key == "properties":
            result[key] = {name: _slim(item) for name, item in value.items()}
        elif key not in _DROPPED and not key.startswith("x-kubernetes-"):
            result[key] = _slim(value)
    return result


def closure(definitions: dict[str, Any], names: Any) -> list[str]:
    """Return the names of all definitions that some of them need, those included, sorted.

    Args:
        definitions: Schemas by name; they refer to each other by `#/$defs/<name>`.
        names: Where to begin.
    """
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _references(definitions[name])
    return sorted(found)


def _references(schema: Any) -> list[str]:
    if isinstance(schema, list):
        return [name for item in schema for name in _references(item)]
    if not isinstance(schema, dict):
        return []
    own = schema.get("$ref")
    inner = [name for item in schema.values() for name in _references(item)]
    return [own.removeprefix(_REFERENCE), *inner] if isinstance(own, str) else inner
