"""The built-in schema engine: jsonschema-rs over the bundled schemas, with messages that say what to do.

A message never repeats a value: the object may be a Secret.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from generator.checks.schema.schemas import INVALID, UNKNOWN_KIND
from generator.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jsonschema_rs import Draft202012Validator, ValidationError

    from generator.checks.reading.kubernetes_objects import KubernetesObject
    from generator.checks.reading.yamlgo import Step
    from generator.checks.schema.schemas import Schemas
    from generator.findings import Finding

_TYPE_NAMES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "nothing",
    "number": "a number",
    "object": "a mapping",
    "string": "text",
}
_LIMITS = {
    "maxItems": "has too many entries, {} at most",
    "maxLength": "has too many characters, {} at most",
    "maxProperties": "has too many entries, {} at most",
    "maximum": "must be at most {}",
    "minItems": "has too few entries, {} at least",
    "minLength": "has too few characters, {} at least",
    "minProperties": "has too few entries, {} at least",
    "minimum": "must be at least {}",
}


def check_manifests(manifests: Iterable[KubernetesObject], schemas: Schemas) -> list[Finding]:
    """Check objects against the schemas of their kinds.

    Args:
        manifests: The objects.
        schemas: The schemas.

    Returns:
        All findings; a kind without a schema is one.
    """
    validators: dict[tuple[str, str], tuple[Draft202012Validator, dict[str, Any]]] = {}
    findings: list[Finding] = []
    for manifest in manifests:
        key = (manifest.api_version, manifest.kind)
        if not schemas.has(*key):
            findings.append(unknown_kind(manifest, schemas))
            continue
        if key not in validators:
            schema = schemas.of(*key)
            validators[key] = (_validator(schema), schema)
        validator, schema = validators[key]
        try:
            errors = list(validator.iter_errors(manifest.value))
        except ValueError:
            # jsonschema-rs goes 255 levels deep; no kind of Kubernetes needs a tenth of that.
            findings.append(INVALID.finding(manifest.flaw(f"{manifest.kind} {manifest.name}: it is nested too deeply")))
            continue
        for error in errors:
            findings += _findings(manifest, error, schema)
    return findings


def unknown_kind(manifest: KubernetesObject, schemas: Schemas) -> Finding:
    """Return the finding about an object whose kind has no schema.

    In a group of Kubernetes itself, or of a kind that we know in another version, that is a mistake. A custom resource
    of somebody else may be right; all that can be said is that nobody has looked.
    """
    kind, nearest = f"{manifest.api_version} {manifest.kind}", schemas.nearest(manifest.api_version, manifest.kind)
    same_group = nearest.split(" ")[0].rpartition("/")[0] == manifest.group
    if manifest.group in schemas.builtin_groups or (nearest and same_group):
        message = f"Kubernetes {schemas.minor} and the operators here have no {kind}"
        place, severity = "kind" if nearest.startswith(f"{manifest.api_version} ") else "apiVersion", Severity.ERROR
    else:
        message = f"there is no schema for {kind}, so that its fields were not checked"
        place, severity = "apiVersion", Severity.WARNING
    fix = f"Did you mean {nearest}?" if nearest else ""
    return UNKNOWN_KIND.finding(manifest.flaw(message, place, fix=fix, severity=severity))


def _validator(schema: dict[str, Any]) -> Draft202012Validator:
    # Imported where it is needed: most verbs of the command never check a schema.
    from jsonschema_rs import Draft202012Validator

    return Draft202012Validator(schema)


def _findings(manifest: KubernetesObject, error: ValidationError, schema: dict[str, Any]) -> Iterator[Finding]:
    path: tuple[Step, ...] = tuple(error.instance_path)
    kind: Any = error.kind
    if kind.name == "additionalProperties":
        known = _at(schema, error.schema_path[:-1]).get("properties", {})
        for name in kind.unexpected:
            yield _finding(manifest, f"{name} is no field here", (*path, name), _near(name, known))
    else:
        yield _finding(manifest, _explain(error), path, _quote_hint(error))


def _finding(manifest: KubernetesObject, message: str, path: tuple[Step, ...], fix: str) -> Finding:
    subject = " ".join(part for part in (manifest.kind, manifest.name) if part)
    return INVALID.finding(manifest.flaw(f"{subject}: {message}", *path, fix=fix))


def _at(schema: Any, path: Iterable[Step]) -> dict[str, Any]:
    for step in path:
        schema = schema[step]
    return dict(schema)


def _near(name: str, known: Iterable[str]) -> str:
    # Without regard to case: `readonly` for readOnly is the most frequent slip.
    folded = {key.lower(): key for key in known}
    near = difflib.get_close_matches(name.lower(), folded, n=1)
    return f"Did you mean {folded[near[0]]}?" if near else ""


def _explain(error: ValidationError) -> str:
    """Return what is wrong, without the value."""
    place = str(error.instance_path[-1]) if error.instance_path else "it"
    place = f"entry {int(place) + 1} of the list" if place.isdecimal() else place
    kind: Any = error.kind
    match kind.name:
        case "required":
            return f"{kind.property} is missing" + (f" in {place}" if error.instance_path else "")
        case "type":
            return f"{place} must be {_types(kind.types)}, it is {_type_of(error.instance)}"
        case "oneOf" | "anyOf":
            return f"{place} {_alternatives(error)}"
        case "enum":
            return f"{place} must be one of {', '.join(map(str, kind.options))}"
        case "const":
            return f"{place} must be {kind.expected_value}"
        case "pattern":
            return f"{place} doesn't have the form {kind.pattern}"
        case name if name in _LIMITS:
            return f"{place} {_LIMITS[name].format(kind.limit)}"
        case name:
            return f"{place} doesn't fit the schema ({name})"


def _alternatives(error: ValidationError) -> str:
    """Explain by what the alternatives want: missing fields, or other types."""
    kind: Any = error.kind
    inner = [item for errors in getattr(kind, "context", ()) for item in errors]
    if inner and all(item.kind.name == "required" for item in inner):
        return f"needs one of {', '.join(item.kind.property for item in inner)}"
    types = [name for item in inner if item.kind.name == "type" for name in item.kind.types]
    if types:
        return f"must be {_types(types)}, it is {_type_of(error.instance)}"
    return "fits none of the permitted forms"


def _types(names: Iterable[str]) -> str:
    """Return types in words; that an optional field may also be null goes without saying."""
    wanted = [_TYPE_NAMES[name] for name in dict.fromkeys(names) if name != "null"]
    return " or ".join(wanted) or _TYPE_NAMES["null"]


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "a truth value"
    names = {dict: "object", list: "array", int: "integer", float: "number", str: "string"}
    return _TYPE_NAMES[names.get(type(value), "null")]


def _quote_hint(error: ValidationError) -> str:
    kind: Any = error.kind
    wants_text = kind.name == "type" and "string" in kind.types
    return "Put it in quotes." if wants_text and isinstance(error.instance, (bool, int, float)) else ""
