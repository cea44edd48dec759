"""A kubectl with the cluster behind it, as files in a folder: verbs, options and exit codes that the bootstrap uses.

`objects/<kind>/<namespace>/<name>.json` is the live object and who applied what to it; `calls.log` lists the calls that
matter; `world.json`, written by the tests, says what is pushed and what is broken. Before each call the controllers
have had a look, see `controllers`.
"""

from __future__ import annotations

import argparse
import base64
import copy
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]
WORLD = Path(os.environ["FAKE_CLUSTER"])
TRACKING = "argocd.argoproj.io/tracking-id"
NOW = "2026-11-25T10:00:00Z"
_LOOKS = 5
"""How often the controllers have a look before a wait is in vain."""
PLURALS = {
    "application": "Application",
    "crd": "CustomResourceDefinition",
    "deployment": "Deployment",
    "secret": "Secret",
    "sealedsecret": "SealedSecret",
    "statefulset": "StatefulSet",
    "pod": "Pod",
    "daemonset": "DaemonSet",
    "job": "Job",
    "customresourcedefinition": "CustomResourceDefinition",
}
# What jsonpath shows of an object; of a list the values stand in one line.
PATHS = {
    r"{.data.tls\.crt}": ("data", "tls.crt"),
    "{.status.sync.status}": ("status", "sync", "status"),
    r"{.items[*].metadata.labels.helm\.sh/chart}": ("metadata", "labels", "helm.sh/chart"),
}
GROUPS = {
    "CustomResourceDefinition": "apiextensions.k8s.io",
    "Deployment": "apps",
    "StatefulSet": "apps",
    "Job": "batch",
}


# -- The store ---------------------------------------------------------------------------------------------------------


def place(kind: str, namespace: str, name: str) -> Path:
    """Return the file of an object."""
    return WORLD / "objects" / kind / (namespace or "-") / f"{name}.json"


def place_of(item: Object) -> Path:
    """Return the file of an object as a manifest describes it."""
    return place(item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"])


def read(path: Path) -> Object | None:
    """Return a live object."""
    return dict(json.loads(path.read_text())["live"]) if path.exists() else None


def every(kind: str) -> list[Object]:
    """Return all live objects of a kind."""
    return [json.loads(path.read_text())["live"] for path in sorted((WORLD / "objects" / kind).glob("*/*.json"))]


def write(item: Object, applied: dict[str, Object] | None = None) -> None:
    """Store a live object; `applied` is what each field manager has applied, as it was where None."""
    path = place_of(item)
    path.parent.mkdir(parents=True, exist_ok=True)
    if applied is None:
        applied = json.loads(path.read_text())["applied"] if path.exists() else {}
    path.write_text(json.dumps({"live": item, "applied": applied}, indent=1))


def merge(live: Any, new: Any, old: Any) -> Any:
    """Return what server-side apply makes of a value: what its manager no longer says goes, what it says stands."""
    if not (isinstance(live, dict) and isinstance(new, dict)):
        return copy.deepcopy(new)
    old = old if isinstance(old, dict) else {}
    kept = {key: value for key, value in live.items() if key in new or key not in old}
    return kept | {key: merge(kept.get(key), value, old.get(key)) for key, value in new.items()}


class Refused(Exception):
    """The API server does not take an object."""


def applied(item: Object, manager: str) -> tuple[Object, dict[str, Object]] | None:
    """Return what an apply would store; None if it would change nothing."""
    path, namespace = place_of(item), item["metadata"].get("namespace", "")
    if namespace not in ("", "kube-system") and not place("Namespace", "", namespace).exists():
        raise Refused(f'namespaces "{namespace}" not found')
    record = json.loads(path.read_text()) if path.exists() else {"live": {}, "applied": {}}
    live = merge(record["live"], item, record["applied"].get(manager))
    if item["kind"] == "Job" and record["live"] and live["spec"] != record["live"]["spec"]:
        raise Refused(f'The Job "{item["metadata"]["name"]}" is invalid: spec.template: field is immutable')
    return None if live == record["live"] else (live, record["applied"] | {manager: item})


# -- What the controllers do meanwhile ---------------------------------------------------------------------------------


def controllers(world: Object) -> None:
    """Let every controller look once."""
    for kind in ("Deployment", "StatefulSet", "Job"):
        for item in every(kind):
            write(item | {"status": {"ready": _starts(item, world)}})
    if every_ready("argocd-server") and not place("Secret", "argocd", "initial-made").exists():
        write(_secret("initial-made", {}))
        write(_secret("argocd-initial-admin-secret", {"password": world["first_password"]}))
    if every_ready("sealed-secrets-controller"):
        for item in every("SealedSecret"):
            write(item | {"status": _opened(item, world)})
    if every_ready("argocd-application-controller"):
        _argo_cd(world)


def every_ready(name: str) -> bool:
    """Return whether a workload is there and ready."""
    found = [item for kind in ("Deployment", "StatefulSet") for item in every(kind) if item["metadata"]["name"] == name]
    return bool(found) and found[0].get("status", {}).get("ready", False)


def _starts(item: Object, world: Object) -> bool:
    name = item["metadata"]["name"]
    # The pod of sealed-secrets mounts the certificate.
    return name not in world.get("not_ready", ()) and (name != "sealed-secrets-controller" or any(_key_certificates()))


def _key_certificates() -> list[str]:
    return [item["data"]["tls.crt"] for item in every("Secret") if item.get("type") == "kubernetes.io/tls"]


def _secret(name: str, data: Object) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "argocd", "name": name}, "data": data}


