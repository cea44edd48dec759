"""The list: charts, images, binaries, OS images and providers, from what is rendered and what is recorded."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from generator.findings import Finding, Flaw, Severity, declare
from generator.mirror.references import images_in, images_of, whole
from generator.strictyaml import load_plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

UNRECORDED = declare("mirror/unrecorded", "The images of each chart are recorded, at the version that is rolled out.")

CHART, IMAGE, BINARY, SYSTEM, PROVIDER = "chart", "image", "binary", "os-image", "provider"
"""The kinds, in the order of the list."""
_KINDS = (CHART, IMAGE, BINARY, SYSTEM, PROVIDER)
_CHARTS = "versions.yaml"
_PINS = ("versions.yaml", "versions.user.yaml")
_TABLES = {"images", "tools"}
_DIGEST = re.compile(r"sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})")
_PROVIDER = re.compile(r'source\s*=\s*"([\w./-]+)"\s*version\s*=\s*"([^"\n]+)"')
_REGISTRY = "registry.terraform.io"
# What K3s itself runs, in one archive that its release has beside the binary.
_K3S, _K3S_IMAGES = "k3s", "k3s-airgap-images-amd64.tar.zst"


@dataclass(frozen=True)
class Item:
    """One thing that comes from elsewhere.

    Attributes:
        kind: Of what kind it is.
        name: What it is called; an image by registry and path.
        version: Its version; an image's tag.
        source: Where it comes from: a URL, the repository of a chart, an image as it is pulled.
        digest: `sha256:…` or `sha512:…`; "" where it is not known here.
    """

    kind: str
    name: str
    version: str
    source: str
    digest: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return it for `--output json`."""
        return asdict(self)


@dataclass(frozen=True)
class Inventory:
    """Everything.

    Attributes:
        items: By kind, and by name.
        findings: What could not be told.
    """

    items: Sequence[Item]
    findings: Sequence[Finding] = field(default=())

    def of(self, kind: str) -> list[Item]:
        """Return the items of a kind."""
        return [item for item in self.items if item.kind == kind]


def inventory(
    trees: Mapping[str, Path], rows: Sequence[Mapping[str, Any]], recorded: Mapping[str, Mapping[str, Any]]
) -> Inventory:
    """Return what rendered repositories bring into a cluster.

    Args:
        trees: The folder of each part that is here.
        rows: The table of components.
        recorded: The images of their charts, by row.

    Raises:
        BadInputError: A file can't be read.
    """
    items: set[Item] = set()
    findings: list[Finding] = []
    if "infra" in trees:
        items |= {*_pinned(trees["infra"]), *_providers(trees["infra"])}
    if "argocd" in trees:
        charts = _yaml(trees["argocd"] / _CHARTS).get("charts") or {}
        items |= {_chart(name, pin, rows) for name, pin in charts.items()}
        for name, pin in charts.items():
            listed, found = _recorded(name, str(pin["version"]), rows, recorded)
            items |= {_image(image) for image in listed}
            findings += found
    for part in ("argocd", "apps"):
        if part in trees:
            images, found = _named(trees[part])
            items |= {_image(image) for image in images}
            findings += found
    return Inventory(sorted(items, key=lambda item: (_KINDS.index(item.kind), item.name, item.version)), findings)


