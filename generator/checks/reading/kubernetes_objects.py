"""A Kubernetes object as it stands in a file, and access to values that may have any shape."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from generator.findings import Flaw

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from generator.checks.reading.source_files import SourceFile
    from generator.checks.reading.yamlgo import Step, YamlDocument, YamlProblem
    from generator.findings import Finding, Severity


def mapping(value: Any) -> dict[str, Any]:
    """Return a value if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> list[Any]:
    """Return a value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def text(value: Any) -> str:
    """Return a value if it is text, else an empty one."""
    return value if isinstance(value, str) else ""


def texts(value: Any) -> Iterator[str]:
    """Yield every text in a value, however deep; keys are none."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def pointer(path: tuple[Step, ...]) -> str:
    """Return a place as people write it: `spec.template.spec.containers[0].image`."""
    parts = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(parts).removeprefix(".")


@dataclass(frozen=True)
class KubernetesObject:
    """An object in a file.

    Attributes:
        file: The file.
        document: The document that holds it.
        value: The object itself.
        place: Where it stands in the document: nowhere special, or in the items of a List.
    """

    file: SourceFile
    document: YamlDocument
    value: Mapping[str, Any] = field(hash=False)
    place: tuple[Step, ...] = ()

    @property
    def api_version(self) -> str:
        """Return its apiVersion."""
        return text(self.value.get("apiVersion"))

    @property
    def group(self) -> str:
        """Return its API group; "" for Kubernetes's core."""
        return self.api_version.rpartition("/")[0]

    @property
    def kind(self) -> str:
        """Return its kind."""
        return text(self.value.get("kind"))

    @property
    def metadata(self) -> dict[str, Any]:
        """Return its metadata."""
        return mapping(self.value.get("metadata"))

    @property
    def spec(self) -> dict[str, Any]:
        """Return its specification."""
        return mapping(self.value.get("spec"))

    @property
    def name(self) -> str:
        """Return its name."""
        return text(self.metadata.get("name"))

    @property
    def namespace(self) -> str:
        """Return the namespace that it names itself; "" if it names none."""
        return text(self.metadata.get("namespace"))

    @property
    def annotations(self) -> dict[str, Any]:
        """Return its annotations."""
        return mapping(self.metadata.get("annotations"))

    @property
    def holds_plain_secret(self) -> bool:
        """Return whether it is a Secret with anything in it."""
        is_secret = (self.api_version, self.kind) == ("v1", "Secret")
        return is_secret and any(mapping(self.value.get(key)) for key in ("data", "stringData"))

    def is_a(self, group: str, kind: str) -> bool:
        """Return whether it is of a kind, in any version."""
        return (self.group, self.kind) == (group, kind)

    def line(self, *path: Step) -> int:
        """Return the line of a place in the object, or of the nearest thing above it."""
        return self.document.line_of((*self.place, *path))

    def flaw(self, message: str, *path: Step, fix: str = "", severity: Severity | None = None) -> Flaw:
        """Return what is wrong at a place in the object."""
        return Flaw(self.file.name, self.line(*path), message, path=pointer(path), fix=fix, severity=severity)


def problem_finding(file: SourceFile, problem: YamlProblem) -> Finding:
    """Return the finding about a file that is wrong as YAML."""
    return problem.rule.finding(Flaw(file.name, problem.line, problem.message))