def _opened(item: Object, world: Object) -> Object:
    # Its import takes longer than most calls.
    from generator.secrets.vault.keys import certificate_fingerprint

    name = item["metadata"]["name"]
    keys = [certificate_fingerprint(base64.b64decode(certificate)) for certificate in _key_certificates()]
    sealed_to = next(value for key, value in item["metadata"]["annotations"].items() if key.endswith("/sealing-key"))
    good = sealed_to in keys and name not in world.get("closed", ())
    if good:
        write(_secret(name, {"from": "SealedSecret"}))
    condition = {
        "type": "Synced",
        "status": str(good),
        "message": "" if good else "no key could decrypt secret (token)",
    }
    return {"observedGeneration": item["metadata"].setdefault("generation", 1), "conditions": [condition]}


def _argo_cd(world: Object) -> None:
    """Root makes its children at once; they need a second look. What they manage gets a tracking annotation."""
    root = read(place("Application", "argocd", "root"))
    if root is None:
        return
    credential = read(place("SealedSecret", "argocd", "git-credentials"))
    refusal = world.get("git_refuses")
    if refusal and credential and credential["spec"]["encryptedData"]["password"] == world["refused_token"]:
        condition = {"type": "ComparisonError", "message": refusal, "lastTransitionTime": NOW}
        status = {"sync": {"status": "Unknown"}, "health": {"status": "Healthy"}, "conditions": [condition]}
        write(root | {"status": status})
        return
    begun = len(every("Application")) > 1
    for path in sorted(Path(world["tree"]).glob("applications/*.yaml")):
        (child,) = yaml.safe_load_all(path.read_text())
        if child["kind"] == "Application" and not place_of(child).exists():
            write(child | {"status": {}})
        elif child["kind"] == "Application":
            stuck = world.get("stuck", {}).get(child["metadata"]["name"])
            write(child | {"status": stuck or _status(child, world["revision"])})
    children = [item for item in every("Application") if item["metadata"]["name"] != "root"]
    done = all(child.get("status", {}).get("health", {}).get("status") == "Healthy" for child in children)
    ended = {"operationState": {"phase": "Failed", "message": world["ended"]}} if world.get("ended") else {}
    state = _status(root, world["revision"], healthy=done)
    if not begun:
        # So Argo CD calls an Application of which nothing is there yet.
        state |= {"sync": state["sync"] | {"status": "OutOfSync"}, "health": {"status": "Healthy"}}
    write(root | {"status": state | ended})
    for kind in ("Namespace", "AppProject", "SealedSecret", "Deployment", "StatefulSet"):
        for item in every(kind):
            _track(item)


