"""Alerts and dashboards of our own: each has its runbook and asks for what is there; promtool and amtool judge."""

from __future__ import annotations

import json
import re
import subprocess
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import require_tool
from tests.template.argocd_tree import CLUSTERS, HA, MONOREPO, Cluster, Manifest, documents, render_cluster
from tests.template.test_argocd_monitoring import ALERTS, MONITORED, STACK, alertmanager_secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.template.conftest import Render

RUNBOOK = "docs/runbooks/alerts.md"
# Jobs whose monitors the charts bring.
OF_CHARTS = {"node-exporter"}


@pytest.fixture(scope="module", params=MONITORED)
def cluster(request: pytest.FixtureRequest, render: Render) -> Cluster:
    return render_cluster(render, request.param)


def alerts_of(root: Path) -> Iterator[Manifest]:
    for item in documents(root / f"platform/{STACK}/manifests/rules.yaml"):
        for group in item["spec"]["groups"]:
            yield from group["rules"]


def dashboards_of(cluster: Cluster) -> Iterator[dict[str, Any]]:
    for item in documents(cluster.argocd / f"platform/{STACK}/manifests/dashboards.yaml"):
        assert item["metadata"]["labels"] == {"grafana_dashboard": "1"}
        ((file, text),) = item["data"].items()
        dashboard = json.loads(text)
        assert file == f"{dashboard['uid']}.json"
        yield dashboard


def queries_of(cluster: Cluster) -> list[str]:
    return [target["expr"] for one in dashboards_of(cluster) for panel in one["panels"] for target in panel["targets"]]


def anchors(text: str) -> list[str]:
    """Return the anchors of a page's headings, as forges make them of a heading of one word."""
    return [re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in headings(text)]


def headings(text: str) -> list[str]:
    return re.findall(r"^## (.*)$", text, re.MULTILINE)


# -- alerts ------------------------------------------------------------------------------------------------------------


def test_an_alert_says_how_bad_it_is_and_what_is_wrong(cluster: Cluster) -> None:
    alerts = list(alerts_of(cluster.argocd))
    names = [alert["alert"] for alert in alerts]
    assert len(set(names)) == len(names) > 10
    for alert in alerts:
        assert alert["labels"]["severity"] in ("critical", "warning")
        assert re.fullmatch(r"[0-9]+[mh]", alert["for"])
        assert set(alert["annotations"]) == {"summary", "runbook_url"}


def test_the_link_of_each_alert_leads_to_its_section(cluster: Cluster) -> None:
    text = (cluster.argocd / RUNBOOK).read_text()
    repository = next(url for url, root in cluster.by_url.items() if cluster.argocd.is_relative_to(root))
    folder = "argocd/" if CLUSTERS["single-public-monorepo"][1] == MONOREPO and cluster.argocd.name == "argocd" else ""
    host = re.sub(r"^ssh://git@", "https://", repository.removesuffix(".git"))
    page = f"{host}/src/branch/{cluster.answers.get('git_branch', 'main')}/{folder}{RUNBOOK}"
    for alert in alerts_of(cluster.argocd):
        address, _, anchor = alert["annotations"]["runbook_url"].partition("#")
        assert address == page
        assert anchor in anchors(text), alert["alert"]


def test_each_section_of_the_runbook_belongs_to_an_alert(cluster: Cluster) -> None:
    names = [alert["alert"] for alert in alerts_of(cluster.argocd)]
    assert headings((cluster.argocd / RUNBOOK).read_text()) == ["Who is told", *names, "All others"]


AZURE_BY_SSH = "git@ssh.dev.azure.com:v3/example/home/argocd"


@pytest.mark.parametrize(
    ("answers", "page"),
    [
        ({"git_base_url": "https://github.com/home"}, "https://github.com/home/argocd/blob/main/docs/runbooks"),
        ({"git_base_url": "ssh://git@gitlab.example.com:2222/home", "git_read": "deploy-key"}, "https://gitlab.example.com/home/argocd/-/blob/main/docs/runbooks"),
        ({"git_base_url": "https://bitbucket.org/home"}, "https://bitbucket.org/home/argocd/src/main/docs/runbooks"),
        ({"git_base_url": "https://git.example.com:8443/home"}, "https://git.example.com:8443/home/argocd/src/branch/main/docs/runbooks"),
        (
            {"repositories": {"argocd": "https://dev.azure.com/example/home/_git/argocd"}, "git_read": "anonymous"},
            "https://dev.azure.com/example/home/_git/argocd?version=GBmain&path=/docs/runbooks",
        ),
        (
            {"git_base_url": "git@ssh.dev.azure.com:v3/example/home", "repositories": {"argocd": AZURE_BY_SSH}},
            "https://dev.azure.com/example/home/_git/argocd?version=GBmain&path=/docs/runbooks",
        ),
        ({"alerts": {"runbooks": "https://docs.example.com/runbooks"}}, "https://docs.example.com/runbooks"),
    ],
    ids=["github", "gitlab", "bitbucket", "a port", "azure", "azure over SSH", "an address of one's own"],
)  # fmt: skip
def test_the_page_of_the_runbook_is_where_the_forge_shows_it(
    render: Render, answers: dict[str, Any], page: str
) -> None:
    for alert in alerts_of(render(HA | answers, "argocd")):
        assert alert["annotations"]["runbook_url"] == f"{page}/alerts.md#{alert['alert'].lower()}"


