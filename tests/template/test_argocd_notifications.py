"""Who is told by Argo CD: what its controller is configured with, and that the real program says it so."""

from __future__ import annotations

import http.server
import json
import re
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.conftest import require_tool
from tests.template.argocd_tree import HA, documents

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.template.conftest import Render

TOLD = {
    "webhook": {"receiver": "webhook"},
    "email": {"receiver": "email", "server": "smtp.example.com:465", "to": "ops@example.com", "user": "argocd"},
}
SECRET = "argocd-notifications-secret"


def values(root: Path) -> dict[str, Any]:
    (document,) = documents(root / "platform/argocd/values.yaml")
    return dict(document["notifications"])


def parsed(texts: dict[str, str], kind: str) -> dict[str, Any]:
    """Return the entries of a ConfigMap that begin so, each read as YAML."""
    return {name.removeprefix(f"{kind}."): yaml.safe_load(text) for name, text in texts.items()}


@pytest.fixture(scope="module", params=TOLD)
def told(request: pytest.FixtureRequest, render: Render) -> Path:
    return render(HA | {"notifications": TOLD[request.param]}, "argocd")


def test_without_the_answer_nobody_is_told_and_nothing_runs(render: Render) -> None:
    root = render(HA, "argocd")
    assert values(root) == {"enabled": False}
    assert SECRET not in (root / "secrets/catalogue.yaml").read_text()


def test_what_is_secret_is_a_key_of_the_sealed_secret_and_the_chart_makes_none(told: Path) -> None:
    (catalogue,) = documents(told / "secrets/catalogue.yaml")
    (secret,) = [item for item in catalogue["secrets"] if item["name"] == SECRET]
    assert secret["namespace"] == "argocd"
    named = {key for text in values(told)["notifiers"].values() for key in re.findall(r"\$([\w-]+)", text)}
    assert named == secret["data"].keys()
    assert {value["generator"] for value in secret["values"].values()} == {"external"}
    assert values(told)["secret"] == {"create": False, "name": SECRET}


def test_who_subscribes_is_reached_and_each_trigger_has_its_text(told: Path) -> None:
    told_values = values(told)
    triggers = parsed(told_values["triggers"], "trigger")
    templates = parsed(told_values["templates"], "template")
    services = {name.split(".")[-1] for name in told_values["notifiers"]}
    sent = {name for conditions in triggers.values() for condition in conditions for name in condition["send"]}
    assert sent == templates.keys()
    subscribed = set()
    for subscription in told_values["subscriptions"]:
        subscribed |= set(subscription["triggers"])
        assert {recipient.split(":")[0] for recipient in subscription["recipients"]} == services
    assert subscribed == triggers.keys()


def test_rollouts_are_told_of_apps_alone(told: Path) -> None:
    of_triggers = {tuple(item["triggers"]): item.get("selector") for item in values(told)["subscriptions"]}
    assert of_triggers[("on-sync-failed", "on-health-degraded")] is None
    label, _, value = str(of_triggers[("on-deployed",)]).partition("=")
    (apps,) = documents(told / "applications/apps.yaml")
    assert apps["spec"]["template"]["metadata"]["labels"][label] == value
    for path in (told / "applications").glob("*.yaml"):
        for item in documents(path):
            assert item["kind"] != "Application" or item["metadata"].get("labels", {}).get(label) != value


# -- the real program --------------------------------------------------------------------------------------------------


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[bytes]]]:
    """The address of a webhook on this machine, and what it was sent."""
    sent: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", sent
    server.shutdown()
    thread.join()
    server.server_close()


def application(phase: str, health: str) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "hello-production", "namespace": "argocd"},
        "status": {
            "health": {"status": health},
            "operationState": {"phase": phase, "finishedAt": "2026-01-01T00:00:00Z"},
        },
    }


@pytest.mark.tools
@pytest.mark.parametrize(
    ("trigger", "template", "state", "other"),
    [
        ("on-sync-failed", "failed", ("Failed", "Healthy"), ("Running", "Degraded")),
        ("on-health-degraded", "degraded", ("Succeeded", "Degraded"), ("Failed", "Progressing")),
        ("on-deployed", "synced", ("Succeeded", "Healthy"), ("Succeeded", "Progressing")),
    ],
)
def test_argo_cd_tells_the_webhook_what_became_of_an_application(
    render: Render,
    tmp_path: Path,
    webhook: tuple[str, list[bytes]],
    trigger: str,
    template: str,
    state: tuple[str, str],
    other: tuple[str, str],
) -> None:
    address, sent = webhook
    configured = values(render(HA | {"notifications": TOLD["webhook"]}, "argocd"))
    data = {
        "context": "argocdUrl: https://argocd.home.example.com",
        **configured["notifiers"],
        **configured["templates"],
        **configured["triggers"],
        "subscriptions": yaml.safe_dump(configured["subscriptions"]),
    }
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-notifications-cm"}, "data": data}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": SECRET}, "stringData": {"url": address}}
    for name, content in (("settings", settings), ("secret", secret)):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(content))

    def argocd(*arguments: str) -> str:
        command = [str(require_tool("argocd")), "admin", "notifications", *arguments]
        command += ["--config-map", str(tmp_path / "settings.yaml"), "--secret", str(tmp_path / "secret.yaml")]
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(KUBECONFIG))
        command += ["--kubeconfig", str(kubeconfig), "--namespace", "argocd"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    for phase_and_health, triggered in ((state, "true"), (other, "false")):
        file = tmp_path / f"{triggered}.yaml"
        file.write_text(yaml.safe_dump(application(*phase_and_health)))
        assert triggered in argocd("trigger", "run", trigger, str(file)).splitlines()[-1].lower()
    argocd("template", "notify", template, str(tmp_path / "true.yaml"), "--recipient", "people")
    (body,) = sent
    text = json.loads(body)["text"]
    assert text.startswith("hello-production ")
    assert text.endswith(": https://argocd.home.example.com/applications/hello-production")


# Nobody is asked: everything that the program reads is a file.
KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "none",
    "clusters": [{"name": "none", "cluster": {"server": "https://127.0.0.1:1"}}],
    "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
    "users": [{"name": "none", "user": {"token": "none"}}],
}
