"""Rules that no schema can hold: about names, about objects as such, and about objects that belong together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from generator.checks.reading.contents import plain_secret
from generator.checks.reading.files import ARGOCD
from generator.checks.reading.inventory import CLUSTER_SCOPED
from generator.checks.reading.kustomize import check_kustomizations
from generator.checks.reading.objects import mapping, sequence, text
from generator.checks.rule import Rule
from generator.checks.rules.argocd import check_argocd
from generator.checks.rules.traefik import check_routes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.checks.reading.inventory import Deployed, Inventory
    from generator.checks.reading.objects import Manifest
    from generator.checks.reading.yamlgo import Step
    from generator.findings import Finding

# RFC 1123; Kubernetes names of roles and their bindings are path segments, which may hold colons and capitals.
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_PATH_SEGMENT_GROUP = "rbac.authorization.k8s.io"
_LONGEST_NAME = 253
_GIVEN_NAMESPACES = frozenset({"default", "kube-node-lease", "kube-public", "kube-system"})
_POD_TEMPLATES: dict[str, tuple[Step, ...]] = {
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Deployment": ("spec", "template"),
    "Job": ("spec", "template"),
    "Pod": (),
    "ReplicaSet": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
}
_SELECTING = frozenset({"DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"})


def check_semantics(inventory: Inventory) -> Iterator[Finding]:
    """Check everything that the trees deploy.

    Args:
        inventory: What they hold and deploy.
    """
    for manifest in inventory.contents.manifests:
        yield from _name(manifest)
        yield from _selector(manifest)
        if manifest.holds_plain_secret:
            yield plain_secret(manifest)
    yield from _secret_generators(inventory)
    yield from _duplicates(inventory)
    yield from _namespaces(inventory)
    for item in inventory.deployed:
        yield from _images(item)
    yield from check_kustomizations(inventory.contents.kustomizations, inventory.files)
    yield from check_argocd(inventory)
    yield from check_routes(inventory)


def _name(manifest: Manifest) -> Iterator[Finding]:
    if text(manifest.metadata.get("generateName")):
        return
    name = manifest.metadata.get("name")
    if name is None:
        message = f"this {manifest.kind} has no name"
        yield manifest.finding(Rule.MANIFESTS_NAME, message, "metadata", fix="Set metadata.name.")
    elif isinstance(name, str) and manifest.group != _PATH_SEGMENT_GROUP and not _is_name(name):
        message = "Kubernetes accepts no such name"
        fix = "Use lower-case letters and digits, with single dashes or dots between them."
        yield manifest.finding(Rule.MANIFESTS_NAME, message, "metadata", "name", fix=fix)


def _is_name(name: str) -> bool:
    return len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) is not None


def _selector(manifest: Manifest) -> Iterator[Finding]:
    if manifest.group != "apps" or manifest.kind not in _SELECTING:
        return
    wanted = mapping(mapping(manifest.spec.get("selector")).get("matchLabels"))
    template = mapping(mapping(manifest.spec.get("template")).get("metadata"))
    labels = mapping(template.get("labels"))
    for key in sorted(key for key, value in wanted.items() if labels.get(key) != value):
        message = f"the pods of this {manifest.kind} don't carry the label {key} as it selects it"
        yield manifest.finding(Rule.MANIFESTS_SELECTOR, message, "spec", "selector", "matchLabels", key)


def _secret_generators(inventory: Inventory) -> Iterator[Finding]:
    for item in inventory.contents.kustomizations:
        for index, generator in enumerate(sequence(item.document.value.get("secretGenerator"))):
            if any(sequence(mapping(generator).get(key)) for key in ("literals", "files", "envs")):
                yield item.manifest.finding(
                    Rule.MANIFESTS_PLAIN_SECRET,
                    "this makes a Secret from values that stand in Git in the clear",
                    "secretGenerator",
                    index,
                    fix="Add the secret to argocd/secrets/catalogue.yaml and run `fmc seal`.",
                )


def _duplicates(inventory: Inventory) -> Iterator[Finding]:
    first: dict[tuple[str, ...], Deployed] = {}
    for item in inventory.deployed:
        # Where only the cluster knows the namespace, objects of different folders are taken to go to different ones.
        unknown = not item.namespace and item.manifest.kind not in CLUSTER_SCOPED
        earlier = first.setdefault((*item.identity, str(item.root) if unknown else ""), item)
        if item.name and earlier is not item:
            name = f"{item.namespace}/{item.name}" if item.namespace else item.name
            where = f"{earlier.manifest.file.name}:{earlier.manifest.line()}"
            message = f"{item.manifest.kind} {name} is also described at {where}"
            fix = "Remove one of them."
            yield item.manifest.finding(Rule.MANIFESTS_DUPLICATE, message, "metadata", "name", fix=fix)


def _namespaces(inventory: Inventory) -> Iterator[Finding]:
    """Find namespaces that nothing makes. Only the argocd part declares them: without it nothing can be said."""
    if not any(file.part == ARGOCD for file in inventory.files):
        return
    known = _GIVEN_NAMESPACES | {item.name for item in inventory.deployed if item.manifest.is_a("", "Namespace")}
    known |= {app.namespace for app in inventory.applications if "CreateNamespace=true" in app.sync_options}
    fix = "Add it to argocd/namespaces/, or correct the name."
    for manifest in inventory.contents.manifests:
        if manifest.namespace and manifest.namespace not in known:
            message = f"the namespace {manifest.namespace} is declared nowhere"
            yield manifest.finding(Rule.MANIFESTS_NAMESPACE, message, "metadata", "namespace", fix=fix)
    for app in inventory.applications:
        if app.namespace and "{{" not in app.namespace and app.namespace not in known:
            message = f"the namespace {app.namespace} is declared nowhere"
            path = (*app.place, "destination", "namespace")
            yield app.manifest.finding(Rule.MANIFESTS_NAMESPACE, message, *path, fix=fix)
    for item in inventory.contents.kustomizations:
        if item.namespace and item.namespace not in known:
            message = f"the namespace {item.namespace} is declared nowhere"
            yield item.manifest.finding(Rule.MANIFESTS_NAMESPACE, message, "namespace", fix=fix)


def _images(item: Deployed) -> Iterator[Finding]:
    """Find images without a tag or digest; an overlay may set one."""
    manifest = item.manifest
    place = _POD_TEMPLATES.get(manifest.kind)
    if place is None or manifest.group not in ("", "apps", "batch"):
        return
    pod: Any = manifest.value
    for step in place:
        pod = mapping(pod).get(str(step))
    overridden = _overridden_images(item)
    for key in ("initContainers", "containers"):
        for index, container in enumerate(sequence(mapping(mapping(pod).get("spec")).get(key))):
            image = text(mapping(container).get("image"))
            name, tag = _split_image(image)
            if image and name not in overridden and tag in ("", "latest"):
                message = f"the image {name} has no version" if not tag else f"the image {name} floats at latest"
                path = (*place, "spec", key, index, "image")
                fix = "Name a tag or, better, a digest."
                yield manifest.finding(Rule.MANIFESTS_FLOATING_IMAGE, message, *path, fix=fix)


def _split_image(image: str) -> tuple[str, str]:
    """Return an image's name, and its tag or digest; a colon in front of the last slash belongs to a port."""
    name, _, digest = image.partition("@")
    head, colon, tag = name.rpartition(":")
    if colon and "/" not in tag:
        return head, digest or tag
    return name, digest


def _overridden_images(item: Deployed) -> set[str]:
    values = (kustomization.document.value for kustomization in item.kustomizations)
    images = [mapping(image) for value in values for image in sequence(value.get("images"))]
    pinned = (image for image in images if image.get("digest") or image.get("newTag") not in (None, "", "latest"))
    return {text(image.get("name")) for image in pinned}
