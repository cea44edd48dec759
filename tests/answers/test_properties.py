"""What holds for any answers: a plan without contradictions, a lossless file, and a finding instead of a traceback."""

from __future__ import annotations

import ipaddress
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from generator.answers.load import LoadedAnswers, load, load_kept
from generator.answers.plan import Node, Plan, Vip
from generator.answers.questionnaire import Questionnaire
from generator.answers.write import dump
from generator.errors import AnswersError, FmcError

from .conftest import ROOT, SSH_KEY

QUESTIONS = Questionnaire.load(ROOT)
ROLES = ["master", "worker", "loadbalancer", "infra", "storage", "plain"]
thorough = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Addresses from a few neighbouring networks, mostly those that mean something there, so that they often meet.
octets = st.sampled_from([0, 1, 10, 11, 21, 31, 32, 41, 210, 220, 230, 255]) | st.integers(0, 255)
addresses = st.builds("10.{}.{}.{}".format, st.sampled_from([17, 17, 17, 20, 42]), st.sampled_from([4, 5, 3]), octets)
networks = st.builds(
    lambda address, prefix: str(ipaddress.ip_network(f"{address}/{prefix}", strict=False)),
    addresses,
    st.integers(22, 28),
)
macs = st.builds("52:54:00:00:00:{:02x}".format, st.integers(0, 3))


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping with any of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


sizes = {
    "cpus": st.integers(1, 8),
    "memory_mib": st.integers(2, 16).map(lambda n: n * 512),
    "disk_gib": st.integers(15, 60),
}
nodes = st.builds(
    lambda name, rest: {"name": name} | rest,
    st.sampled_from(["master1", "worker1", "lb1", "infra1", "extra1", "extra2", "argocd"]),
    some(role=st.sampled_from(ROLES), address=addresses, mac=macs, **sizes),
)
vip = some(address=addresses, vrid=st.integers(1, 3))
questions: dict[str, st.SearchStrategy[Any]] = {
    "name": st.sampled_from(["lab", "home-2", "a23456789012345678901234567890"]),
    "profile": st.sampled_from(["ha", "single"]),
    "layout": st.sampled_from(["parts", "monorepo", "argocd"]),
    "edge": st.one_of(st.just("nat"), networks),
    "components": st.sampled_from([[], ["traefik"], ["hello", "traefik"]]),
    "counts": some(
        masters=st.integers(1, 5),
        workers=st.integers(0, 40),
        loadbalancers=st.integers(0, 30),
        infra=st.integers(0, 3),
        storage=st.integers(0, 80),
    ),
    "networks": some(
        **{
            key: some(cidr=networks, gateway=addresses, dhcp_start=addresses, dhcp_end=addresses)
            for key in ("edge", "infra", "cluster")
        }
    ),
    "vips": some(api=vip, ingress=vip),
    "nodes": st.lists(nodes, max_size=3),
    "sizes": some(**{role: some(**sizes) for role in ROLES}),
}
# Few answers at a time: of many, one is nearly always wrong, and nothing is learnt about accepted ones.
answers = st.lists(st.sampled_from(sorted(questions)), max_size=3, unique=True).flatmap(
    lambda names: st.fixed_dictionaries(
        {"ssh_public_key": st.just(SSH_KEY)} | {name: questions[name] for name in names}
    )
)


def loaded(content: bytes, overrides: Mapping[str, str] | None = None) -> LoadedAnswers:
    with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
        file.write(content)
        file.flush()
        return load(Path(file.name), ROOT, overrides or {})


def assert_consistent(plan: Plan) -> None:
    """Say in Python what the rules say in Jinja, by other means: the standard library's networks."""
    ranges = {network.key: ipaddress.ip_network(network.cidr) for network in plan.networks}
    every = [*ranges.values(), ipaddress.ip_network(plan.k3s.pod_cidr), ipaddress.ip_network(plan.k3s.service_cidr)]
    assert not [(a, b) for index, a in enumerate(every) for b in every[:index] if a.overlaps(b)]

    taken = [(node.address, node.network) for node in plan.nodes] + [(vip.address, vip.network) for vip in plan.vips]
    assert len({address for address, _ in taken}) == len(taken)
    for address, key in taken:
        network = next(network for network in plan.networks if network.key == key)
        number = ipaddress.ip_address(address)
        # Compared, since a list of the hosts of a /16 takes longer than all the rest.
        assert int(ranges[key].network_address) < int(number) < int(ranges[key].broadcast_address)
        assert address != network.gateway
        if network.dhcp_start:
            start, end = ipaddress.ip_address(network.dhcp_start), ipaddress.ip_address(network.dhcp_end)
            assert int(start) <= int(end)
            assert not int(start) <= int(number) <= int(end)

    for unique in ("name", "mac", "fqdn"):
        values = [getattr(node, unique) for node in plan.nodes]
        assert len(set(values)) == len(values)
    assert len({vip.vrid for vip in plan.vips}) == len(plan.vips)
    assert len({network.bridge for network in plan.networks}) == len(plan.networks)
    assert len([node for node in plan.nodes if node.role == "master"]) % 2 == 1
    assert plan.dns


@thorough
@given(answers)
@example({"ssh_public_key": SSH_KEY})
def test_accepted_answers_give_a_sound_plan_and_survive_their_file(given_answers: dict[str, Any]) -> None:
    try:
        result = loaded(yaml.safe_dump(given_answers).encode())
    except AnswersError:
        assume(False)
    assert_consistent(result.plan)
    again = loaded(dump(result.data, QUESTIONS).encode())
    assert again.data == result.data
    assert again.plan == result.plan


