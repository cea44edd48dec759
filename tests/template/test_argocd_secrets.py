"""Secrets: what a rendered manifest refers to stands in the catalogue, and the other way round."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from generator.secrets.catalogue.model import Constant
from generator.secrets.catalogue.read import read_catalogue
from generator.secrets.restarts import restarts, verify_restarts
from tests.template.argocd_tree import CLUSTERS, HA, SINGLE, Cluster, documents, lets_into, render_cluster
from tests.template.components import environment
from tests.template.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.template.conftest import Render


@pytest.fixture(scope="module", params=CLUSTERS)
def cluster(request: pytest.FixtureRequest, render: Render) -> Cluster:
    return render_cluster(render, request.param)


def referred(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """Yield `namespace/name` of each Secret that a manifest or a value names, and who names it."""
    for _, item in cluster.manifests():
        if secret := item.get("spec", {}).get("basicAuth", {}).get("secret"):
            yield f"{item['metadata']['namespace']}/{secret}", f"Middleware/{item['metadata']['name']}"
    yield from signing(cluster)
    if "monitoring" in cluster.answers["components"]:
        values = cluster.values("kube-prometheus-stack")
        yield f"monitoring/{values['grafana']['admin']['existingSecret']}", "Deployment/grafana"
        secret = values["alertmanager"]["alertmanagerSpec"]["configSecret"]
        yield f"monitoring/{secret}", "Alertmanager/kps"
    if "jenkins" in cluster.answers["components"]:
        yield from referred_by_jenkins(cluster)
    made = {item["spec"]["secretName"] for item in cluster.of_kind("Certificate").values()}
    for name, store in cluster.of_kind("TLSStore").items():
        if (secret := store["spec"]["defaultCertificate"]["secretName"]) not in made:
            yield f"traefik/{secret}", f"TLSStore/{name}"
    yield from referred_by_argocd(cluster)
    for overlay in sorted(cluster.apps.glob("apps/*/overlays/*")):
        (kustomization,) = documents(overlay / "kustomization.yaml")
        for secret, consumer in mounted(overlay.parents[1] / "base"):
            yield f"{kustomization['namespace']}/{secret}", consumer


def referred_by_argocd(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """Likewise, for Argo CD's own parts."""
    values = cluster.values("argocd")
    if values["configs"]["secret"]["createSecret"]:
        yield "argocd/argocd-secret", "Deployment/argocd-server"
    if values["notifications"]["enabled"]:
        yield f"argocd/{values['notifications']['secret']['name']}", "Deployment/argocd-notifications-controller"


