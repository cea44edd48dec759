"""Rules that no schema can hold: about names, about objects as such, and about objects that belong together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from generator.checks.reading.applications import is_template
from generator.checks.reading.contents import objects_in
from generator.checks.reading.inventory import CLUSTER_SCOPED
from generator.checks.reading.kubernetes_objects import mapping, sequence, text
from generator.checks.reading.source_files import ARGOCD
from generator.checks.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.checks.reading.inventory import Deployed, Inventory
    from generator.checks.reading.yamlgo import Step
    from generator.findings import Flaw

# People's own entries: the other catalogue is rendered.
_CATALOGUE = "argocd/secrets/catalogue.user.yaml"
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


@rule("manifests/name", "An object has a name that Kubernetes accepts.")
def name(inventory: Inventory) -> Iterator[Flaw]:
    """Judge the name of each object."""
    for manifest in inventory.contents.manifests:
        if text(manifest.metadata.get("generateName")):
            continue
        given = manifest.metadata.get("name")
        if given is None:
            yield manifest.flaw(f"this {manifest.kind} has no name", "metadata", fix="Set metadata.name.")
        elif isinstance(given, str) and manifest.group != _PATH_SEGMENT_GROUP and not _is_name(given):
            fix = "Use lower-case letters and digits, with single dashes or dots between them."
            yield manifest.flaw("Kubernetes accepts no such name", "metadata", "name", fix=fix)


def _is_name(given: str) -> bool:
    return len(given) <= _LONGEST_NAME and _NAME.fullmatch(given) is not None


@rule("manifests/selector", "A workload selects the pods that it makes.")
def selector(inventory: Inventory) -> Iterator[Flaw]:
    """Compare what workloads select with the labels of their pods."""
    for manifest in inventory.contents.manifests:
        if manifest.group != "apps" or manifest.kind not in _SELECTING:
            continue
        wanted = mapping(mapping(manifest.spec.get("selector")).get("matchLabels"))
        template = mapping(mapping(manifest.spec.get("template")).get("metadata"))
        labels = mapping(template.get("labels"))
        for key in sorted(key for key, value in wanted.items() if labels.get(key) != value):
            message = f"the pods of this {manifest.kind} don't carry the label {key} as it selects it"
            yield manifest.flaw(message, "spec", "selector", "matchLabels", key)


@rule("manifests/plain-secret", "Secrets are sealed; Git holds none in the clear.")
def plain_secret(inventory: Inventory) -> Iterator[Flaw]:
    """Find Secrets with data in them, in files that are no manifests, too: somebody may apply them all the same."""
    contents = inventory.contents
    others = ((file, document) for file, documents in contents.others.items() for document in documents)
    hidden = (manifest for file, document in others for manifest in objects_in(file, document))
    for manifest in (*contents.manifests, *hidden):
        if manifest.holds_plain_secret:
            message = f"the Secret {manifest.name} stands here in the clear"
            fix = f"Make a new value: add the secret to {_CATALOGUE} and run `fmc seal`; remove this one."
            yield manifest.flaw(message, "kind", fix=fix)
    for item in contents.kustomizations:
        for index, generator in enumerate(sequence(item.document.value.get("secretGenerator"))):
            if any(sequence(mapping(generator).get(key)) for key in ("literals", "files", "envs")):
                message = "this makes a Secret from values that stand in Git in the clear"
                fix = f"Add the secret to {_CATALOGUE}, run `fmc seal`, and take it out here."
                yield item.manifest.flaw(message, "secretGenerator", index, fix=fix)


@rule("manifests/duplicate", "An object is described once.")
def duplicate(inventory: Inventory) -> Iterator[Flaw]:
    """Find objects that the cluster would know by one and the same identity."""
    first: dict[tuple[str, ...], Deployed] = {}
    for item in inventory.deployed:
        # Where only the cluster knows the namespace, objects of different folders are taken to go to different ones.
        unknown = not item.namespace and item.manifest.kind not in CLUSTER_SCOPED
        earlier = first.setdefault((*item.identity, str(item.root) if unknown else ""), item)
        if item.name and earlier is not item:
            known_as = f"{item.namespace}/{item.name}" if item.namespace else item.name
            where = f"{earlier.manifest.file.name}:{earlier.manifest.line()}"
            message = f"{item.manifest.kind} {known_as} is also described at {where}"
            yield item.manifest.flaw(message, "metadata", "name", fix="Remove one of them.")


@rule("manifests/namespace", "A namespace that is used is declared.")
def namespace(inventory: Inventory) -> Iterator[Flaw]:
    """Find namespaces that nothing makes. Only the argocd part declares them: without it nothing can be said."""
    if not any(file.part == ARGOCD for file in inventory.files):
        return
    known = _GIVEN_NAMESPACES | {item.name for item in inventory.deployed if item.manifest.is_a("", "Namespace")}
    known |= {app.namespace for app in inventory.applications if "CreateNamespace=true" in app.sync_options}
    fix = "Add it to argocd/namespaces/, or correct the name."
    for manifest in inventory.contents.manifests:
        if manifest.namespace and manifest.namespace not in known:
            message = f"the namespace {manifest.namespace} is declared nowhere"
            yield manifest.flaw(message, "metadata", "namespace", fix=fix)
    for app in inventory.applications:
        if app.namespace and not is_template(app.namespace) and app.namespace not in known:
            message = f"the namespace {app.namespace} is declared nowhere"
            yield app.flaw(message, *app.place, "destination", "namespace", fix=fix)
    for item in inventory.contents.kustomizations:
        if item.namespace and item.namespace not in known:
            yield item.manifest.flaw(f"the namespace {item.namespace} is declared nowhere", "namespace", fix=fix)


@rule("manifests/floating-image", "A container image is pinned by a tag or a digest.")
def floating_image(inventory: Inventory) -> Iterator[Flaw]:
    """Find images without a tag or digest; an overlay may set one."""
    for item in inventory.deployed:
        manifest = item.manifest
        place = _POD_TEMPLATES.get(manifest.kind)
        if place is None or manifest.group not in ("", "apps", "batch"):
            continue
        pod: Any = manifest.value
        for step in place:
            pod = mapping(pod).get(str(step))
        overridden = _overridden_images(item)
        for path, image in _images(pod, place):
            known_as, tag = _split_image(image)
            if image and known_as not in overridden and tag in ("", "latest"):
                message = (
                    f"the image {known_as} has no version" if not tag else f"the image {known_as} floats at latest"
                )
                yield manifest.flaw(message, *path, fix="Name a tag or, better, a digest.")


def _images(pod: Any, place: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], str]]:
    for key in ("initContainers", "containers"):
        for index, container in enumerate(sequence(mapping(mapping(pod).get("spec")).get(key))):
            yield (*place, "spec", key, index, "image"), text(mapping(container).get("image"))


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