def test_alerts_and_dashboards_ask_for_jobs_that_are_there(cluster: Cluster) -> None:
    jobs = {item["spec"]["jobName"] for item in cluster.of_kind("ScrapeConfig").values()}
    jobs |= {item["spec"]["jobName"] for item in cluster.of_kind("Probe").values()} | OF_CHARTS
    asked = [alert["expr"] for alert in alerts_of(cluster.argocd)] + queries_of(cluster)
    named = {job for expr in asked for job in re.findall(r'job="([^"]+)"', expr)}
    assert named <= jobs
    # Somebody looks at each of them.
    assert jobs - named == set()


def test_virtual_addresses_are_watched_where_there_are_some(render: Render) -> None:
    plan = json.loads((render(HA, "infra") / "plan.json").read_text())
    (lost,) = [alert for alert in alerts_of(render(HA, "argocd")) if alert["alert"] == "VirtualAddressLost"]
    for vip in plan["vips"]:
        assert f'absent(node_network_address_info{{address="{vip["address"]}"}})' in lost["expr"]
    single = {alert["alert"] for alert in alerts_of(render_cluster(render, "single").argocd)}
    assert not {name for name in single if name.startswith(("HAProxy", "Keepalived", "Virtual"))}


# -- dashboards --------------------------------------------------------------------------------------------------------


def test_dashboards_are_told_apart(cluster: Cluster) -> None:
    dashboards = list(dashboards_of(cluster))
    for key in ("uid", "title"):
        assert len({one[key] for one in dashboards}) == len(dashboards) >= 4


def test_panels_ask_the_source_of_the_chart_and_cover_none_of_the_others(cluster: Cluster) -> None:
    for dashboard in dashboards_of(cluster):
        panels = dashboard["panels"]
        assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
        for panel in panels:
            sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
            # The uid that the chart gives to the Prometheus that it installs.
            assert all(source == {"type": "prometheus", "uid": "prometheus"} for source in sources)
            assert [target["refId"] for target in panel["targets"]] == ["A", "B", "C"][: len(panel["targets"])]
            assert panel["title"]
            assert panel["fieldConfig"]["defaults"]["unit"]
        for one, other in combinations((panel["gridPos"] for panel in panels), 2):
            beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
            below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
            assert beside or below, dashboard["title"]
            assert one["x"] + one["w"] <= 24


# -- the real programs -------------------------------------------------------------------------------------------------


@pytest.mark.tools
def test_promtool_has_nothing_to_say_against_rules_and_queries(cluster: Cluster, tmp_path: Path) -> None:
    groups = [
        group
        for item in documents(cluster.argocd / f"platform/{STACK}/manifests/rules.yaml")
        for group in item["spec"]["groups"]
    ]
    queries = [{"record": f"query:{number}", "expr": expr} for number, expr in enumerate(queries_of(cluster))]
    path = tmp_path / "rules.yaml"
    path.write_text(json.dumps({"groups": [*groups, {"name": "dashboards", "rules": queries}]}))
    result = run("promtool", "check", "rules", "--lint=all", "--lint-fatal", str(path))
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"SUCCESS: {len(queries) + sum(len(group['rules']) for group in groups)} rules found" in result.stdout


@pytest.mark.tools
@pytest.mark.parametrize("name", ALERTS)
def test_amtool_sends_alerts_to_whom_the_answer_names(render: Render, tmp_path: Path, name: str) -> None:
    secret = alertmanager_secret(render(HA | {"alerts": ALERTS[name]}, "argocd"))
    path = tmp_path / "alertmanager.yaml"
    path.write_text(secret["data"]["alertmanager.yaml"]["text"])
    checked = run("amtool", "check-config", str(path))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    people = "people" if ALERTS[name] else "nobody"
    for labels, receiver in (
        (("alertname=MachineSilent", "severity=critical"), people),
        (("alertname=NodeClockNotSynchronising", "severity=warning"), people),
        (("alertname=CPUThrottlingHigh", "severity=info"), "nobody"),
        (("alertname=Watchdog", "severity=none"), "nobody"),
    ):
        routed = run("amtool", "config", "routes", "test", f"--config.file={path}", *labels)
        assert routed.stdout.strip() == receiver, labels


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([require_tool(program), *arguments], capture_output=True, text=True, timeout=60, check=False)