def referred_by_jenkins(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """Likewise, for the controller and its agents."""
    values = cluster.values("jenkins")
    yield f"jenkins/{values['controller']['admin']['existingSecret']}", "StatefulSet/jenkins"
    for volume in values["persistence"]["volumes"]:
        if "secret" in volume:
            yield f"jenkins/{volume['secret']['secretName']}", "StatefulSet/jenkins"
    for name, text in values["agent"]["podTemplates"].items():
        for template in YAML(typ="safe").load(text):
            for volume in YAML(typ="safe").load(template["yaml"])["spec"]["volumes"]:
                if "secret" in volume:
                    yield f"{template['namespace']}/{volume['secret']['secretName']}", f"PodTemplate/{name}"


def signing(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """Yield each Secret that an issuer signs with or proves the domain with, or a bundle takes in, and who that is."""
    for name, bundle in cluster.of_kind("Bundle").items():
        for source in bundle["spec"]["sources"]:
            yield f"cert-manager/{source['secret']['name']}", f"Bundle/{name}"
    for name, issuer in cluster.of_kind("ClusterIssuer").items():
        if "ca" in issuer["spec"]:
            yield f"cert-manager/{issuer['spec']['ca']['secretName']}", f"ClusterIssuer/{name}"
        for solver in issuer["spec"].get("acme", {}).get("solvers", []):
            token = solver["dns01"]["cloudflare"]["apiTokenSecretRef"]
            yield f"cert-manager/{token['name']}", f"ClusterIssuer/{name}"


def mounted(base: Path) -> Iterator[tuple[str, str]]:
    """Yield the name of each Secret that a workload of a Kustomize base mounts, and the workload."""
    for path in sorted(base.glob("*.yaml")):
        for item in documents(path):
            for volume in item.get("spec", {}).get("template", {}).get("spec", {}).get("volumes", []):
                if "secret" in volume:
                    yield volume["secret"]["secretName"], f"{item['kind']}/{item['metadata']['name']}"


def test_what_is_referred_to_is_in_the_catalogue_and_knows_its_consumer(cluster: Cluster) -> None:
    secrets = {secret.id: secret for secret in read_catalogue(cluster.argocd).secrets}
    for secret_id, consumer in referred(cluster):
        assert consumer in secrets[secret_id].consumers


def test_what_is_in_the_catalogue_is_referred_to_or_found_by_its_label(cluster: Cluster) -> None:
    used = {secret_id for secret_id, _ in referred(cluster)}
    for secret in read_catalogue(cluster.argocd).secrets:
        assert secret.id in used or "argocd.argoproj.io/secret-type" in secret.labels, secret.id


def test_each_secret_restarts_its_reader_by_git_or_says_when_that_takes_a_new_value(cluster: Cluster) -> None:
    folders = {"argocd": cluster.argocd, "apps": cluster.apps}
    assert verify_restarts(cluster.argocd, folders) == []
    restarting = {found.secret for found in restarts(folders)}
    by_git = environment(ROOT).get_template("lib/components.jinja").module.restarts  # type: ignore[attr-defined]
    runbook = (cluster.argocd / "docs/runbooks/rotate-a-secret.md").read_text()
    table = dict(re.findall(r"^\| `(.*)` \| (.*) \|$", runbook, re.MULTILINE))
    for secret in read_catalogue(cluster.argocd).secrets:
        assert (secret.id in restarting) is not bool(secret.noticed), secret.id
        (notice,) = [text for pattern, text in table.items() if fnmatchcase(secret.id, pattern)]
        assert notice == (secret.noticed or by_git)


def test_every_secret_has_a_rendered_namespace_and_a_project_that_may_reach_it(cluster: Cluster) -> None:
    project = cluster.of_kind("AppProject")[cluster.of_kind("Application")["secrets"]["spec"]["project"]]
    for secret in read_catalogue(cluster.argocd).secrets:
        assert secret.namespace in cluster.of_kind("Namespace")
        assert lets_into(project, secret.namespace)


def test_traefik_gets_one_key_with_hashes_that_each_request_can_afford(cluster: Cluster) -> None:
    catalogue = {f"{item['namespace']}/{item['name']}": item for item in cluster.catalogue["secrets"]}
    if "traefik" not in cluster.answers["components"]:
        assert not any(name.startswith("traefik/") for name in catalogue)
        return
    assert catalogue["traefik/traefik-dashboard-auth"]["data"] == {
        "users": {"from": "admin", "as": "htpasswd", "user": "admin", "cost": 8}
    }


def test_the_certificate_covers_every_host_where_cert_manager_makes_none(cluster: Cluster) -> None:
    catalogue = {f"{item['namespace']}/{item['name']}": item for item in cluster.catalogue["secrets"]}
    components = cluster.answers["components"]
    ours = "traefik" in components and "cert-manager" not in components
    assert ("traefik/wildcard-tls" in catalogue) is ours
    if ours:
        secret = catalogue["traefik/wildcard-tls"]
        assert secret["type"] == "kubernetes.io/tls"
        assert set(secret["data"]) == {"tls.crt", "tls.key"}
        domain = cluster.answers["domain"]
        assert secret["values"]["wildcard"]["names"] == [domain, f"*.{domain}"]


def test_the_admin_password_joins_the_keys_that_the_server_makes(cluster: Cluster) -> None:
    (secret,) = [item for item in cluster.catalogue["secrets"] if item["name"] == "argocd-secret"]
    assert set(secret["data"]) == {"admin.password", "admin.passwordMtime"}
    patch = {"sealedsecrets.bitnami.com/managed": "true", "sealedsecrets.bitnami.com/patch": "true"}
    assert secret["annotations"] == patch
    assert cluster.values("argocd")["configs"]["secret"]["annotations"] == patch


def test_the_controller_waits_for_the_sealing_key_of_the_catalogue(cluster: Cluster) -> None:
    values = cluster.values("sealed-secrets")
    key = cluster.catalogue["sealing_key"]
    (volume,) = values["additionalVolumes"]
    (mount,) = values["additionalVolumeMounts"]
    assert volume["secret"]["secretName"] == key["name"]
    assert mount["name"] == volume["name"]
    assert cluster.of_kind("Application")["sealed-secrets"]["spec"]["destination"]["namespace"] == key["namespace"]
    assert values["keyrenewperiod"] == "0"


@pytest.mark.parametrize(
    ("answers", "layout", "expected"),
    [
        (HA, "argocd", {"git-credentials": ("repo-creds", "https://git.example.com/home")}),
        (HA | {"git_read": "anonymous"}, "argocd", {}),
        (
            SINGLE,
            "argocd",
            {
                "git-argocd": ("repository", "ssh://git@git.example.com/home/argocd.git"),
                "git-apps": ("repository", "ssh://git@git.example.com/home/apps.git"),
            },
        ),
        (SINGLE, "monorepo", {"git-monorepo": ("repository", "ssh://git@git.example.com/home/home.git")}),
    ],
    ids=["token", "anonymous", "deploy keys", "deploy key of a monorepo"],
)
def test_argocd_can_read_what_it_watches(
    render: Render, answers: dict[str, Any], layout: str, expected: dict[str, tuple[str, str]]
) -> None:
    root = render(answers, layout)
    catalogue = read_catalogue(root / "argocd" if layout == "monorepo" else root)
    label = "argocd.argoproj.io/secret-type"
    found = {}
    for secret in catalogue.secrets:
        if label in secret.labels:
            url = secret.data["url"]
            assert isinstance(url, Constant)
            found[secret.name] = (secret.labels[label], url.text)
    assert found == expected


def test_each_secret_that_a_document_gives_to_a_command_is_in_the_catalogue(cluster: Cluster) -> None:
    """faults C5: a runbook named a secret that its command refuses. That the commands exist tests/docs looks at."""
    secrets = {entry.id: entry for entry in read_catalogue(cluster.argocd).entries}
    for path in [*cluster.argocd.rglob("*.md"), *cluster.apps.rglob("*.md")]:
        for name, value in re.findall(
            r"fmc secret [a-z]+ ([a-z-]+/[a-z0-9-]+)(?: ([a-z-]+))?", path.read_text("utf-8")
        ):
            assert name in secrets, f"{path}: {name}"
            assert not value or value in secrets[name].values, f"{path}: {name} {value}"
