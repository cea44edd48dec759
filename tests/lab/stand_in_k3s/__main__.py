"""The command line of the stand-in."""

from __future__ import annotations

import json
import pkgutil
import sys
import time

from tests.lab.stand_in_k3s import agent, config, kubectl, paths, server
from tests.lab.stand_in_k3s import state as states
from tests.lab.stand_in_k3s.administrator import ask_as_administrator
from tests.lab.stand_in_k3s.events import log
from tests.lab.stand_in_k3s.version import version


def main(arguments: list[str]) -> int:
    """Run a command; return its exit code."""
    match arguments:
        case ["--version"]:
            print(f"k3s version {version()} (stand-in)")
            return 0
        case ["server" | "agent" as kind]:
            return _run(kind)
        case ["kubectl", *rest]:
            return kubectl.call(rest)
        case ["etcd-snapshot", "save", *_]:
            return _snapshot()
    print(f"the stand-in for k3s does not know {' '.join(arguments)}", file=sys.stderr)
    return 1


def _run(kind: str) -> int:
    flags = json.loads(pkgutil.get_data("tests.lab.stand_in_k3s", "flags.json") or b"{}")
    try:
        read = config.read(kind, flags)
    except config.ConfigError as error:
        log("fatal", str(error))
        return 1
    return {"server": server.run, "agent": agent.run}[kind](read)


def _snapshot() -> int:
    if ask_as_administrator("kubectl", ["get", "--raw=/readyz"]) is None:
        log("fatal", "see server log for details: the server does not answer")
        return 1
    name = f"on-demand-{states.own_member().rpartition('-')[0]}-{int(time.time())}"
    paths.write_secret(paths.SNAPSHOTS / name, json.dumps(states.load()))
    log("info", f"Snapshot {name} saved.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
