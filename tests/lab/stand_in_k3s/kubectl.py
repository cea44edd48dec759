"""`k3s kubectl`, as far as roles use it: the server answers with exit code, output and error."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from tests.lab.stand_in_k3s import paths
from tests.lab.stand_in_k3s.changes import RefusedError

if TYPE_CHECKING:
    from tests.lab.stand_in_k3s.cluster import Cluster

Answer = dict[str, Any]


def _answer(out: str = "", error: str = "") -> Answer:
    return {"code": 1 if error else 0, "out": out, "error": error}


def answer(cluster: Cluster, is_ready: bool, arguments: list[str]) -> Answer:
    """Answer a command of kubectl."""
    try:
        return _run(cluster, is_ready, arguments)
    except RefusedError as error:
        return _answer(error=f"Error from server: {error.message}\n")


def _run(cluster: Cluster, is_ready: bool, arguments: list[str]) -> Answer:
    options, words = _options(arguments)
    if not is_ready:
        return _answer(
            error="Error from server (ServiceUnavailable): the server is currently unable to handle the request\n"
        )
    if not cluster.has_quorum():
        return _answer(
            error='Error from server (InternalError): an error on the server ("[-]etcd failed: reason withheld")\n'
        )
    return _read(cluster, options, words) if words[0] == "get" else _change(cluster, options, words)


def _read(cluster: Cluster, options: argparse.Namespace, words: list[str]) -> Answer:
    match words:
        case ["get"] if options.raw == "/readyz":
            return _answer("ok")
        case ["get", "node" | "nodes", *names]:
            return _nodes(cluster, options, names)
        case ["get", "secret", name]:
            return _one(name, cluster.state["secrets"], options, f"secret/{name}\n")
        case ["get", "deployment", name]:
            return _one(name, cluster.state["deployments"], options, str(cluster.state["deployments"].get(name)))
    return _unknown(words)


def _change(cluster: Cluster, options: argparse.Namespace, words: list[str]) -> Answer:
    match words:
        case ["label", "node", name, *labels]:
            cluster.change("label", name=name, labels=labels)
            return _answer(f"node/{name} labeled\n")
        case ["annotate", "node", name, *annotations]:
            cluster.change("annotate", name=name, annotations=annotations)
            return _answer(f"node/{name} annotated\n")
        case ["delete", "node", name]:
            cluster.change("delete_node", name=name)
            return _answer(f'node "{name}" deleted\n')
        case ["delete", name] if name.startswith("secret/"):
            cluster.change("delete_secret", name=name.removeprefix("secret/"))
            return _answer(f"{name} deleted\n")
        case ["scale", "deployment", name]:
            cluster.change("scale", name=name, replicas=options.replicas)
            return _answer(f"deployment.apps/{name} scaled\n")
        case ["cordon" | "drain" | "uncordon" as verb, name]:
            cluster.change("cordon", name=name, cordoned=verb != "uncordon")
            return _answer(f"node/{name} {verb}ed\n")
    return _unknown(words)


def _unknown(words: list[str]) -> Answer:
    return _answer(error=f"error: the stand-in for kubectl does not know {' '.join(words)}\n")


def _options(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(prog="kubectl")
    for flag in ("--raw", "--output", "--namespace", "--timeout"):
        parser.add_argument(flag)
    parser.add_argument("--replicas", type=int)
    for flag in ("--ignore-not-found", "--overwrite", "--ignore-daemonsets", "--delete-emptydir-data", "--force"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("words", nargs="*")
    options = parser.parse_intermixed_args(arguments)
    return options, options.words


def _one(name: str, known: dict[str, Any], options: argparse.Namespace, shown: str) -> Answer:
    if name in known:
        return _answer(shown)
    return (
        _answer() if options.ignore_not_found else _answer(error=f'Error from server (NotFound): "{name}" not found\n')
    )


def _nodes(cluster: Cluster, options: argparse.Namespace, names: list[str]) -> Answer:
    nodes = [node for node in cluster.nodes() if not names or node["metadata"]["name"] in names]
    if names and not nodes:
        return _one(names[0], {}, options, "")
    if options.output == "json":
        return _answer(json.dumps(nodes[0] if names else {"apiVersion": "v1", "kind": "List", "items": nodes}))
    rows = ["NAME STATUS ROLES AGE VERSION"]
    for node in nodes:
        ready = node["status"]["conditions"][0]["status"] == "True"
        status = ("Ready" if ready else "NotReady") + (",SchedulingDisabled" if node["spec"]["unschedulable"] else "")
        rows.append(f"{node['metadata']['name']} {status} <none> 1m {node['status']['nodeInfo']['kubeletVersion']}")
    return _answer("\n".join(rows) + "\n")


def call(arguments: list[str]) -> int:
    """Ask the server on this machine, with the administrator's kubeconfig; return the exit code."""
    from tests.lab.stand_in_k3s.administrator import ask_as_administrator

    if not paths.KUBECONFIG.is_file():
        print(f"W unable to read {paths.KUBECONFIG}: no such file; is this a server?", file=sys.stderr)
        return 1
    found = ask_as_administrator("kubectl", arguments)
    if found is None:
        print(
            "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?",
            file=sys.stderr,
        )
        return 1
    sys.stdout.write(found["out"])
    sys.stderr.write(found["error"])
    return int(found["code"])
