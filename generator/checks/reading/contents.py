"""Which files are Kubernetes manifests, which are known not to be, and the objects in those that are.

Nothing is passed over in silence: each YAML file has a role by its place or by its content, and one that has none is
a finding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from generator.checks.reading.kubernetes_objects import KubernetesObject, mapping, problem_finding
from generator.checks.reading.kustomize import KUSTOMIZATION_FILES, Kustomization
from generator.checks.reading.source_files import APPS, ARGOCD
from generator.checks.reading.yamlgo import YamlDocument, read
from generator.findings import Flaw, Severity, declare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import PurePosixPath

    from generator.checks.reading.source_files import SourceFile
    from generator.findings import Finding

UNKNOWN_FILE = declare(
    "manifests/unknown-file", "Each YAML file is a manifest or known not to be one.", Severity.WARNING
)
NOT_AN_OBJECT = declare("manifests/not-an-object", "A manifest holds objects with apiVersion and kind.")

MANIFEST_PLACES: Mapping[str, tuple[str, ...]] = {
    ARGOCD: (
        "bootstrap/*",
        "projects/*",
        "namespaces/*",
        "applications/*",
        "platform/*/manifests/*",
        "secrets/*/*.sealed.yaml",
    ),
}
"""Where manifests lie, whatever they hold; `*` is one step."""
OTHER_PLACES: Mapping[str, tuple[str, ...]] = {
    ARGOCD: (
        "versions.yaml",
        "secrets/catalogue.yaml",
        "secrets/catalogue.user.yaml",
        "platform/*/values.yaml",
        "platform/*/values.*.yaml",
        "docs/**",
    ),
    APPS: ("versions.yaml", "ci/**", "sources/**", "docs/**"),
}
"""Where YAML lies that Kubernetes never sees: pins, chart values, pipelines, sources of images, documentation."""
_LIST = ("v1", "List")


class Role(StrEnum):
    """What a YAML file is."""

    MANIFEST = "manifest"
    KUSTOMIZATION = "kustomization"
    FRAGMENT = "fragment"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass
class Contents:
    """What the YAML files of all trees hold.

    Attributes:
        manifests: The objects, in the order of files.
        kustomizations: The kustomizations.
        others: Documents of the files that are no manifests.
        broken: Names of the files that have to be corrected before their objects can be judged.
        findings: Everything that is wrong with the files as such.
    """

    manifests: list[KubernetesObject] = field(default_factory=list)
    kustomizations: list[Kustomization] = field(default_factory=list)
    others: dict[SourceFile, list[YamlDocument]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)


def read_contents(files: Iterable[SourceFile]) -> Contents:
    """Read all YAML files, and the JSON files that stand where manifests do.

    Args:
        files: All files of the trees.
    """
    contents = Contents()
    files = list(files)
    for file in filter(_is_kustomization, files):
        contents.kustomizations += _kustomizations(file, contents.findings)
    claimed = _claimed(contents.kustomizations)
    for file in files:
        role = claimed.get((file.part, file.path)) or role_of(file)
        named = role in (Role.MANIFEST, Role.FRAGMENT) and (file.part, file.path) in claimed
        if role is not Role.KUSTOMIZATION and (file.is_yaml or named or _is_json_manifest(file)):
            _read_file(file, role, contents)
    return contents


def _claimed(kustomizations: Iterable[Kustomization]) -> dict[tuple[str, PurePosixPath | None], Role]:
    """Return the roles of the files that kustomizations name: where one is both, it is an object."""
    claimed: dict[tuple[str, PurePosixPath | None], Role] = {}
    for item in kustomizations:
        for role, references in (
            (Role.OTHER, item.data),
            (Role.FRAGMENT, item.settings),
            (Role.MANIFEST, item.objects),
        ):
            claimed |= {(item.file.part, reference.path): role for reference in references}
    return claimed


def role_of(file: SourceFile) -> Role:
    """Return what a YAML file is by its place alone."""
    if _is_kustomization(file):
        return Role.KUSTOMIZATION
    # What begins with a dot are settings of tools: pre-commit, pipelines, Copier's answers.
    if file.part not in (ARGOCD, APPS) or any(step.startswith(".") for step in file.path.parts):
        return Role.OTHER
    if any(_matches(file.path, pattern) for pattern in OTHER_PLACES[file.part]):
        return Role.OTHER
    if any(_matches(file.path, pattern) for pattern in MANIFEST_PLACES.get(file.part, ())):
        return Role.MANIFEST
    return Role.UNKNOWN


def _is_kustomization(file: SourceFile) -> bool:
    return file.part in (ARGOCD, APPS) and file.path.name in KUSTOMIZATION_FILES


def _is_json_manifest(file: SourceFile) -> bool:
    places = MANIFEST_PLACES.get(file.part, ())
    return file.path.suffix == ".json" and any(_matches(file.path, place) for place in places)


def _matches(path: PurePosixPath, pattern: str) -> bool:
    steps = pattern.split("/")
    if steps[-1] == "**":
        return path.parts[: len(steps) - 1] == tuple(steps[:-1])
    return len(steps) == len(path.parts) and all(map(fnmatchcase, path.parts, steps))


def _kustomizations(file: SourceFile, findings: list[Finding]) -> Iterator[Kustomization]:
    documents, problems = read(file.content)
    findings += (problem_finding(file, problem) for problem in problems)
    for document in documents:
        if isinstance(document.value, dict):
            yield Kustomization(file, document)
        else:
            message = "a kustomization is a mapping"
            findings.append(NOT_AN_OBJECT.finding(Flaw(file.name, document.line, message)))


def _read_file(file: SourceFile, role: Role, contents: Contents) -> None:
    for_kubernetes = role is not Role.OTHER
    documents, problems = read(file.content, kubernetes=for_kubernetes)
    if role is Role.UNKNOWN:
        looks_like_one = documents and all(_is_object(document.value) for document in documents)
        role = Role.MANIFEST if looks_like_one else role
        if not looks_like_one:
            documents, problems = read(file.content, kubernetes=False)
    contents.findings += (problem_finding(file, problem) for problem in problems)
    contents.broken.update([file.name] if problems else [])
    if role is Role.UNKNOWN and not problems and documents:
        contents.findings.append(_unknown(file, documents[0]))
    if role is not Role.MANIFEST:
        contents.others[file] = documents
        return
    for document in documents:
        for manifest in objects_in(file, document):
            if _is_object(manifest.value):
                contents.manifests.append(manifest)
            else:
                contents.broken.add(file.name)
                message = "this is no Kubernetes object: it has no apiVersion and kind"
                contents.findings.append(NOT_AN_OBJECT.finding(manifest.flaw(message)))


def objects_in(file: SourceFile, document: YamlDocument) -> Iterator[KubernetesObject]:
    """Yield the object of a document, or those that a List holds."""
    value = mapping(document.value)
    if (value.get("apiVersion"), value.get("kind")) == _LIST and isinstance(value.get("items"), list):
        for index, item in enumerate(value["items"]):
            yield KubernetesObject(file, document, mapping(item), ("items", index))
    else:
        yield KubernetesObject(file, document, value)


def _is_object(value: Any) -> bool:
    return all(isinstance(mapping(value).get(key), str) and value[key] for key in ("apiVersion", "kind"))


def _unknown(file: SourceFile, document: YamlDocument) -> Finding:
    message = "nothing says what this YAML file is: it is no manifest, and no place of other files"
    fix = "Give its documents apiVersion and kind, or move it below docs/ or a folder whose name begins with a dot."
    return UNKNOWN_FILE.finding(Flaw(file.name, document.line, message, fix=fix))
