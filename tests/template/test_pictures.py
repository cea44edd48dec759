"""The pictures of the READMEs: each machine, virtual address, wave and component is in one, for Mermaid to read."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from generator.answers.questionnaire import Questionnaire
from tests.template.argocd_tree import CLUSTERS, HA, SINGLE, Cluster, render_cluster
from tests.template.conftest import ROOT
from tests.template.mermaid import Picture, frames, parse, pictures

if TYPE_CHECKING:
    from tests.template.conftest import Render

MANY = {
    "counts": {"masters": 5, "workers": 12, "loadbalancers": 3},
    "nodes": [
        # Words of Mermaid's own, and names that differ in a dash.
        {"name": "worker1", "rename": "end"},
        {"name": "worker2", "rename": "graph"},
        {"name": "a-b", "role": "plain", "network": "edge", "address": "10.17.5.140"},
        {"name": "a--b", "role": "plain", "address": "10.17.4.190", "group": "databases"},
    ],
}
MACHINES: dict[str, dict[str, Any]] = {
    "ha": HA,
    "ha-many": HA | MANY,
    "ha-lan-two-hosts": HA
    | {"edge": "192.168.0.0/24", "hosts": {"kvm1": {}, "kvm2": {}}, "nodes": [{"name": "lb2", "host": "kvm2"}]},
    "ha-existing": HA | {"machines": "existing", "components": ["traefik", "hello"]},
    "ha-without-components": HA | {"components": []},
    "single": SINGLE,
}


@pytest.mark.parametrize("name", MACHINES)
def test_the_topology_has_each_machine_in_its_network_and_role(render: Render, name: str) -> None:
    root = render(MACHINES[name], "infra")
    plan = json.loads((root / "plan.json").read_text())
    (picture,) = pictures(root / "README.md")
    assert len(picture.of("machine")) == len(plan["nodes"])
    networks = {network["key"]: f"{network['name']}: {network['cidr']}" for network in plan["networks"]}
    assert list(picture.of("network").values()) == list(networks.values())
    for node in plan["nodes"]:
        machine = f"machine_{node['name'].replace('-', '_')}"
        where = f", on {node['host']}" if len(plan["hosts"]) > 1 else ""
        assert picture.labels[machine] == f"{node['name']}: {node['address']}{where}"
        assert list(frames(picture, machine)) == [node["role"], networks[node["network"]]]


@pytest.mark.parametrize("name", MACHINES)
def test_the_topology_shows_where_people_come_in_and_where_that_leads(render: Render, name: str) -> None:
    root = render(MACHINES[name], "infra")
    plan = json.loads((root / "plan.json").read_text())
    (picture,) = pictures(root / "README.md")
    edges = set(picture.edges)
    labels = picture.labels
    assert {labels[f"vip_{vip['name']}"] for vip in plan["vips"]} == {
        f"{vip['name']}: {vip['address']}" for vip in plan["vips"]
    }
    for endpoint in plan["endpoints"]:
        if endpoint["name"] not in ("api", "https"):
            continue
        (begin,) = {
            end for start, end in edges if start == "outside" and labels[end].endswith(f": {endpoint['address']}")
        }
        assert f"{endpoint['name']}, port {endpoint['port']}" in picture.texts
        reached = {labels[end] for start, end in edges if start == begin and end.startswith("role_")}
        names = {backend["name"] for backend in endpoint["backends"]}
        assert reached == {node["role"] for node in plan["nodes"] if node["name"] in names}
    for vip in plan["vips"]:
        held = {end for start, end in edges if start == f"vip_{vip['name']}" and end.startswith("machine_")}
        assert held == {f"machine_{holder['name'].replace('-', '_')}" for holder in vip["holders"]}


@pytest.fixture(scope="module", params=CLUSTERS)
def cluster(request: pytest.FixtureRequest, render: Render) -> Cluster:
    return render_cluster(render, request.param)


def picture_of(cluster: Cluster, kind: str) -> Picture:
    (found,) = [picture for picture in pictures(cluster.argocd / "README.md") if picture.kind == kind]
    return found


def test_the_waves_have_each_component_and_follow_one_another(cluster: Cluster) -> None:
    picture = picture_of(cluster, "flowchart")
    where = {label: next(frames(picture, name)) for name, label in picture.of("part").items()}
    for row in cluster.applications:
        assert where[row["name"]] == f"wave {row['wave']}"
    assert {"projects, namespaces", "secrets", "apps"} <= where.keys()
    # Projects and namespaces, secrets, limits, and the apps are no components.
    assert len(where) == len(cluster.applications) + 4
    waves = [int(label.removeprefix("wave ")) for label in picture.of("wave").values()]
    assert waves == sorted(set(waves))
    names = list(picture.of("wave"))
    assert picture.edges == list(pairwise(names))


def test_the_way_of_a_request_goes_by_the_plan(cluster: Cluster) -> None:
    if not cluster.answers["components"]:
        assert [picture.kind for picture in pictures(cluster.argocd / "README.md")] == ["flowchart"]
        return
    picture = picture_of(cluster, "sequence")
    balanced = cluster.answers["profile"] == "ha"
    hops = ["browser", "balancer", "traefik", "service"] if balanced else ["browser", "traefik", "service"]
    assert picture.edges == [("browser", "names"), ("names", "browser"), *pairwise(hops)]
    assert picture.labels["service"] == "argocd"
    assert picture.texts[0] == "argocd.home.example.com?"
    assert picture.texts[2] == f"https, {picture.texts[1]} port 443"
    # Of a cluster that is there already a Service leads to the pods, by ports that are nobody's business.
    assert ("port 30443" in picture.texts[3]) is (balanced and "existing_cluster" not in cluster.answers)
    assert ("your router" in (cluster.argocd / "README.md").read_text()) is (cluster.answers["exposure"] == "public")


def told(macro: str, text: str) -> str:
    source = f"#% import 'lib/pictures.jinja' as pictures %##{{ pictures.{macro}(text) }}#"
    return Questionnaire.load(ROOT).render(source, {"text": text})


def test_what_could_end_a_label_is_escaped() -> None:
    label = told("label", 'a "b" <c> #d `e`\nf;')
    assert label == '"a #quot;b#quot; #lt;c#gt; #35;d #96;e#96; f;"'
    assert list(parse(f"flowchart TB\n  a_1[{label}]\n").labels) == ["a_1"]
    words = told("words", "a; b <c> #d\ne")
    assert words == "a, b #lt;c#gt; #35;d e"


@pytest.mark.parametrize(
    "text",
    [
        "graph TB\n",
        'flowchart TB\n  a_1["a "b""]\n',
        'flowchart TB\n  a_1["#a"]\n',
        'flowchart TB\n  end["a"]\n',
        'flowchart TB\n  a_1["a"]\n  a_1["b"]\n',
        'flowchart TB\n  a_1["a"]\n  a_1 --> a_2\n',
        'flowchart TB\n  subgraph a_1["a"]\n',
        "sequenceDiagram\n  participant a as b\n  a->>a: c; d\n",
    ],
)
def test_what_mermaid_would_not_read_is_no_picture(text: str) -> None:
    with pytest.raises(ValueError, match=r"no picture|no line|there already|there is no|no end"):
        parse(text)
