"""All checks over the trees of a cluster's repositories."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.checks.expected import NOTHING, Expected
from generator.checks.reading.contents import read_contents
from generator.checks.reading.inventory import take_inventory
from generator.checks.reading.source_files import list_files
from generator.checks.rule import judge_all
from generator.checks.rules.leaks import digest, hide_names, scan
from generator.checks.schema.schemas import load_schemas, minor_for
from generator.errors import BadInputError
from generator.findings import Flaw, Severity, declare
from generator.tools.install import find_tool

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from generator.checks.reading.contents import Contents
    from generator.checks.reading.kubernetes_objects import KubernetesObject
    from generator.checks.schema.schemas import Schemas
    from generator.findings import Finding

KUBERNETES_VERSION = declare(
    "schema/kubernetes-version", "There are schemas for the Kubernetes version.", Severity.WARNING
)

AUTO, BUILTIN, KUBECONFORM = "auto", "builtin", "kubeconform"


@dataclass(frozen=True)
class Report:
    """What the checks found.

    Attributes:
        findings: All findings, sorted by file and line.
        documents: Number of Kubernetes objects that were validated against their schemas.
        files: Number of files that were looked at.
        engine: What validated them: `builtin` or `kubeconform`.
        clean: Digests of contents that were searched for secrets, and hold none.
    """

    findings: tuple[Finding, ...]
    documents: int
    files: int
    engine: str
    clean: frozenset[bytes] = frozenset()


def check_trees(
    trees: Mapping[str, Path],
    *,
    kubernetes_version: str,
    engine: str = AUTO,
    kubeconform: Path | None = None,
    plaintexts: Collection[bytes] = (),
    expected: Expected = NOTHING,
) -> Report:
    """Check rendered trees: YAML, schemas, what belongs together, leaks.

    Args:
        trees: Folder of each part, by `infra`, `argocd` and `apps`; under any other name for files that are of no
            part, such as those at the top of a monorepo. A tree inside of another one is checked as itself.
        kubernetes_version: Of the cluster, e.g. `v1.36.4+k3s1`.
        engine: `auto`, `builtin` or `kubeconform`; auto takes kubeconform where it is found.
        kubeconform: The program; None looks for it in fmc's own folder and on PATH.
        plaintexts: What must stand nowhere.
        expected: What the recorded answers say of the trees.

    Returns:
        What was found; files are named by the tree's folder and the place within.

    Raises:
        BadInputError: A folder or the wanted kubeconform is not there.
        KubeconformError: kubeconform failed, or has not looked at each object.
        FmcError: This installation has no schemas.
    """
    program = _program(engine, kubeconform)
    files, findings = list_files(trees)
    contents = read_contents(files)
    minor, exact = minor_for(kubernetes_version)
    if not exact:
        findings.append(_version_finding(kubernetes_version, minor))
    findings += contents.findings
    with ThreadPoolExecutor(1) as beside:
        # Most of it is to wait for kubeconform.
        validated = beside.submit(_check_schemas, contents, load_schemas(minor), program)
        findings += judge_all(take_inventory(contents, files, expected))
        leaks = scan(((file.name, file.content) for file in files), plaintexts)
        findings += leaks
        documents, schema_findings = validated.result()
    findings += schema_findings
    findings = hide_names(findings, plaintexts)
    clean = frozenset(() if leaks else (digest(file.content) for file in files))
    return Report(tuple(sorted(set(findings))), documents, len(files), KUBECONFORM if program else BUILTIN, clean)


def _program(engine: str, given: Path | None) -> Path | None:
    """Return the kubeconform that is to be used; None for the built-in engine."""
    if engine not in (AUTO, BUILTIN, KUBECONFORM):
        raise BadInputError(f"there is no engine {engine}", fix=f"Choose {AUTO}, {BUILTIN} or {KUBECONFORM}.")
    if engine == BUILTIN:
        return None
    found = given or find_tool("kubeconform")
    if found is None and engine == KUBECONFORM:
        raise BadInputError("kubeconform is not there", fix="Run `fmc doctor --install`, or use the built-in engine.")
    if given and not given.is_file():
        raise BadInputError(f"there is no kubeconform at {given}", where=str(given), fix="Correct the path.")
    return found


def _version_finding(version: str, minor: str) -> Finding:
    message = f"there are no schemas of Kubernetes {version}; those of {minor} were used"
    return KUBERNETES_VERSION.finding(Flaw("", 0, message))


def _check_schemas(contents: Contents, schemas: Schemas, program: Path | None) -> tuple[int, list[Finding]]:
    """Validate all objects; those in broken files wait until their file has been corrected."""
    sound = [item for item in contents.manifests if item.file.name not in contents.broken]
    # Kustomizations are no objects of a cluster, and may leave out what kubeconform asks of one.
    here = [item.manifest for item in contents.kustomizations if item.file.name not in contents.broken]
    there: list[KubernetesObject] = []
    if program is None:
        here += sound
    else:
        from generator.checks.schema.with_kubeconform import SUFFIXES

        there = [item for item in sound if item.file.path.suffix.lower() in SUFFIXES]
        here += [item for item in sound if item.file.path.suffix.lower() not in SUFFIXES]
    findings: list[Finding] = []
    if here:
        from generator.checks.schema.builtin import check_manifests

        findings += check_manifests(here, schemas)
    if program is not None and there:
        from generator.checks.schema.with_kubeconform import check_with_kubeconform

        findings += check_with_kubeconform(there, schemas, program)
    return len(here) + len(there), findings
