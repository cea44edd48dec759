"""Jenkins's configuration as code: what it reads and writes with which login, and no attribute that nobody knows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from generator.answers.load import load
from tests.template.argocd_tree import CLUSTERS, HA, SINGLE, Cluster, documents, render_cluster
from tests.template.conftest import ROOT
from tests.template.jenkins_values import logins_at_git, parsed, pod

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.template.conftest import Render

KNOWN: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("jcasc.json").read_text())["types"]
AUTHORITY = parsed((ROOT / "tests/answers/valid/git-of-a-private-authority.yaml").read_text())["git_authority"]
HOST_KEY = f"git.example.com {' '.join(HA['ssh_public_key'].split()[:2])}"


@pytest.fixture(scope="module", params=[name for name in CLUSTERS if "jenkins" in CLUSTERS[name][0]["components"]])
def cluster(request: pytest.FixtureRequest, render: Render) -> Cluster:
    return render_cluster(render, request.param)


def values_of(render: Render, **answers: Any) -> dict[str, Any]:
    (values,) = documents(render(HA | answers, "argocd") / "platform/jenkins/values.yaml")
    return dict(values)


# -- what a person has not supplied yet --------------------------------------------------------------------------------


def test_secrets_that_are_pending_stop_no_pod(cluster: Cluster) -> None:
    """A pod that waits for its volume would keep its wave, and with it the apps, from ever starting."""
    values = cluster.values("jenkins")
    volumes = [*values["persistence"]["volumes"], *pod(cluster)["spec"]["volumes"]]
    secrets = [volume["secret"] for volume in volumes if "secret" in volume]
    logins = {f"jenkins-{name}" for name in logins_at_git(cluster)}
    assert {secret["secretName"] for secret in secrets} == {"jenkins-registry", *logins}
    assert all(secret["optional"] for secret in secrets)
    # The chart mounts these without `optional`.
    assert not {"additionalExistingSecrets", "existingSecret"} & set(values["controller"])
    references = re.findall(r"\$\{readFile:[^}]*\}", json.dumps(values))
    assert references
    assert all(reference.endswith(":-}") for reference in references)


@pytest.mark.parametrize(
    ("answers", "keys", "values"),
    [
        (HA, {"username", "token"}, {"username": "external", "token": "external"}),
        (SINGLE, {"sshPrivateKey"}, {"key": "ssh-key"}),
    ],
    ids=["https", "ssh"],
)
def test_jenkins_reads_and_writes_the_apps_with_what_the_catalogue_gives_it(
    render: Render, answers: dict[str, Any], keys: set[str], values: dict[str, str]
) -> None:
    root = render(answers, "argocd")
    (catalogue,) = documents(root / "secrets/catalogue.yaml")
    (secret,) = [item for item in catalogue["secrets"] if item["name"] == "jenkins-git"]
    assert set(secret["data"]) == keys
    assert {name: value["generator"] for name, value in secret["values"].items()} == values
    (rendered,) = documents(root / "platform/jenkins/values.yaml")
    mount, *_ = rendered["persistence"]["mounts"]
    text = rendered["controller"]["JCasC"]["configScripts"]["credentials"]
    assert set(re.findall(rf"\$\{{readFile:{mount['mountPath']}/(\w+):-\}}", text)) == keys
    credential, *_ = [
        next(iter(entry.values()))
        for domain in parsed(text)["credentials"]["system"]["domainCredentials"]
        for entry in domain["credentials"]
    ]
    assert credential["id"] == "git"
    assert "credentialsId('git')" in rendered["controller"]["JCasC"]["configScripts"]["apps"]


def test_repositories_in_a_folder_need_no_login(render: Render) -> None:
    values = values_of(render, git_base_url="file:///srv/git", git_read="anonymous")
    assert "credentials" not in values["controller"]["JCasC"]["configScripts"]
    assert "credentialsId" not in values["controller"]["JCasC"]["configScripts"]["apps"]
    assert "volumes" not in values["persistence"]


@pytest.mark.parametrize(
    ("answers", "layout", "wanted"),
    [
        (HA, "argocd", {"apps": "git", "infra": "git", "argocd": "git"}),
        (SINGLE, "argocd", {"apps": "git", "infra": "git-infra", "argocd": "git-argocd"}),
        (SINGLE | {"repositories": {"infra": "ssh://git@elsewhere.org/infra.git"}}, "argocd", {"apps", "argocd"}),
        (HA, "monorepo", {"apps": "git"}),
        (HA | {"ci": "github"}, "argocd", {}),
    ],
    ids=["https", "ssh", "another server", "monorepo", "GitHub"],
)
def test_each_repository_has_a_job_with_a_login_of_its_server(
    render: Render, answers: dict[str, Any], layout: str, wanted: dict[str, str] | set[str]
) -> None:
    root = render(answers, layout)
    root = root / "argocd" if layout == "monorepo" else root
    (values,) = documents(root / "platform/jenkins/values.yaml")
    scripts = values["controller"]["JCasC"]["configScripts"]
    jobs = [job["script"] for job in parsed(scripts["apps"]).get("jobs", [])]
    names = [re.findall(r"multibranchPipelineJob\('(\w+)'\)", job)[0] for job in jobs]
    assert set(names) == set(wanted)
    logins = dict(zip(names, (re.findall(r"credentialsId\('([\w-]+)'\)", job)[0] for job in jobs), strict=True))
    if isinstance(wanted, dict):
        assert logins == wanted
    known = re.findall(r"\n +id: ([\w-]+)\n", scripts["credentials"])
    assert set(logins.values()) <= set(known)
    # What each login is read from is there, and the catalogue makes it.
    (catalogue,) = documents(root / "secrets/catalogue.yaml")
    secrets = {f"{item['namespace']}/{item['name']}" for item in catalogue["secrets"]}
    places = {mount["mountPath"]: mount["name"] for mount in values["persistence"]["mounts"]}
    volumes = {volume["name"]: volume["secret"]["secretName"] for volume in values["persistence"]["volumes"]}
    for place in re.findall(r"readFile:(/run/secrets/[\w-]+)/", scripts["credentials"]):
        assert f"jenkins/{volumes[places[place]]}" in secrets


def test_over_ssh_jenkins_knows_the_server_or_says_that_it_does_not(render: Render, tmp_path: Path) -> None:
    ssh = {"git_base_url": "ssh://git@git.example.com/home"}
    security = values_of(render, **ssh, git_known_hosts=[HOST_KEY])["controller"]["JCasC"]["security"]
    strategy = security["gitHostKeyVerificationConfiguration"]["sshHostKeyVerificationStrategy"]
    assert strategy == {"manuallyProvidedKeyVerificationStrategy": {"approvedHostKeys": HOST_KEY}}
    # Nobody is trusted at first sight instead.
    assert "gitHostKeyVerificationConfiguration" not in values_of(render, **ssh)["controller"]["JCasC"]["security"]
    answers = tmp_path / "answers.yaml"
    answers.write_text(json.dumps(HA | ssh))
    assert "answers/jenkins-known-hosts" in {finding.rule for finding in load(answers, ROOT).warnings}


def test_git_trusts_a_private_authority_for_its_server_alone(render: Render) -> None:
    root = render(HA | {"git_authority": AUTHORITY}, "argocd")
    maps = documents(root / "platform/jenkins/manifests/git-authority.yaml")
    assert [item["metadata"]["namespace"] for item in maps] == ["jenkins", "jenkins-agents"]
    for item in maps:
        assert '[http "https://git.example.com/"]' in item["data"]["gitconfig"]
        assert item["data"]["ca.crt"].strip() == AUTHORITY.strip()
    (values,) = documents(root / "platform/jenkins/values.yaml")
    (mount,) = [mount for mount in values["persistence"]["mounts"] if mount["name"] == "git-authority"]
    (volume,) = values["agent"]["volumes"]
    assert mount["mountPath"] == volume["mountPath"]
    for variables in (values["controller"]["containerEnv"], values["agent"]["envVars"]):
        assert variables == [{"name": "GIT_CONFIG_SYSTEM", "value": f"{mount['mountPath']}/gitconfig"}]


# -- the configuration as code -----------------------------------------------------------------------------------------


def texts(values: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the type and the text of each piece that Helm reads as a template of its own."""
    casc = values["controller"]["JCasC"]
    yield "authorizationStrategy", casc["authorizationStrategy"]
    yield from (("root", text) for text in casc["configScripts"].values())
    yield from (("podTemplate", text) for text in values["agent"]["podTemplates"].values())