def _status(item: Object, revision: str, *, healthy: bool = True) -> Object:
    sources = item["spec"].get("sources", [0])
    return {
        "sync": {"status": "Synced", "revisions": [revision] * len(sources), "revision": revision},
        "health": {"status": "Healthy" if healthy else "Progressing"},
        "operationState": {"phase": "Succeeded" if healthy else "Running", "message": "waiting for healthy state"},
    }


def _track(item: Object) -> None:
    """Apply the object anew as Argo CD does: the same, and the annotation by which it knows what is its own."""
    path = place_of(item)
    record = json.loads(path.read_text())
    mine = copy.deepcopy(record["applied"].get("argocd-controller"))
    if mine is None:
        return
    mine["metadata"].setdefault("annotations", {})[TRACKING] = "root"
    item["metadata"].setdefault("annotations", {})[TRACKING] = "root"
    write(item, record["applied"] | {"argocd-controller": mine})


# -- The verbs ---------------------------------------------------------------------------------------------------------


def manifests(given: argparse.Namespace) -> list[Object]:
    """Return the objects of --filename: standard input, files, folders."""
    texts: list[str] = []
    for name in given.filename:
        path = Path(name)
        files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
        texts += [sys.stdin.read()] if name == "-" else [file.read_text() for file in files]
    found: list[Object] = []
    for document in (one for text in texts for one in yaml.safe_load_all(text) if one):
        found += document["items"] if document["kind"] == "List" else [document]
    for item in found:
        if item["kind"] not in ("Namespace", "CustomResourceDefinition"):
            item["metadata"].setdefault("namespace", given.namespace or "default")
    return found


def diff(given: argparse.Namespace) -> int:
    """Exit code 1 stands for a difference, anything above for an error."""
    assert given.server_side
    try:
        changes = [item for item in manifests(given) if applied(item, given.field_manager) or written_meanwhile(item)]
    except Refused as refusal:
        print(f"Error from server: {refusal}", file=sys.stderr)
        return 2
    for item in changes:
        file = f"{item['kind']}.{item['metadata']['name']}"
        print(f"Files LIVE/{file} and MERGED/{file} differ" if place_of(item).exists() else f"Only in MERGED: {file}")
    return 1 if changes else 0


def written_meanwhile(item: Object) -> bool:
    """Return whether a controller writes an object between the two looks of a diff: once, where the world says so."""
    path = WORLD / "written-meanwhile"
    if not path.exists() or path.read_text() != f"{item['kind']} {item['metadata']['name']}":
        return False
    path.unlink()
    return True


def apply(given: argparse.Namespace) -> int:
    """Apply one object after the other; a power cut comes in the middle."""
    assert given.server_side
    items = manifests(given)
    for index, item in enumerate(items):
        log(f"apply {item['kind']} {item['metadata']['name']} as {given.field_manager}")
        if given.world.get("power_cut") == f"{item['kind']} {item['metadata']['name']}":
            power_cut(given.world)
        try:
            change = applied(item, given.field_manager)
        except Refused as refusal:
            print(f"Error from server: {refusal}", file=sys.stderr)
            return 1
        if change:
            write(*change)
        print(f"{item['kind'].lower()}/{item['metadata']['name']} serverside-applied ({index + 1}/{len(items)})")
    return 0


