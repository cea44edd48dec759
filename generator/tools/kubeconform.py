"""kubeconform: runs it without a network, and proves that it looked at every object.

It ends with 0 for a folder that it doesn't follow, drops documents, and takes a schema that it can't compile for a
missing one. So its answer counts only if it has a verdict on as many objects of each file as there are.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from generator.errors import ToolError
from generator.tools.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# Well below what a command line may hold.
_FILES_AT_ONCE = 500
_COUNTED = ("valid", "invalid", "errors", "skipped")


class KubeconformError(ToolError):
    """kubeconform failed, or left objects out."""


@dataclass(frozen=True)
class KubeconformVerdict:
    """What kubeconform says about one object.

    Attributes:
        file: The file, as it was given.
        api_version: Its apiVersion.
        kind: Its kind.
        name: Its name.
        valid: Whether it is valid.
        message: Why not; it may repeat values of the object.
    """

    file: str
    api_version: str
    kind: str
    name: str
    valid: bool
    message: str


def run_kubeconform(
    program: Path, objects: Mapping[Path, int], *, schema_location: str, kubernetes_version: str
) -> list[KubeconformVerdict]:
    """Validate files, strictly: unknown fields and repeated keys are errors.

    Args:
        program: kubeconform.
        objects: How many objects each file holds. YAML and JSON by their suffix; it passes over others.
        schema_location: Template of the schemas' file names; nothing else is asked for a schema.
        kubernetes_version: Three numbers, e.g. `1.36.0`.

    Returns:
        A verdict on each object, in the order of files.

    Raises:
        KubeconformError: It failed, or has not looked at each object.
    """
    command = Command(str(program), timeout=120.0, error=KubeconformError, ok=frozenset({0, 1}))
    options = ["-strict", "-verbose", "-summary", "-output", "json", "-kubernetes-version", kubernetes_version]
    options += ["-schema-location", schema_location]
    files = sorted(objects)
    verdicts: list[KubeconformVerdict] = []
    for start in range(0, len(files), _FILES_AT_ONCE):
        chunk = files[start : start + _FILES_AT_ONCE]
        result = command.run([*options, *map(str, chunk)])
        answer = _parsed(result.stdout, result.stderr)
        found = list(_verdicts(answer))
        _require_all({str(file): objects[file] for file in chunk}, found, answer)
        verdicts += sorted(found, key=lambda verdict: (verdict.file, verdict.api_version, verdict.kind, verdict.name))
    return verdicts


def _parsed(stdout: bytes, stderr: str) -> dict[str, Any]:
    try:
        answer = json.loads(stdout)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or not answer.keys() >= {"resources", "summary"}:
        said = (stderr or stdout.decode(errors="replace")).strip()[-400:]
        raise KubeconformError(
            f"kubeconform gave no result: {said or 'it printed nothing'}",
            fix="Run `fmc doctor --install` for the version that fmc was tested with, or use the built-in engine.",
        )
    return answer


def _verdicts(answer: dict[str, Any]) -> Iterator[KubeconformVerdict]:
    for item in answer["resources"]:
        # A document without anything in it has no status.
        if item["status"]:
            valid = item["status"] == "statusValid"
            yield KubeconformVerdict(
                item["filename"], item["version"], item["kind"], item["name"], valid, item.get("msg", "")
            )


def _require_all(expected: Mapping[str, int], found: list[KubeconformVerdict], answer: dict[str, Any]) -> None:
    """Compare what there is with what was looked at, file by file and in the sum."""
    summary = answer["summary"]
    skipped = sum(item["status"] == "statusSkipped" for item in answer["resources"]) + summary.get("skipped", 0)
    seen = Counter(verdict.file for verdict in found)
    different = [file for file in expected.keys() | seen.keys() if expected.get(file, 0) != seen[file]]
    total = sum(summary.get(key, 0) for key in _COUNTED)
    if not different and not skipped and total == sum(expected.values()):
        return
    parts = [f"kubeconform counted {total} objects, there are {sum(expected.values())}"]
    parts += [f"{file} holds {expected.get(file, 0)}, it saw {seen[file]}" for file in sorted(different)[:3]]
    raise KubeconformError(
        "; ".join([*parts, f"it skipped {skipped}"] if skipped else parts),
        fix="Run `fmc doctor --install` for the version that fmc was tested with, or use the built-in engine.",
    )