def unknown(value: Any, kind: str, where: str = "") -> Iterator[str]:
    """Yield what Jenkins would refuse to start for: an attribute that no plugin knows, or a mapping for a text."""
    if isinstance(value, list):
        for item in value:
            yield from unknown(item, kind, where)
    elif kind == "any":
        return
    elif not isinstance(value, dict):
        yield from () if kind == "text" else (f"{where} is no mapping",)
    elif kind == "text":
        yield f"{where} is no text"
    else:
        for name, inner in value.items():
            if name in KNOWN[kind]:
                yield from unknown(inner, KNOWN[kind][name], f"{where}.{name}")
            else:
                yield f"{where}.{name}"


def test_jenkins_knows_every_attribute(cluster: Cluster) -> None:
    values = cluster.values("jenkins")
    assert [fault for kind, text in texts(values) for fault in unknown(parsed(text), kind)] == []
    assert list(unknown(values["controller"]["JCasC"]["security"], "security")) == []


def test_an_attribute_that_nobody_knows_would_be_seen(cluster: Cluster) -> None:
    (template,) = parsed(cluster.values("jenkins")["agent"]["podTemplates"]["buildkit"])
    assert list(unknown(template | {"automountServiceAccountToken": False}, "podTemplate")) == [
        ".automountServiceAccountToken"
    ]
    assert list(unknown({"jobs": [{"scripts": "x"}]}, "root")) == [".jobs.scripts"]


