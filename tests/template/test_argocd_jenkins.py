"""Jenkins as it is rendered: each trap of its chart and of its plugins is a test."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from generator.checks.schema.schemas import load_schemas
from generator.secrets.restart_marks import ANNOTATION
from generator.secrets.vault.lineage import INITIAL, PENDING
from tests.template.argocd_tree import CLUSTERS, HA, Cluster, Manifest, documents, render_cluster
from tests.template.conftest import ROOT
from tests.template.jenkins_values import logins_at_git, parsed, pod

if TYPE_CHECKING:
    from tests.template.conftest import Render


@pytest.fixture(scope="module", params=[name for name in CLUSTERS if "jenkins" in CLUSTERS[name][0]["components"]])
def cluster(request: pytest.FixtureRequest, render: Render) -> Cluster:
    return render_cluster(render, request.param)


@pytest.fixture(scope="module")
def controller(cluster: Cluster) -> dict[str, Any]:
    return dict(cluster.values("jenkins")["controller"])


def buildkit(cluster: Cluster) -> dict[str, Any]:
    return containers(cluster)["buildkit"]


def containers(cluster: Cluster) -> dict[str, dict[str, Any]]:
    return {container["name"]: container for container in pod(cluster)["spec"]["containers"]}


# -- the core and its plugins ------------------------------------------------------------------------------------------


def test_a_changed_list_of_plugins_reaches_a_volume_that_is_there(controller: dict[str, Any]) -> None:
    """helm-charts#517, #692: with initializeOnce a changed pin restarts the pod and changes nothing.

    And #1576: `cp -i` fails on files that are there.
    """
    assert controller["initializeOnce"] is False
    assert controller["overwritePlugins"] is True


def test_no_plugin_is_the_newest_of_its_day(controller: dict[str, Any]) -> None:
    assert controller["installLatestPlugins"] is False
    assert "additionalPlugins" not in controller
    plugins = dict(plugin.split(":") for plugin in controller["installPlugins"])
    assert len(plugins) == len(controller["installPlugins"])
    assert list(plugins) == sorted(plugins)
    assert all(re.fullmatch(r"\d[\w.]+", version) and version != "latest" for version in plugins.values())
    # What the chart's own list has, which this one replaces.
    assert {"kubernetes", "workflow-aggregator", "git", "configuration-as-code"} <= set(plugins)


def test_the_plugins_are_those_of_the_line_of_the_core(cluster: Cluster, controller: dict[str, Any]) -> None:
    """The chart's version brings the core's; a plugin that is newer than the core takes stops the start."""
    assert controller["image"] == {"pullPolicy": "IfNotPresent"}
    known = json.loads((ROOT / "lib/images.json").read_text())["jenkins"]
    (row,) = [row for row in cluster.rows if row["name"] == "jenkins"]
    assert known["rendered"] == row["version"]
    (line,) = {match[1] for image in known["images"] if (match := re.search(r"jenkins/jenkins:(\d+\.\d+)\.\d", image))}
    text = (cluster.argocd / "platform/jenkins/values.yaml").read_text()
    assert re.findall(r"bom-(\d+\.\d+)\.x", text) == [line]


def test_each_part_of_the_configuration_has_its_plugin(cluster: Cluster, controller: dict[str, Any]) -> None:
    plugins = {plugin.split(":")[0] for plugin in controller["installPlugins"]}
    text = json.dumps(cluster.values("jenkins"))
    needed = {
        "globalMatrix": "matrix-auth",
        "multibranchPipelineJob": "workflow-multibranch",
        "jobs:": "job-dsl",
        "usernamePassword": "credentials-binding",
        "basicSSHUserPrivateKey": "ssh-credentials",
        "gitHostKeyVerificationConfiguration": "git-client",
    }
    assert {plugin for word, plugin in needed.items() if word in text} <= plugins
    assert ("prometheus" in plugins) is ("monitoring" in cluster.answers["components"])


def test_renovate_raises_plugins_and_chart_in_one_request(render: Render) -> None:
    cluster = render_cluster(render, "ha")
    (settings,) = documents(cluster.argocd / "renovate.json")
    text = (cluster.argocd / "platform/jenkins/values.yaml").read_text()
    found = set()
    for manager in settings["customManagers"]:
        for expression in manager["matchStrings"]:
            for match in re.finditer(expression.replace("(?<", "(?P<"), text):
                named = match.groupdict()
                found.add((manager.get("datasourceTemplate") or named["datasource"], named["depName"]))
    plugins = {plugin.split(":")[0] for plugin in cluster.values("jenkins")["controller"]["installPlugins"]}
    assert {name for source, name in found if source == "jenkins-plugins"} == plugins
    images = {container["image"] for container in containers(cluster).values()}
    assert {name for source, name in found if source == "docker"} == {image.split(":")[0] for image in images}
    grouped = [rule for rule in settings["packageRules"] if rule.get("groupName") == "Jenkins"]
    assert [rule.get("matchDatasources") for rule in grouped] == [None, ["jenkins-plugins"]]
    assert grouped[0]["matchPackageNames"] == ["jenkins"]
    assert not any(rule["automerge"] for rule in grouped)


# -- what it lets whom do ----------------------------------------------------------------------------------------------


def test_the_administrator_comes_from_the_secret_and_the_chart_makes_none(controller: dict[str, Any]) -> None:
    """createSecret has to stay true: with false the two files with the login are missing (argocd.md, finding 6)."""
    assert controller["admin"] == {"existingSecret": "jenkins-admin"}


def test_nobody_sees_anything_without_logging_in(controller: dict[str, Any]) -> None:
    strategy = parsed(controller["JCasC"]["authorizationStrategy"])
    entries = strategy["globalMatrix"]["entries"]
    assert {next(iter(entry.values()))["name"] for entry in entries} == {"${chart-admin-username}", "authenticated"}
    assert "anonymous" not in json.dumps(controller).lower()
    assert [entry["group"]["permissions"] for entry in entries if "group" in entry] == [["Overall/Read", "Job/Read"]]
    # The chart's own realm: no sign-up, one user.
    assert "securityRealm" not in controller["JCasC"]


def test_no_guard_that_jenkins_brings_is_switched_off(cluster: Cluster, controller: dict[str, Any]) -> None:
    """CSRF protection, agents that may not command the controller, builds on the controller, markup."""
    assert not {"csrf", "legacyRemotingSecurityEnabled", "numExecutors", "enableRawHtmlMarkupFormatter"} & set(
        controller
    )
    assert "hudson.security.csrf" not in controller["javaOpts"]
    assert "readSecrets" not in cluster.values("jenkins").get("rbac", {})


def test_what_jenkins_answers_without_a_login_is_not_led_to(cluster: Cluster) -> None:
    (route,) = [item for item in cluster.of_kind("IngressRoute").values() if item["metadata"]["name"] == "jenkins"]
    for rule in route["spec"]["routes"]:
        assert "!PathPrefix(`/prometheus`)" in rule["match"]
        assert "!PathPrefix(`/reload-configuration-as-code`)" in rule["match"]


def test_the_controller_fits_the_level_restricted(controller: dict[str, Any]) -> None:
    """The chart's defaults are baseline."""
    for context in (
        controller["containerSecurityContext"],
        controller["sidecars"]["configAutoReload"]["containerSecurityContext"],
    ):
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
    assert controller["podSecurityContextOverride"]["runAsNonRoot"] is True
    assert controller["podSecurityContextOverride"]["seccompProfile"] == {"type": "RuntimeDefault"}


