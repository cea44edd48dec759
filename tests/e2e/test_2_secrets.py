"""Each secret of the catalogue is in the cluster with the bytes of the vault, and what reads it runs."""

from __future__ import annotations

import base64
import json
import urllib.request
from collections.abc import Callable

import pytest

from generator.secrets.catalogue.model import Catalogue
from generator.secrets.catalogue.read import read_catalogue
from generator.secrets.vault.file import open_vault
from generator.secrets.vault.model import Vault
from tests.e2e.bed.chart_server import is_generic
from tests.e2e.rollout import Rollout
from tests.secrets.test_rendered import expected
from tests.template.argocd_tree import ROWS
from tests.template.components import is_chart, matches

_LOCATIONS = {
    "Bundle": "bundles.trust.cert-manager.io",
    "ClusterIssuer": "clusterissuers.cert-manager.io",
    "Middleware": "middlewares.traefik.io",
    "TLSStore": "tlsstores.traefik.io",
}


@pytest.fixture
def catalogue(rollout: Rollout) -> Catalogue:
    return read_catalogue(rollout.user.workspace / "argocd")


@pytest.fixture
def vault(rollout: Rollout) -> Vault:
    identity = rollout.bed.home / ".config/fmc/identity.txt"
    return open_vault(rollout.user.workspace / "vault.age", identity, cluster="home")


def test_every_secret_has_the_bytes_of_the_vault(
    rollout: Rollout, catalogue: Catalogue, vault: Vault, evidence: Callable[[str], None]
) -> None:
    for secret in catalogue.secrets:
        found = rollout.bed.api.get("Secret", secret.namespace, secret.name)
        assert found is not None, secret
        wanted = expected(vault, secret)
        data = {key: base64.b64decode(found["data"][key]) for key in wanted}
        # The names alone are printed when this fails.
        differing = [key for key in wanted if data[key] != wanted[key]]
        assert differing == [], secret.name
        evidence(f"{secret.namespace}/{secret.name}: {', '.join(sorted(wanted))} equal to the vault's")


def test_what_reads_them_runs(rollout: Rollout, catalogue: Catalogue, evidence: Callable[[str], None]) -> None:
    for secret in catalogue.secrets:
        for consumer in secret.consumers:
            kind, name = consumer.split("/")
            if kind not in _LOCATIONS and _is_of_a_generic_chart(secret.id):
                continue
            if kind == "Deployment":
                found = rollout.bed.api.get(kind, secret.namespace, name)
                assert found is not None, consumer
                assert found["status"]["availableReplicas"] == found["spec"]["replicas"], consumer
            else:
                rollout.user.kubectl("-n", secret.namespace, "get", _LOCATIONS[kind], name)
            evidence(f"{secret.namespace}/{secret.name}: {consumer} is there")


def _is_of_a_generic_chart(secret: str) -> bool:
    """Return whether a Secret's consumers would come with a chart of which the bed has nothing of its own."""
    return any(matches(secret, row) and is_chart(row) and is_generic(row["chart"]) for row in ROWS)


def test_the_password_of_the_vault_opens_argo_cd(
    rollout: Rollout, vault: Vault, evidence: Callable[[str], None]
) -> None:
    """The real server, which knows the bcrypt hash alone, from the Secret that the controller merged it into."""
    password = vault.values["argocd/argocd-secret"]["admin"]
    body = json.dumps({"username": "admin", "password": password.secret.reveal().decode()}).encode()
    request = urllib.request.Request(
        "http://argocd-server:8080/api/v1/session", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["token"]
    evidence("admin logs in at argocd-server")