def get(given: argparse.Namespace) -> int:
    """Print objects: by name, by kind, or those of a file."""
    if given.filename:
        found = [read(place_of(item)) for item in manifests(given)]
    else:
        kinds = [PLURALS[word.partition(".")[0].removesuffix("s")] for word in given.words[0].split(",")]
        found = [item for kind in kinds for item in every(kind) if _selected(item, given)]
    if not given.ignore_not_found and (None in found or (given.words[1:] and not found)):
        print("Error from server (NotFound)", file=sys.stderr)
        return 1
    items = [item for item in found if item is not None]
    if given.output == "json":
        print(json.dumps({"items": items}))
    elif given.output == "name":
        for item in items:
            group = GROUPS.get(item["kind"])
            print(f"{item['kind'].lower()}{'.' + group if group else ''}/{item['metadata']['name']}")
    elif given.output.startswith("jsonpath"):
        print(" ".join(_at(item, PATHS[given.output.removeprefix("jsonpath=")]) for item in items), end="")
    return 0


def _at(item: Any, path: tuple[str, ...]) -> str:
    for key in path:
        item = item.get(key, {})
    return str(item or "")


def _selected(item: Object, given: argparse.Namespace) -> bool:
    meta = item["metadata"]
    if given.namespace and meta.get("namespace") != given.namespace:
        return False
    if given.field_selector and meta.get("namespace") == given.field_selector.removeprefix("metadata.namespace!="):
        return False
    if given.selector:
        label, _, names = given.selector.replace("=", " in ").partition(" in ")
        return meta.get("labels", {}).get(label) in names.strip("()").split(", ")
    return not given.words[1:] or meta["name"] == given.words[1]


def delete(given: argparse.Namespace) -> int:
    """Delete by `kind/name`, or what a file describes."""
    items = manifests(given)
    if given.selector:
        items += [item for item in every(PLURALS[given.words.pop().removesuffix("s")]) if _selected(item, given)]
    words = [f"{given.words[0]}/{name}" for name in given.words[1:]] if "/" not in "".join(given.words) else given.words
    for word in words:
        kind, _, name = word.partition("/")
        items.append({"kind": PLURALS[kind], "metadata": {"namespace": given.namespace, "name": name}})
    for item in items:
        log(f"delete {item['kind']} {item['metadata']['name']}")
        place_of(item).unlink(missing_ok=given.ignore_not_found)
    return 0


def wait(given: argparse.Namespace) -> int:
    """Serve `wait` and `rollout status`: a workload that is not ready will not be so in time."""
    if given.words and given.words[0].startswith("applications.argoproj.io"):
        return _wait_for_applications(given)
    if given.all and not _all_ready(given):
        print("error: timed out waiting for the condition", file=sys.stderr)
        return 1
    for name in (word.partition("/")[2] for word in given.words if "/" in word):
        log(f"wait {name}")
        if any("job." in word for word in given.words) and read(place("Job", given.namespace, name)) is None:
            print(f'Error from server (NotFound): jobs.batch "{name}" not found', file=sys.stderr)
            return 1
        for kind in ("Deployment", "StatefulSet"):
            item = read(place(kind, given.namespace, name))
            if item and not item.get("status", {}).get("ready"):
                print("error: timed out waiting for the condition", file=sys.stderr)
                return 1
    return 0


def _wait_for_applications(given: argparse.Namespace) -> int:
    """Wait for a value in the status of one Application or all; what they do takes some looks."""
    _, _, name = given.words[0].partition("/")
    path, _, wanted = vars(given)["for"].removeprefix("jsonpath={.").partition("}=")
    log(f"wait {name or 'applications'} {path}={wanted}")
    for _ in range(_LOOKS):
        controllers(given.world)
        values = {_value(item, path) for item in every("Application") if name in ("", item["metadata"]["name"])}
        if values == {wanted}:
            return 0
    print("error: timed out waiting for the condition", file=sys.stderr)
    return 1


def _value(item: Any, path: str) -> Any:
    for key in path.split("."):
        item = item.get(key, {})
    return item or None


