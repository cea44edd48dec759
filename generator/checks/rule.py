"""Every rule of the checks: its identifier, and what it says in one sentence."""

from __future__ import annotations

from enum import StrEnum


class Rule(StrEnum):
    """Identifier of a rule, as findings carry it.

    Attributes:
        says: What the rule demands, as a sentence for people.
    """

    says: str

    def __new__(cls, identifier: str, says: str) -> Rule:
        """Make a member whose value is its identifier alone."""
        member = str.__new__(cls, identifier)
        member._value_ = identifier
        member.says = says
        return member

    YAML_ENCODING = "yaml/encoding", "A YAML file is UTF-8."
    YAML_SYNTAX = "yaml/syntax", "A YAML file can be parsed."
    YAML_DUPLICATE_KEY = "yaml/duplicate-key", "A mapping has each key once; readers disagree about which one wins."
    YAML_VALUE = "yaml/value", "A manifest holds only what JSON can hold, as Kubernetes reads it through JSON."
    YAML_DOCUMENT_MARKER = "yaml/document-marker", "Documents are divided by lines of three dashes and nothing else."

    FILES_SYMLINK = "files/symlink", "A symbolic link stays inside its repository."

    MANIFESTS_UNKNOWN_FILE = "manifests/unknown-file", "Each YAML file is a manifest or known not to be one."
    MANIFESTS_NOT_AN_OBJECT = "manifests/not-an-object", "A manifest holds objects with apiVersion and kind."
    MANIFESTS_NAME = "manifests/name", "An object has a name that Kubernetes accepts."
    MANIFESTS_PLAIN_SECRET = "manifests/plain-secret", "Secrets are sealed; Git holds none in the clear."
    MANIFESTS_DUPLICATE = "manifests/duplicate", "An object is described once."
    MANIFESTS_NAMESPACE = "manifests/namespace", "A namespace that is used is declared."
    MANIFESTS_SELECTOR = "manifests/selector", "A workload selects the pods that it makes."
    MANIFESTS_FLOATING_IMAGE = "manifests/floating-image", "A container image is pinned by a tag or a digest."

    SCHEMA_INVALID = "schema/invalid", "An object fits the schema of its kind; unknown fields are refused."
    SCHEMA_UNKNOWN_KIND = "schema/unknown-kind", "There is a schema for each kind."
    SCHEMA_KUBERNETES_VERSION = "schema/kubernetes-version", "There are schemas for the Kubernetes version."

    KUSTOMIZE_MISSING_FILE = "kustomize/missing-file", "What a kustomization names exists."
    KUSTOMIZE_UNUSED_FILE = "kustomize/unused-file", "A manifest beside a kustomization belongs to one."

    ARGOCD_FLOATING_REVISION = "argocd/floating-revision", "A chart has an exact version, a Git source a revision."
    ARGOCD_CHART_VERSION = "argocd/chart-version", "versions.yaml and the Applications name the same chart versions."
    ARGOCD_SOURCE_PATH = "argocd/source-path", "The folder that a source names exists."
    ARGOCD_VALUES_FILE = "argocd/values-file", "A values file of another source exists, and so does that source."
    ARGOCD_PROJECT = "argocd/project", "An Application's project exists and permits its sources and destination."
    ARGOCD_SYNC_WAVE = "argocd/sync-wave", "A sync wave is a whole number; anything else counts as 0."
    ARGOCD_SYNC_OPTION = "argocd/sync-option", "A sync option is one that Argo CD knows."
    ARGOCD_UNREAD = "argocd/unread", "Every manifest is read by an Application."

    TRAEFIK_MIDDLEWARE = "traefik/middleware", "A middleware that a route names exists."
    TRAEFIK_SERVICE = "traefik/service", "A Service that a route names exists and has that port."

    LEAKS_VAULT = "leaks/vault", "No secret of the vault stands anywhere in the clear."
    LEAKS_PRIVATE_KEY = "leaks/private-key", "No private key stands anywhere."
    LEAKS_AGE_IDENTITY = "leaks/age-identity", "No age identity stands anywhere."
    LEAKS_TOKEN = "leaks/token", "No access token of a well-known service stands anywhere."