def inside(network: str) -> st.SearchStrategy[dict[str, str]]:
    """A network of any size inside a /16, whose last two numbers are left out."""
    return st.sampled_from(["0.0/16", "8.0/21", "4.0/23", "4.0/24", "4.128/25"]).map(
        lambda rest: {"cidr": f"{network}.{rest}"}
    )


@thorough
@given(questions["counts"], some(edge=inside("10.20"), infra=inside("10.21"), cluster=inside("10.22")))
def test_counts_fit_into_their_networks_or_the_answer_to_change_is_named(
    counts: dict[str, int], given_networks: dict[str, dict[str, str]]
) -> None:
    """faults B6: whatever is accepted collides nowhere, and a refusal for lack of room says what has room."""
    given_answers = {"ssh_public_key": SSH_KEY, "counts": counts, "networks": given_networks}
    try:
        assert_consistent(loaded(yaml.safe_dump(given_answers).encode()).plan)
    except AnswersError as error:
        allowed = {"counts-room", "role-empty", "masters-odd", "masters-one"}
        assert {finding.rule.removeprefix("answers/") for finding in error.findings} <= allowed
        for finding in error.findings:
            if finding.rule == "answers/counts-room":
                assert re.search(r"Use at most \d+, or a larger network in networks\.\w+\.cidr", finding.fix)


@thorough
@given(st.sampled_from(["worker1", "lb1", "infra1", "api", "ingress"]), octets)
def test_one_address_can_be_moved_to_just_those_that_are_free(name: str, octet: int) -> None:
    plan = loaded(f"ssh_public_key: {SSH_KEY}\n".encode()).plan
    holders: list[Node | Vip] = [*plan.nodes, *plan.vips]
    key = next(holder.network for holder in holders if holder.name == name)
    others = {holder.address for holder in holders if holder.name != name}
    network = next(network for network in plan.networks if network.key == key)
    address = f"{network.gateway.rpartition('.')[0]}.{octet}"
    reserved = {network.gateway, network.broadcast, network.cidr.partition("/")[0]}
    dynamic = range(int(network.dhcp_start.split(".")[3]), int(network.dhcp_end.split(".")[3]) + 1)
    free = address not in reserved | others and octet not in dynamic

    moved: dict[str, Any] = {"vips": {name: {"address": address, "vrid": 99}}}
    if name not in ("api", "ingress"):
        moved = {"nodes": [{"name": name, "address": address}]}
    try:
        loaded(yaml.safe_dump({"ssh_public_key": SSH_KEY} | moved).encode())
    except AnswersError:
        assert not free
    else:
        assert free


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.dates(), addresses, networks
)
keys = st.one_of(
    st.sampled_from([question.name for question in QUESTIONS.questions]),
    st.sampled_from(
        ["name", "role", "address", "mac", "cidr", "edge", "cluster", "api", "vrid", "masters", "master", "uri"]
    ),
    st.text(max_size=6),
)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=8,
)
documents = st.builds(lambda base, more: base | more, answers, st.dictionaries(keys, anything, max_size=3))


@thorough
@given(documents)
def test_any_values_give_answers_or_findings(document: dict[str, Any]) -> None:
    try:
        assert_consistent(loaded(yaml.safe_dump(document, allow_unicode=True).encode()).plan)
    except FmcError as error:
        for finding in getattr(error, "findings", ()):
            assert finding.message.isprintable()
            assert finding.path.isprintable()
            assert finding.fix


fragments = st.sampled_from(
    [
        "name",
        ": ",
        "- ",
        "\n",
        "  ",
        "[",
        "]",
        "{",
        "}",
        "&a ",
        "*a",
        "<<: ",
        "!!int ",
        "!x ",
        "|\n",
        "'",
        '"',
        "#",
        "---\n",
        "\t",
        "? ",
        "1",
        "\u2028",
    ]
)
texts = st.lists(st.one_of(fragments, st.text(max_size=4)), max_size=20).map("".join)


@thorough
@given(st.one_of(st.binary(max_size=200), texts.map(lambda text: text.encode("utf-8", "surrogatepass"))))
def test_any_bytes_give_answers_or_an_error_of_ours(content: bytes) -> None:
    try:
        loaded(content)
    except FmcError as error:
        assert error.message.isprintable()
        assert error.fix


@thorough
@given(st.dictionaries(keys, st.one_of(texts, st.text(max_size=20)), max_size=3))
def test_any_options_give_answers_or_findings(overrides: dict[str, str]) -> None:
    try:
        loaded(f"ssh_public_key: {SSH_KEY}\n".encode(), overrides)
    except FmcError as error:
        assert error.fix


@thorough
@given(documents)
def test_kept_answers_are_never_refused_later(document: dict[str, Any]) -> None:
    """What an interrupted questionnaire takes over is good by itself: only rules between answers may still object."""
    with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
        file.write(yaml.safe_dump(document).encode())
        file.flush()
        try:
            kept = load_kept(Path(file.name), QUESTIONS)
        except FmcError:
            assume(False)
    again = yaml.safe_dump(kept | {"ssh_public_key": SSH_KEY}).encode()
    try:
        loaded(again)
    except AnswersError as error:
        own = {question.name.replace("_", "-") for question in QUESTIONS.questions}
        assert not [finding for finding in error.findings if finding.rule.removeprefix("answers/") in own]