def _all_ready(given: argparse.Namespace) -> bool:
    """Return whether all of a kind are: workloads that run, secrets that are opened, an Application that is healthy."""
    found = [item for item in every(PLURALS[given.words[-1].removesuffix("s")]) if _selected_in(item, given)]
    states = [item.get("status", {}) for item in found]
    return all(
        state.get("ready") or {"type": "Synced", "status": "True"}.items() <= state.get("conditions", [{}])[0].items()
        for state in states
    )


def _selected_in(item: Object, given: argparse.Namespace) -> bool:
    return not given.namespace or item["metadata"].get("namespace") == given.namespace


def version(_given: argparse.Namespace) -> int:
    """Print the server's version."""
    print(json.dumps({"serverVersion": {"gitVersion": "v1.36.4+k3s1"}}))
    return 0


def config(given: argparse.Namespace) -> int:
    """Print the server's address."""
    print(given.world.get("server", "https://127.0.0.1:6443"), end="")
    return 0


def auth(given: argparse.Namespace) -> int:
    """Answer `auth can-i`."""
    print("no" if given.world.get("may_nothing") else "yes")
    return int(bool(given.world.get("may_nothing")))


def annotate(given: argparse.Namespace) -> int:
    """Record it; the controllers look before each call anyway."""
    log(f"annotate {' '.join(given.words)}")
    return 0


def patch(given: argparse.Namespace) -> int:
    """Start a sync of root; the only patch that there is."""
    assert given.words == ["applications.argoproj.io", "root"]
    assert given.type == "merge"
    operation = json.loads(given.patch)["operation"]
    assert operation["sync"]["prune"] is True
    root = read(place("Application", given.namespace, "root"))
    assert root
    assert operation["sync"]["syncOptions"] == root["spec"]["syncPolicy"]["syncOptions"]
    assert operation["retry"] == root["spec"]["syncPolicy"]["retry"]
    log("sync root")
    (WORLD / "world.json").write_text(json.dumps(given.world | {"ended": ""}))
    return 0


def log(line: str) -> None:
    """Record a call."""
    with (WORLD / "calls.log").open("a") as file:
        file.write(line + "\n")


def power_cut(world: Object) -> None:
    """Kill the playbook, with all that belongs to its session, and this process, once."""
    (WORLD / "world.json").write_text(json.dumps(world | {"power_cut": ""}))
    os.killpg(int((WORLD / "playbook.pid").read_text()), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


VERBS = {
    "annotate": annotate,
    "apply": apply,
    "auth": auth,
    "config": config,
    "delete": delete,
    "diff": diff,
    "get": get,
    "patch": patch,
    "rollout": wait,
    "version": version,
    "wait": wait,
}


def main() -> int:
    """Run one command."""
    parser = argparse.ArgumentParser("kubectl")
    parser.add_argument("words", nargs="*")
    parser.add_argument("--filename", "-f", action="append", default=[])
    parser.add_argument("--field-manager", default="kubectl")
    for option in (
        "namespace",
        "output",
        "selector",
        "field-selector",
        "context",
        "kubeconfig",
        "timeout",
        "for",
        "request-timeout",
        "type",
        "patch",
    ):
        parser.add_argument(f"--{option}", default="")
    for flag in ("client", "minify", "all", "all-namespaces", "ignore-not-found", "overwrite"):
        parser.add_argument(f"--{flag}", action="store_true")
    for flag in ("server-side", "force-conflicts"):
        parser.add_argument(f"--{flag}", action="store_true")
    given = parser.parse_intermixed_args()
    verb, *given.words = given.words
    given.world = json.loads((WORLD / "world.json").read_text())
    controllers(given.world)
    if given.world.get("jobs_end_before") == verb and (given.filename or verb == "wait"):
        for item in every("Job"):
            place_of(item).unlink()
    return VERBS[verb](given)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception:
        # Python ends with 1 after a traceback, which `diff` means something by.
        traceback.print_exc()
        sys.exit(255)