def _yaml(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    content: Any = load_plain(file.read_bytes())
    return content if isinstance(content, dict) else {}


def _chart(name: str, pin: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Item:
    """Return a chart, from its publisher: the repository in the file may be the mirror that is to be filled."""
    publishers = {row["chart"]: row["repository"] for row in rows if "chart" in row}
    return Item(CHART, name, str(pin["version"]), publishers.get(name, pin["repository"]))


def _recorded(
    chart: str, version: str, rows: Sequence[Mapping[str, Any]], recorded: Mapping[str, Mapping[str, Any]]
) -> tuple[list[str], list[Finding]]:
    """Return the images of a chart, and what is uncertain about them."""
    names = [row["name"] for row in rows if row.get("chart") == chart]
    entries = [recorded[name] for name in names if name in recorded]
    images = sorted({image for entry in entries for image in entry["images"]})
    seen = sorted({str(entry["rendered"]) for entry in entries if entry["rendered"]})
    if seen == [version]:
        return images, []
    known = f"those of its version {', '.join(seen)} are listed" if seen else "none is listed"
    return images, [_told(_CHARTS, f"the images of the chart {chart} {version} are not recorded: {known}", chart)]


def _told(file: str, message: str, path: str = "") -> Finding:
    return UNRECORDED.finding(Flaw(file, 0, message, path, severity=Severity.WARNING))


def _image(reference: str) -> Item:
    name, _, digest = reference.partition("@")
    path, colon, tag = name.rpartition(":")
    return Item(IMAGE, path if colon else name, tag if colon else "", reference, digest)


def _named(tree: Path) -> tuple[set[str], list[Finding]]:
    """Return the images that a repository's files name; Kustomize may give another one than the manifest does."""
    named: set[str] = set()
    # What the steps of the pipeline run, and have run: they read it from there.
    chosen = {image for file in tree.glob("ci/*.env") for image in images_in(file.read_text())}
    replaced: set[str] = set()
    findings = []
    for file in sorted(tree.rglob("*.yaml")):
        inside = file.relative_to(tree)
        if any(part.startswith(".") for part in inside.parts):
            continue
        try:
            documents = list(yaml.load_all(file.read_bytes(), yaml.CSafeLoader))
        except yaml.YAMLError:
            findings.append(_told(str(inside), "it is no YAML: the images that it names are not listed"))
            continue
        objects = [item for item in documents if isinstance(item, dict) and "kind" in item and "apiVersion" in item]
        named.update(images_of(objects))
        for item in objects:
            if item["kind"] == "Kustomization":
                entries = item.get("images") or []
                chosen.update(filter(None, map(_kustomized, entries)))
                replaced.update(whole(str(entry["name"])) for entry in entries)
    # A manifest that leaves the tag to Kustomize names no image that anybody could pull.
    return named - replaced | chosen, findings


def _kustomized(entry: Mapping[str, Any]) -> str:
    name = str(entry.get("newName") or entry["name"])
    tag = f":{entry['newTag']}" if entry.get("newTag") else ""
    digest = f"@{entry['digest']}" if entry.get("digest") else ""
    return whole(f"{name}{tag}{digest}")


def _pinned(infra: Path) -> Iterator[Item]:
    """Yield what versions.yaml pins, a person's own rows in place of rendered ones."""
    pins: dict[str, dict[str, Any]] = {}
    for name in _PINS:
        for table, value in _yaml(infra / name).items():
            if isinstance(value, dict):
                pins[table] = {**pins.get(table, {}), **value}
    for name, row in pins.get("images", {}).items():
        yield from _file(SYSTEM, name, row, f"sha512:{row.get('sha512', '')}")
    own = {name: row for name, row in pins.items() if name not in _TABLES}
    for name, row in {**own, **pins.get("tools", {})}.items():
        yield from _file(BINARY, name, row, str(row.get("checksum", "")))
    if k3s := pins.get(_K3S):
        release = k3s["url"].rpartition("/")[0]
        yield Item(BINARY, "k3s-airgap-images", str(k3s["version"]), f"{release}/{_K3S_IMAGES}")


def _file(kind: str, name: str, row: Mapping[str, Any], checksum: str) -> Iterator[Item]:
    """Yield a row that is fetched; where its checksum is the address of a list, its digest is not known here."""
    if row.get("url"):
        digest = checksum if _DIGEST.fullmatch(checksum) else ""
        yield Item(kind, name, str(row.get("version", "")), row["url"], digest)


def _providers(infra: Path) -> Iterator[Item]:
    """Yield the Terraform providers: the root module pins them, its modules say what they can work with."""
    file = infra / "terraform" / "versions.tf"
    if file.is_file():
        for source, version in _PROVIDER.findall(file.read_text()):
            yield Item(PROVIDER, source, version, f"{_REGISTRY}/{source}")


def read_record(file: Path) -> dict[str, dict[str, Any]]:
    """Return the recorded images of a template."""
    record: dict[str, dict[str, Any]] = json.loads(file.read_text())
    return record
