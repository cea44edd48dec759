"""The engine that lets kubeconform decide, with the same schemas and the same messages as the built-in one."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from generator.checks.schema.builtin import check_manifests, unknown_kind
from generator.checks.schema.schemas import INVALID
from generator.tools.kubeconform import run_kubeconform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.checks.reading.kubernetes_objects import KubernetesObject
    from generator.checks.schema.schemas import Schemas
    from generator.findings import Finding
    from generator.tools.kubeconform import KubeconformVerdict

SUFFIXES = frozenset({".yaml", ".yml", ".json"})
"""Of the files that kubeconform reads."""
_LOCATION = "{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json"


def check_with_kubeconform(manifests: Sequence[KubernetesObject], schemas: Schemas, program: Path) -> list[Finding]:
    """Check objects with kubeconform.

    Args:
        manifests: All objects of each file that occurs; files of the SUFFIXES.
        schemas: The schemas.
        program: kubeconform.

    Returns:
        All findings; a kind without a schema is one.

    Raises:
        KubeconformError: It failed, or has not looked at each object.
    """
    if not manifests:
        return []
    with tempfile.TemporaryDirectory(prefix="fmc-schemas-") as folder:
        _write_schemas({(item.api_version, item.kind) for item in manifests}, schemas, Path(folder))
        verdicts = run_kubeconform(
            program,
            Counter(item.file.real for item in manifests),
            schema_location=f"{folder}/{_LOCATION}",
            kubernetes_version=f"{schemas.minor}.0",
        )
    return [finding for verdict in verdicts if not verdict.valid for finding in _findings(verdict, manifests, schemas)]


def _write_schemas(kinds: set[tuple[str, str]], schemas: Schemas, folder: Path) -> None:
    for api_version, kind in kinds:
        if schemas.has(api_version, kind):
            group, _, version = api_version.rpartition("/")
            path = folder / (group or version) / f"{kind.lower()}_{version}.json"
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(schemas.of(api_version, kind)))


def _findings(verdict: KubeconformVerdict, manifests: Sequence[KubernetesObject], schemas: Schemas) -> list[Finding]:
    """Say why an object is not valid. The built-in engine knows the line, and repeats no value."""
    inside = [item for item in manifests if str(item.file.real) == verdict.file]
    wanted = (verdict.api_version, verdict.kind, verdict.name)
    # A name may be so wrong that kubeconform reads another one; then it is one of the objects in that file.
    same = [item for item in inside if _identity(item) == wanted] or inside
    if not schemas.has(verdict.api_version, verdict.kind):
        return [unknown_kind(item, schemas) for item in same]
    message = f"{verdict.kind} {verdict.name} is refused by kubeconform, and fits its schema as far as we can see"
    return check_manifests(same, schemas) or [INVALID.finding(same[0].flaw(message))]


def _identity(manifest: KubernetesObject) -> tuple[str, str, str]:
    generated = manifest.metadata.get("generateName")
    # As kubeconform names it.
    name = f"{generated}{{{{ generateName }}}}" if isinstance(generated, str) else manifest.name
    return manifest.api_version, manifest.kind, name
