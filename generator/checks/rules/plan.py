"""Rules about the address plan: one file of the infra part holds it, and that is what the recorded answers give."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from generator.checks.reading.kubernetes_objects import mapping, pointer, sequence, text
from generator.checks.reading.source_files import INFRA
from generator.checks.reading.yamlgo import read
from generator.checks.rule import rule
from generator.findings import Flaw

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from generator.checks.reading.inventory import Inventory
    from generator.checks.reading.yamlgo import Step, YamlDocument

_PLAN = PurePosixPath("plan.json")
_HOSTS = PurePosixPath("ansible/inventory/hosts.yml")
_FIX = (
    "A change belongs into the answers: write it there, and run `fmc new --answers answers.yaml`. What is not meant, "
    "take back: `git log -p` shows who changed the file, and `git revert` undoes it."
)
_ABSENT = object()


@rule("plan/file", "The file infra/plan.json is the address plan that the recorded answers give.")
def plan_file(inventory: Inventory) -> Iterator[Flaw]:
    """Compare the file that Terraform and Ansible read with the answers, value by value."""
    expected = inventory.expected.plan
    for file in inventory.files:
        if file.part != INFRA or file.path != _PLAN or not expected or _is_json_of(file.content, expected):
            continue
        # JSON is YAML, and this reader knows the lines.
        documents, problems = read(file.content, kubernetes=False)
        if problems or len(documents) != 1:
            line = problems[0].line if problems else 1
            yield Flaw(file.name, line, "the address plan can't be read", fix=_FIX)
            continue
        for path, ours, theirs in _differences(expected, documents[0].value, ()):
            message = f"{pointer(path)} is {_shown(theirs)} here, and {_shown(ours)} by the recorded answers"
            yield Flaw(file.name, documents[0].line_of(path), message, path=pointer(path), fix=_FIX)


def _is_json_of(content: bytes, expected: Mapping[str, Any]) -> bool:
    """Tell whether a file is some JSON of the plan: the reader that knows the lines takes thirty times as long."""
    try:
        return bool(json.loads(content, object_pairs_hook=_once_each) == expected)
    except (ValueError, RecursionError):
        return False


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


@rule("plan/inventory", "Ansible's inventory has the machines, addresses and groups of the plan.")
def plan_inventory(inventory: Inventory) -> Iterator[Flaw]:
    """Compare the inventory with the plan; variables of one's own don't count."""
    plan = inventory.expected.plan
    nodes = {text(node.get("name")): text(node.get("address")) for node in map(mapping, sequence(plan.get("nodes")))}
    groups = mapping(plan.get("groups"))
    for file, documents in inventory.contents.others.items():
        if file.part == INFRA and file.path == _HOSTS and nodes:
            for document in documents:
                for line, message in (*_hosts(document, nodes), *_groups(document, groups)):
                    yield Flaw(file.name, line, message, fix=_FIX)


def _hosts(document: YamlDocument, nodes: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    hosts = mapping(mapping(mapping(document.value).get("all")).get("hosts"))
    for name in sorted(nodes.keys() | hosts.keys()):
        line = document.line_of(("all", "hosts", name))
        given = mapping(hosts.get(name)).get("ansible_host")
        if name not in hosts:
            yield line, f"the machine {name} of the plan is missing"
        elif name not in nodes:
            yield line, f"there is no machine {name} in the plan"
        elif given != nodes[name]:
            yield line, f"{name} has the address {_shown(given)} here, and {nodes[name]} in the plan"


def _groups(document: YamlDocument, groups: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    for group, machines in groups.items():
        found = set(mapping(mapping(mapping(document.value).get(group)).get("hosts")))
        if found != set(sequence(machines)):
            different = ", ".join(sorted(map(str, found ^ set(sequence(machines)))))
            yield document.line_of((group,)), f"the group {group} differs from the plan in {different}"


def _differences(ours: Any, theirs: Any, path: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], Any, Any]]:
    """Yield place and both values of each difference, as deep as both sides go."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in [*ours, *(key for key in theirs if key not in ours)]:
            yield from _differences(ours.get(key, _ABSENT), theirs.get(key, _ABSENT), (*path, key))
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, pair in enumerate(zip(ours, theirs, strict=True)):
            yield from _differences(*pair, (*path, index))
    elif ours != theirs:
        yield path, ours, theirs


def _shown(value: Any) -> str:
    if value is _ABSENT or value is None:
        return "not there"
    if isinstance(value, dict | list):
        return f"{'a mapping' if isinstance(value, dict) else 'a list'} of {len(value)}"
    return str(value)[:60]
