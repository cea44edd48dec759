"""The schemas: Kubernetes's own for one minor version, and ours for the custom resources, as one set.

Kubernetes's come bundled with the wheel. A checkout that was not built makes them when they are first wanted, from the
package kubernetes-validate, and keeps them in the user's cache. Nothing is fetched.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import json
import lzma
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.checks.schema.bundle import FORMAT, MINORS, bundle_name, closure, make_bundle
from generator.errors import FmcError, WriteError
from generator.files import write_atomic
from generator.findings import declare

if TYPE_CHECKING:
    from collections.abc import Mapping

INVALID = declare("schema/invalid", "An object fits the schema of its kind; unknown fields are refused.")
UNKNOWN_KIND = declare("schema/unknown-kind", "There is a schema for each kind.")

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_FOLDER = Path(__file__).parent / "data"
_MINOR = re.compile(r"v?(\d+)\.(\d+)")


@dataclass(frozen=True)
class Schemas:
    """Schemas by kind.

    Attributes:
        minor: Minor version of Kubernetes that they are of, e.g. `1.36`.
        kinds: Name of a kind's definition, by `<apiVersion> <kind>`.
        definitions: JSON schemas that refer to each other by `#/$defs/<name>`.
        builtin_groups: The API groups of Kubernetes itself, "" for the core.
    """

    minor: str
    kinds: Mapping[str, str]
    definitions: Mapping[str, Any]
    builtin_groups: frozenset[str]

    def has(self, api_version: str, kind: str) -> bool:
        """Return whether there is a schema for a kind."""
        return f"{api_version} {kind}" in self.kinds

    def of(self, api_version: str, kind: str) -> dict[str, Any]:
        """Return the schema of a kind with all that it needs, and nothing else."""
        name = self.kinds[f"{api_version} {kind}"]
        needed = {key: self.definitions[key] for key in closure(dict(self.definitions), [name])}
        return {"$schema": DIALECT, "$ref": f"#/$defs/{name}", "$defs": needed}

    def nearest(self, api_version: str, kind: str) -> str:
        """Return the kind that was probably meant; "" if none is near."""
        same = [key for key in self.kinds if key.split(" ")[1] == kind]
        if same:
            return difflib.get_close_matches(f"{api_version} {kind}", same, n=1, cutoff=0)[0]
        return next(iter(difflib.get_close_matches(f"{api_version} {kind}", self.kinds, n=1, cutoff=0.8)), "")


def minor_for(kubernetes_version: str) -> tuple[str, bool]:
    """Return the bundled minor version that stands for a version of Kubernetes.

    Args:
        kubernetes_version: For instance `v1.36.4+k3s1`, or `1.36`.

    Returns:
        The minor version itself where it is bundled, else the nearest one; and whether it is the version itself.
    """
    match = _MINOR.match(kubernetes_version)
    wanted = (int(match[1]), int(match[2])) if match else (0, 0)
    known = {tuple(int(part) for part in minor.split(".")): minor for minor in MINORS}
    if wanted in known:
        return known[wanted], True
    return (MINORS[0] if match and wanted < min(known) else MINORS[-1]), False


@functools.cache
def load_schemas(minor: str) -> Schemas:
    """Load Kubernetes's schemas of a bundled minor version, and ours.

    Raises:
        FmcError: This installation has none and can't make them.
    """
    bundle = _bundle(minor)
    kinds, definitions = dict(bundle["kinds"]), dict(bundle["definitions"])
    groups = frozenset(_group(key.split(" ")[0]) for key in kinds)
    for path in sorted(_FOLDER.glob("*.json")):
        own = json.loads(path.read_bytes())
        prefix = f"{path.stem}."
        kinds |= {key: prefix + name for key, name in own["kinds"].items()}
        definitions |= {
            prefix + name: _closed(schema, prefix, own["definitions"]) for name, schema in own["definitions"].items()
        }
    return Schemas(minor, kinds, definitions, groups)


def _group(api_version: str) -> str:
    return api_version.rpartition("/")[0]


def _closed(schema: Any, prefix: str, siblings: Mapping[str, Any]) -> Any:
    """Close the objects of our own schemas against unknown fields, and make their references unambiguous."""
    if isinstance(schema, list):
        return [_closed(item, prefix, siblings) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties":
            result[key] = {name: _closed(item, prefix, siblings) for name, item in value.items()}
        elif key == "$ref" and (name := value.removeprefix("#/$defs/")) in siblings:
            result[key] = f"#/$defs/{prefix}{name}"
        else:
            result[key] = _closed(value, prefix, siblings)
    if "properties" in schema:
        result = {"type": "object", "additionalProperties": False} | result
    return result


def _bundle(minor: str) -> dict[str, Any]:
    name = bundle_name(minor)
    cached = _cache_folder() / name
    for path in (_FOLDER / name, cached):
        content = _parsed(path)
        if content is not None:
            return content
    try:
        made = make_bundle(minor)
    except LookupError as error:
        raise FmcError(
            f"this installation has no schemas of Kubernetes {minor}: {error}",
            where=str(_FOLDER),
            fix="Install fmc again from its wheel, or run `pip install kubernetes-validate` beside this checkout.",
        ) from None
    # Without a cache it is made again the next time.
    with contextlib.suppress(WriteError):
        write_atomic(cached, made)
    content = json.loads(lzma.decompress(made))
    return dict(content)


def _parsed(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(lzma.decompress(path.read_bytes()))
    except (OSError, lzma.LZMAError, ValueError):
        return None
    return content if isinstance(content, dict) and content.get("format") == FORMAT else None


def _cache_folder() -> Path:
    """Return where the XDG base directory specification wants a cache."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(given) if given.startswith("/") else Path.home() / ".cache"
    return base / "fmc" / "schemas"
