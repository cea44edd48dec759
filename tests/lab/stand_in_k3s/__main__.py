"""The command line of the stand-in."""

from __future__ import annotations

import json
import pkgutil
import sys

from tests.lab.stand_in_k3s import agent, certificates, config, kubectl, server, snapshots
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
        case ["server", "--cluster-reset", *options]:
            return _run("server", dict(option.split("=", 1) for option in options))
        case ["kubectl", *rest]:
            return kubectl.call(rest)
        case ["certificate", "rotate"]:
            return certificates.rotate()
        case ["etcd-snapshot", *rest]:
            return snapshots.call(rest)
    print(f"the stand-in for k3s does not know {' '.join(arguments)}", file=sys.stderr)
    return 1


def _run(kind: str, reset: dict[str, str] | None = None) -> int:
    flags = json.loads(pkgutil.get_data("tests.lab.stand_in_k3s", "flags.json") or b"{}")
    try:
        read = config.read(kind, flags)
    except config.ConfigError as error:
        log("fatal", str(error))
        return 1
    if reset is not None:
        return snapshots.restore(read, reset.get("--cluster-reset-restore-path", ""))
    return {"server": server.run, "agent": agent.run}[kind](read)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