def test_no_budget_stops_a_drain(controller: dict[str, Any]) -> None:
    """The chart's default, maxUnavailable 0, blocks kured, too."""
    assert "podDisruptionBudget" not in controller


def test_no_object_has_a_random_name(controller: dict[str, Any]) -> None:
    assert controller["testEnabled"] is False


# -- restarts by Git ---------------------------------------------------------------------------------------------------


def revisions(cluster: Cluster) -> dict[str, str]:
    """The revision of each login at Git as rendered: somebody has to supply a token, and a key is made at once."""
    made = cluster.answers["git_base_url"].startswith("ssh:")
    return dict.fromkeys(logins_at_git(cluster), INITIAL if made else PENDING)


def test_the_pod_waits_for_the_logins_that_it_restarts_with(cluster: Cluster, controller: dict[str, Any]) -> None:
    marks = [f"jenkins/jenkins-{name}={revision}" for name, revision in revisions(cluster).items()]
    assert controller["podAnnotations"] == {ANNOTATION: " ".join([f"jenkins/jenkins-admin={INITIAL}", *marks])}
    (variable,) = controller["initContainerEnv"]
    reference = {"name": "jenkins-admin", "key": f"jenkins-admin.{INITIAL}"}
    assert variable["valueFrom"] == {"secretKeyRef": reference}
    (waiting,) = controller["customInitContainers"]
    volumes = {volume["name"]: volume["secret"] for volume in cluster.values("jenkins")["persistence"]["volumes"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in waiting["volumeMounts"]}
    assert list(mounts) == list(revisions(cluster))
    for name, place in mounts.items():
        assert volumes[name]["secretName"] == f"jenkins-{name}"
        assert place == f"/run/secrets/{name}"
    waits = [f"wait_for {name} jenkins-{name}.{revision}\n" for name, revision in revisions(cluster).items()]
    assert waiting["command"][-1].endswith("".join(waits))
    assert waiting["securityContext"] == controller["containerSecurityContext"]


@pytest.mark.parametrize(
    ("revision", "before", "sleeps"),
    [
        (PENDING, (), 0),
        ("new", ("token", "jenkins-git.new"), 0),
        ("new", ("token", "jenkins-git.old"), 1),
        (INITIAL, (), 1),
    ],
    ids=["nobody supplied it", "its revision", "an older one", "the first one, on its way"],
)
def test_what_waits_for_the_login_at_git_ends(
    cluster: Cluster, tmp_path: Path, revision: str, before: tuple[str, ...], sleeps: int
) -> None:
    """The Secret is optional, and the kubelet renews its files while the container runs: here, while it sleeps."""
    folder, programs = tmp_path / "git", tmp_path / "programs"
    for place in (*(tmp_path / name for name in logins_at_git(cluster)), programs):
        place.mkdir()
    for name in logins_at_git(cluster)[1:]:
        (tmp_path / name / f"jenkins-{name}.{INITIAL}").touch()
    for name in before:
        (folder / name).touch()
    sleep = programs / "sleep"
    sleep.write_text(f"#!/bin/sh\necho slept\ntouch '{folder}/jenkins-git.{revision}'\n")
    sleep.chmod(0o755)
    (waiting,) = cluster.values("jenkins")["controller"]["customInitContainers"]
    script = waiting["command"][-1].replace("/run/secrets", str(tmp_path))
    script = script.replace(f"jenkins-git.{revisions(cluster)['git']}", f"jenkins-git.{revision}")
    path = f"{programs}:{os.environ['PATH']}"
    done = subprocess.run(
        [*waiting["command"][:-1], script], env={"PATH": path}, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "slept\n" * sleeps


def test_tokens_of_pipelines_are_waited_for_too(render: Render) -> None:
    root = render(HA | {"pipeline": {"wait": "rollout"}}, "argocd")
    (values,) = documents(root / "platform/jenkins/values.yaml")
    controller = values["controller"]
    assert f"jenkins/jenkins-pipelines={PENDING}" in controller["podAnnotations"][ANNOTATION]
    (waiting,) = controller["customInitContainers"]
    assert f"wait_for pipelines jenkins-pipelines.{PENDING}\n" in waiting["command"][-1]
    assert [mount["mountPath"] for mount in waiting["volumeMounts"]] == ["/run/secrets/git", "/run/secrets/pipelines"]


# -- agents ------------------------------------------------------------------------------------------------------------


def test_agents_have_a_namespace_of_their_own_and_no_token(cluster: Cluster, controller: dict[str, Any]) -> None:
    """The chart's Role is in agent.namespace alone: a pod template that names another one gets 403."""
    values = cluster.values("jenkins")
    assert values["agent"]["namespace"] == "jenkins-agents"
    assert values["serviceAccountAgent"] == {"create": True, "automountServiceAccountToken": False}
    for text in values["agent"]["podTemplates"].values():
        for template in parsed(text):
            assert template["namespace"] == "jenkins-agents"
            assert template["serviceAccount"] == "jenkins-agent"
            assert template["inheritFrom"] == "default"
    labels = {name: item["metadata"]["labels"] for name, item in cluster.of_kind("Namespace").items()}
    assert labels["jenkins-agents"]["pod-security.kubernetes.io/enforce"] == "privileged"
    assert labels["jenkins"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_agents_come_by_websocket_and_no_further_port_is_open(cluster: Cluster, controller: dict[str, Any]) -> None:
    assert cluster.values("jenkins")["agent"]["websocket"] is True
    assert controller["agentListenerEnabled"] is False


def test_images_of_agents_name_their_registry_and_their_version(cluster: Cluster) -> None:
    """platform.md 9: a mirror's list is read from these texts, and an image without a registry is missed."""
    assert cluster.values("jenkins")["agent"]["image"] == {"registry": "docker.io"}
    assert re.match(r"docker\.io/moby/buildkit:v\d+\.\d+\.\d+-rootless@", buildkit(cluster)["image"])
    for container in containers(cluster).values():
        assert re.fullmatch(r"docker\.io/[a-z/]+:v?\d+\.\d+\.\d+(-\w+)?@sha256:[0-9a-f]{64}", container["image"])


def test_buildkit_runs_without_root_and_keeps_the_rights_that_its_helpers_gain(cluster: Cluster) -> None:
    """Jenkins fills in absent fields as the level restricted asks (RestrictedPssSecurityContextInjector)."""
    assert cluster.values("jenkins")["agent"]["restrictedPssSecurityContext"] is True
    container = buildkit(cluster)
    assert container["securityContext"] == {
        "runAsUser": 1000,
        "runAsGroup": 1000,
        "allowPrivilegeEscalation": True,
        "capabilities": {"add": ["SETUID", "SETGID"]},
        "seccompProfile": {"type": "Unconfined"},
        "appArmorProfile": {"type": "Unconfined"},
    }
    assert {"name": "BUILDKITD_FLAGS", "value": "--oci-worker-no-process-sandbox"} in container["env"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts["buildkit"] == "/home/user/.local/share/buildkit"


def test_each_container_runs_as_the_owner_of_the_workspace(cluster: Cluster) -> None:
    """git reads no repository of somebody else's; where the level is restricted, an image of root's does not start."""
    for container in containers(cluster).values():
        context = container["securityContext"]
        assert (context["runAsUser"], context["runAsGroup"]) == (1000, 1000)


def test_each_step_has_the_container_of_its_tool(cluster: Cluster) -> None:
    wanted = re.findall(r"ci\.forEach\(apps, '(\w+)'\)", (cluster.apps / "Jenkinsfile").read_text())
    assert set(wanted) | {"python"} == set(containers(cluster))


def test_buildkit_reads_the_login_where_it_looks_for_it(cluster: Cluster) -> None:
    (volume,) = [volume for volume in pod(cluster)["spec"]["volumes"] if "secret" in volume]
    assert volume["secret"]["items"] == [{"key": ".dockerconfigjson", "path": "config.json"}]
    container = buildkit(cluster)
    (mount,) = [mount for mount in container["volumeMounts"] if mount["name"] == volume["name"]]
    assert {"name": "DOCKER_CONFIG", "value": mount["mountPath"]} in container["env"]


def test_the_pod_of_buildkit_is_one(cluster: Cluster) -> None:
    schema = load_schemas("1.36").of("v1", "Pod")
    jsonschema_rs.validator_for(schema).validate(pod(cluster))


# -- the network -------------------------------------------------------------------------------------------------------


def policies(cluster: Cluster) -> dict[tuple[str, str], Manifest]:
    found = [item for path, item in cluster.manifests() if item["kind"] == "NetworkPolicy" and "jenkins" in str(path)]
    return {(item["metadata"]["namespace"], item["metadata"]["name"]): item["spec"] for item in found}


def test_both_namespaces_are_shut_but_for_what_is_needed(cluster: Cluster) -> None:
    """The chart's own policy for agents lies in the controller's namespace and selects nothing."""
    assert "networkPolicy" not in cluster.values("jenkins")
    found = policies(cluster)
    for namespace in ("jenkins", "jenkins-agents"):
        assert found[namespace, "default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    controller, agents = found["jenkins", "controller"], found["jenkins-agents", "agents"]
    sources = [
        peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        for rule in controller["ingress"]
        for peer in rule["from"]
    ]
    expected = {"traefik", "jenkins-agents"} | ({"monitoring"} & set(cluster.answers["components"]))
    assert set(sources) == expected
    assert "ingress" not in agents
    assert agents["policyTypes"] == ["Egress"]


def test_agents_reach_the_controller_and_no_other_pod(cluster: Cluster) -> None:
    egress = policies(cluster)["jenkins-agents", "agents"]["egress"]
    peers = [peer for rule in egress for peer in rule["to"]]
    blocks = [peer["ipBlock"] for peer in peers if "ipBlock" in peer]
    pods = cluster.answers.get("existing_cluster", {}).get("pod_cidr", "10.42.0.0/16")
    assert blocks == [{"cidr": "0.0.0.0/0", "except": [pods]}]
    assert {
        peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        for peer in peers
        if "namespaceSelector" in peer
    } == {"kube-system", "jenkins"}
    assert all("podSelector" in peer for peer in peers if "namespaceSelector" in peer)


# -- whom its builds ask -----------------------------------------------------------------------------------------------

WAITING = {"pipeline": {"wait": "rollout"}}


def test_builds_that_wait_have_an_account_that_may_look_and_the_authority_that_they_trust(render: Render) -> None:
    answers = HA | WAITING
    cluster = Cluster(answers, render(answers, "argocd"), render(answers, "apps"), {})
    settings = cluster.values("argocd")["configs"]
    assert settings["cm"]["accounts.pipelines"] == "apiKey"
    assert settings["rbac"] == {"policy.pipelines.csv": "p, pipelines, applications, get, */*, allow\n"}
    # What trust-manager makes of the Bundle, and where the agents' container has it.
    bundle = cluster.of_kind("Bundle")["internal-ca"]
    target = bundle["spec"]["target"]
    agents = cluster.of_kind("Namespace")["jenkins-agents"]["metadata"]["labels"]
    assert target["namespaceSelector"]["matchLabels"].items() <= agents.items()
    (volume,) = [volume for volume in pod(cluster)["spec"]["volumes"] if volume["name"] == "internal-ca"]
    assert volume["configMap"] == {"name": bundle["metadata"]["name"]}
    python = containers(cluster)["python"]
    (mount,) = [mount for mount in python["volumeMounts"] if mount["name"] == "internal-ca"]
    place = f"{mount['mountPath']}/{target['configMap']['key']}"
    assert {"name": "ARGOCD_CA", "value": place} in python["env"]


@pytest.mark.parametrize(
    "answers",
    [
        {},
        WAITING | {"components": [name for name in HA["components"] if name != "trust-manager"]},
        WAITING | {"dns_provider": "cloudflare"},
        WAITING | {"ci": "github"},
    ],
    ids=["nobody waits", "no trust-manager", "Let's Encrypt", "GitHub"],
)
def test_agents_are_given_no_authority_that_they_have_no_use_for_or_that_nobody_brings(
    render: Render, answers: dict[str, Any]
) -> None:
    cluster = Cluster(HA | answers, render(HA | answers, "argocd"), Path(), {})
    assert "ARGOCD_CA" not in json.dumps(cluster.values("jenkins"))
    assert "internal-ca" not in json.dumps(pod(cluster))
    labels = [namespace["metadata"]["labels"] for namespace in documents(cluster.argocd / "namespaces/jenkins.yaml")]
    assert [list(each) for each in labels] == [["pod-security.kubernetes.io/enforce"]] * 2
    assert ("accounts.pipelines" in cluster.values("argocd")["configs"]["cm"]) is ("pipeline" in answers)
