"""What components do, as far as it shows without their pods: certificates are issued, hosts are kept apart."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from ruamel.yaml import YAML

from generator.secrets.vault.file import open_vault
from tests.e2e.bed.errors import BedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.rollout import Rollout

ROUTE = """
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: {{name: try, namespace: {namespace}}}
spec:
  routes:
    - kind: Rule
      match: {match}
      services: [{{name: hello, port: 80}}]
"""
INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: try, namespace: {namespace}}}
spec:
  rules:
    - host: {host}
      http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: hello, port: {{number: 80}}}}}}}}]}}
"""
CONNECTIONS = """
apiVersion: traefik.io/v1alpha1
kind: IngressRouteTCP
metadata: {{name: try, namespace: {namespace}}}
spec: {{routes: []}}
"""


def asked(rollout: Rollout, manifest: str) -> str:
    """Ask the API server whether it would take an object."""
    return rollout.user.kubectl("apply", "--dry-run=server", "--filename", "-", stdin=manifest)


def test_the_clusters_authority_signs_what_the_ingress_shows(rollout: Rollout, evidence: Callable[[str], None]) -> None:
    """The authority is the vault's; cert-manager signs with it, and Traefik's store names what comes out."""
    identity = rollout.bed.home / ".config/fmc/identity.txt"
    authority = open_vault(rollout.user.workspace / "vault.age", identity, cluster="home").ca
    assert authority is not None
    store: Any = YAML(typ="safe").load(
        rollout.user.kubectl("-n", "traefik", "get", "tlsstores.traefik.io", "default", "--output", "yaml")
    )
    found = rollout.bed.api.get("Secret", "traefik", store["spec"]["defaultCertificate"]["secretName"])
    assert found is not None
    certificate = x509.load_pem_x509_certificate(base64.b64decode(found["data"]["tls.crt"]))
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.certificate.encode()))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {"home.example.com", "*.home.example.com"}
    evidence(f"{certificate.issuer.rfc4514_string()} signed {certificate.subject.rfc4514_string()}")


def test_an_issuers_object_that_makes_no_sense_is_refused_by_cert_managers_webhook(rollout: Rollout) -> None:
    manifest = """
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: try, namespace: traefik}
spec: {secretName: try, dnsNames: [a.home.example.com], duration: 1h, renewBefore: 2h, issuerRef: {name: internal-ca}}
"""
    with pytest.raises(BedError, match="renewBefore"):
        asked(rollout, manifest)


@pytest.mark.parametrize(
    "match",
    [
        "Host(`argocd.home.example.com`)",
        "Host(`hello.home.example.com`)",
        "Host(`hello-staging.home.example.com`) || Host(`argocd.home.example.com`)",
        "HostRegexp(`.*`)",
        "PathPrefix(`/`)",
    ],
)
def test_an_app_may_not_take_the_host_of_another(rollout: Rollout, match: str) -> None:
    with pytest.raises(BedError, match=r"NAME may be in hello-staging: hello-staging\.home\.example\.com"):
        asked(rollout, ROUTE.format(namespace="hello-staging", match=match))


def test_an_app_has_its_own_host(rollout: Rollout) -> None:
    own = "Host(`hello-staging.home.example.com`) && PathPrefix(`/private`)"
    assert "created" in asked(rollout, ROUTE.format(namespace="hello-staging", match=own))
    assert "created" in asked(rollout, INGRESS.format(namespace="hello-staging", host="hello-staging.home.example.com"))


def test_an_ingress_and_a_route_of_connections_lead_no_way_around(rollout: Rollout) -> None:
    with pytest.raises(BedError, match="a host may be in hello-staging"):
        asked(rollout, INGRESS.format(namespace="hello-staging", host="argocd.home.example.com"))
    with pytest.raises(BedError, match="the platform's alone"):
        asked(rollout, CONNECTIONS.format(namespace="hello-staging"))