def test_helm_finds_no_expression_of_its_own_in_the_texts(cluster: Cluster) -> None:
    for _, text in texts(cluster.values("jenkins")):
        assert "{{" not in text


def test_the_job_of_the_apps_looks_where_the_apps_are(cluster: Cluster) -> None:
    text = cluster.values("jenkins")["controller"]["JCasC"]["configScripts"]["apps"]
    job, *others = parsed(text)["jobs"]
    assert all("scriptPath('Jenkinsfile')" in other["script"] for other in others)
    (url,) = re.findall(r"remote\('([^']+)'\)", job["script"])
    assert cluster.by_url[url] in (cluster.apps, cluster.apps.parent)
    (path,) = re.findall(r"scriptPath\('([^']+)'\)", job["script"])
    assert (cluster.by_url[url] / path).parent == cluster.apps
    # The branches of a push that is under way are nobody's work.
    # Nor are those that wait for people to merge an image.
    assert "excludes('fmc-run-* deploy/*')" in job["script"]
    assert job["script"].count("{") == job["script"].count("}")
    # Jenkins would take it for a secret of its own.
    assert "${" not in job["script"]


def test_another_server_of_pipelines_leaves_jenkins_without_a_job(render: Render) -> None:
    values = values_of(render, ci="gitea")
    assert "jobs" not in parsed(values["controller"]["JCasC"]["configScripts"]["apps"])
    (template,) = parsed(values["agent"]["podTemplates"]["buildkit"])
    assert [container["name"] for container in parsed(template["yaml"])["spec"]["containers"]] == ["buildkit"]
    assert not (render(HA | {"ci": "gitea"}, "apps") / "Jenkinsfile").exists()


