"""The list as other programs read it: lines, a script for skopeo, a manifest for Hauler, a package for Zarf."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import yaml

from generator.mirror.inventory import BINARY, CHART, IMAGE, PROVIDER, SYSTEM, Item

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from generator.mirror.inventory import Inventory

_UNKNOWN = "-"
_SCRIPT = """#!/usr/bin/env bash
# What the cluster {name} is made of: images into your registry, everything else into folders here. It can be run again.
# MIRROR is the registry, with a path if it has one. Below it each image keeps its own registry in its path, since two
# registries may have one of the same name.
set -euo pipefail
: "${{MIRROR:?the registry to fill, as in registry.example.com/mirror}}"
mkdir -p charts files providers
"""
_CHECK = {"sha256": "sha256sum", "sha512": "sha512sum"}


def plain(found: Inventory, name: str) -> str:  # noqa: ARG001 (all formats are called alike)
    """Return one line for each: kind, name with version, source, digest."""
    lines = [" ".join((one.kind, _called(one), one.source, one.digest or _UNKNOWN)) for one in found.items]
    return "\n".join(lines)


def skopeo(found: Inventory, name: str) -> str:
    """Return a script that copies images with skopeo, and fetches the rest."""
    lines = [_SCRIPT.format(name=name)]
    lines += [f'skopeo copy --all docker://{_pulled(one)} "docker://$MIRROR/{_kept(one)}"' for one in found.of(IMAGE)]
    lines += [""] if found.of(IMAGE) else []
    for one in found.of(CHART):
        arguments = shlex.join([one.name, "--repo", one.source, "--version", one.version])
        lines.append(f"helm pull {arguments} --destination charts")
    lines += ["helm repo index charts", ""] if found.of(CHART) else []
    for one in _files(found):
        target = shlex.quote(f"files/{_file(one)}")
        lines.append(f"test -e {target} || curl -fL --output {target} {shlex.quote(one.source)}")
        if one.digest:
            kind, _, digest = one.digest.partition(":")
            lines.append(f"echo {digest}'  '{target} | {_CHECK[kind]} --check --quiet")
    if found.of(PROVIDER):
        lines += ["", "# For `provider_installation { filesystem_mirror }` in Terraform's own configuration."]
        lines += ["cat > providers/versions.tf <<'END'", *_required(found), "END"]
        lines.append("terraform -chdir=providers providers mirror -platform=linux_amd64 .")
    return "\n".join(lines)


def hauler(found: Inventory, name: str) -> str:
    """Return a manifest for `hauler store sync`."""
    images: list[Mapping[str, Any]] = [{"name": one.source} for one in found.of(IMAGE)]
    charts: list[Mapping[str, Any]] = [
        {"name": one.name, "repoURL": one.source, "version": one.version} for one in found.of(CHART)
    ]
    files: list[Mapping[str, Any]] = [{"path": one.source, "name": _file(one)} for one in _files(found)]
    contents = {"Images": images, "Charts": charts, "Files": files}
    return _documents(
        {
            "apiVersion": "content.hauler.cattle.io/v1",
            "kind": kind,
            "metadata": {"name": f"{name}-{kind.lower()}"},
            "spec": {kind.lower(): content},
        }
        for kind, content in contents.items()
        if content
    )


def zarf(found: Inventory, name: str) -> str:
    """Return a package for `zarf package create`.

    Charts are files in it: what Zarf knows as a chart it would install, which is Argo CD's work.
    """
    pulls = [
        {"cmd": shlex.join(["helm", "pull", one.name, "--repo", one.source, "--version", one.version])}
        for one in found.of(CHART)
    ]
    charts = [f"{one.name}-{one.version}.tgz" for one in found.of(CHART)]
    components: list[dict[str, Any]] = [
        {"name": "images", "required": True, "images": [one.source for one in found.of(IMAGE)]},
        {
            "name": "charts",
            "required": True,
            "actions": {"onCreate": {"before": pulls}},
            "files": [{"source": file, "target": f"charts/{file}"} for file in charts],
        },
        {"name": "files", "required": True, "files": [_zarf_file(one) for one in _files(found)]},
    ]
    package = {
        "apiVersion": "zarf.dev/v1alpha1",
        "kind": "ZarfPackageConfig",
        "metadata": {"name": name, "description": f"What the cluster {name} is made of", "architecture": "amd64"},
        "components": [one for one in components if one.get("images") or one.get("files")],
    }
    return _documents(iter([package]))


FORMATS: dict[str, Callable[[Inventory, str], str]] = {
    "plain": plain,
    "skopeo": skopeo,
    "hauler": hauler,
    "zarf": zarf,
}
"""What writes each format: from the list, and the cluster's name."""


def _called(one: Item) -> str:
    return f"{one.name}:{one.version}" if one.version else one.name


def _pulled(one: Item) -> str:
    """Return an image as skopeo takes it, which wants a tag or a digest, and refuses both."""
    return f"{one.name}@{one.digest}" if one.digest else one.source


def _kept(one: Item) -> str:
    return f"{one.name}:{one.version}" if one.version else _pulled(one)


def _files(found: Inventory) -> list[Item]:
    return [*found.of(BINARY), *found.of(SYSTEM)]


def _file(one: Item) -> str:
    """Return a name that no other file of the list has: releases of several programs are called alike."""
    last = one.source.rpartition("/")[2]
    return last if one.name in last else f"{one.name}-{last}"


def _zarf_file(one: Item) -> dict[str, str]:
    kind, _, digest = one.digest.partition(":")
    # Zarf compares SHA-256 alone.
    return {"source": one.source, "target": f"files/{_file(one)}", **({"shasum": digest} if kind == "sha256" else {})}


def _required(found: Inventory) -> Iterator[str]:
    yield "terraform {"
    yield "  required_providers {"
    for one in found.of(PROVIDER):
        short = one.name.rpartition("/")[2]
        yield f'    {short} = {{ source = "{one.name}", version = "{one.version}" }}'
    yield "  }"
    yield "}"


def _documents(documents: Iterator[Mapping[str, Any]]) -> str:
    texts = (yaml.safe_dump(document, sort_keys=False, width=200) for document in documents)
    return "---\n".join(texts).removesuffix("\n")