@pytest.mark.parametrize(
    ("pipeline", "ids"),
    [
        ({}, []),
        ({"wait": "rollout"}, ["argocd"]),
        ({"notify": "webhook"}, ["notify"]),
        ({"wait": "rollout", "notify": "webhook"}, ["argocd", "notify"]),
    ],
    ids=["nothing", "wait", "notify", "both"],
)
def test_what_a_build_asks_and_tells_has_its_secret(render: Render, pipeline: dict[str, str], ids: list[str]) -> None:
    root = render(HA | {"pipeline": pipeline}, "argocd")
    (catalogue,) = documents(root / "secrets/catalogue.yaml")
    found = [item for item in catalogue["secrets"] if item["name"] == "jenkins-pipelines"]
    assert [list(item["data"]) for item in found] == ([ids] if ids else [])
    (values,) = documents(root / "platform/jenkins/values.yaml")
    script = parsed(values["controller"]["JCasC"]["configScripts"]["credentials"])
    ((*entries, git),) = [domain["credentials"] for domain in script["credentials"]["system"]["domainCredentials"]]
    assert "usernamePassword" in git
    assert [entry["string"]["id"] for entry in entries] == ids
    mounts = {mount["name"]: mount["mountPath"] for mount in values["persistence"]["mounts"]}
    for entry in entries:
        assert entry["string"]["secret"] == f"${{readFile:{mounts['pipelines']}/{entry['string']['id']}:-}}"
    jenkinsfile = (render(HA | {"pipeline": pipeline}, "apps") / "Jenkinsfile").read_text()
    assert set(re.findall(r"credentialsId: '(\w+)'", jenkinsfile)) == {"git", *ids}


def test_agents_that_push_by_ssh_have_a_name_and_know_the_server(render: Render) -> None:
    ssh = {"git_base_url": "ssh://git@git.example.com/home", "git_known_hosts": [HOST_KEY]}
    root = render(HA | ssh, "argocd")
    (values,) = documents(root / "platform/jenkins/values.yaml")
    (template,) = parsed(values["agent"]["podTemplates"]["buildkit"])
    spec = parsed(template["yaml"])["spec"]
    (volume,) = [volume for volume in spec["volumes"] if volume["name"] == "ssh"]
    (container,) = [container for container in spec["containers"] if container["name"] == "python"]
    (given,) = documents(root / "platform/jenkins/manifests/git-ssh.yaml")
    assert volume["configMap"]["name"] == given["metadata"]["name"]
    assert {mount["subPath"]: mount["mountPath"] for mount in container["volumeMounts"]} == {
        "passwd": "/etc/passwd",
        "known_hosts": "/etc/ssh/ssh_known_hosts",
    }
    assert given["data"]["known_hosts"].splitlines() == [HOST_KEY]
    users = [line.split(":") for line in given["data"]["passwd"].splitlines()]
    assert str(container["securityContext"]["runAsUser"]) in {user[2] for user in users}


@pytest.mark.parametrize("registry", ["docker.io/home", "registry.example.com:5000/team/apps"])
def test_the_registry_is_told_to_pipelines_and_to_the_secret(render: Render, registry: str) -> None:
    root = render(HA | {"registry": registry}, "argocd")
    (values,) = documents(root / "platform/jenkins/values.yaml")
    jenkins = parsed(values["controller"]["JCasC"]["configScripts"]["apps"])["jenkins"]
    assert jenkins["globalNodeProperties"] == [{"envVars": {"env": [{"key": "REGISTRY", "value": registry}]}}]
    (catalogue,) = documents(root / "secrets/catalogue.yaml")
    (secret,) = [item for item in catalogue["secrets"] if item["name"] == "jenkins-registry"]
    assert secret["type"] == "kubernetes.io/dockerconfigjson"
    assert secret["data"] == {
        ".dockerconfigjson": {"from": "login", "as": "dockerconfigjson", "registry": registry.split("/")[0]}
    }
