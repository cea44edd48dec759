"""`k3s etcd-snapshot`, and what `k3s server --cluster-reset` makes of such a file."""

from __future__ import annotations

import argparse
import json
import secrets
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.stand_in_k3s import paths, token
from tests.lab.stand_in_k3s import state as states
from tests.lab.stand_in_k3s.administrator import ask_as_administrator
from tests.lab.stand_in_k3s.config import parse
from tests.lab.stand_in_k3s.events import log, record
from tests.lab.stand_in_k3s.token import hashed

if TYPE_CHECKING:
    from tests.lab.stand_in_k3s.config import Config

_FLAG = paths.SERVER / "db/reset-flag"


def call(arguments: list[str]) -> int:
    """Run `save` or `delete`; return the exit code."""
    parser = argparse.ArgumentParser(prog="k3s etcd-snapshot")
    parser.add_argument("--name", default="on-demand")
    parser.add_argument("words", nargs="+")
    options = parser.parse_intermixed_args(arguments)
    values = parse((paths.ETC / "config.yaml").read_text())
    for key in values:
        if not key.startswith("etcd-"):
            print(f"Warning: Unknown flag --{key} found in config.yaml, skipping", file=sys.stderr)
    if ask_as_administrator("kubectl", ["get", "--raw=/readyz"]) is None:
        log("fatal", "see server log for details: the server does not answer")
        return 1
    match options.words:
        case ["save"]:
            return _save(options.name, compressed=bool(values.get("etcd-snapshot-compress")))
        case ["delete", *names]:
            for name in names:
                (paths.SNAPSHOTS / name).unlink()
                log("info", f"Snapshot {name} deleted.")
            return 0
    log("fatal", f"the stand-in for k3s etcd-snapshot does not know {' '.join(options.words)}")
    return 1


def _save(base: str, *, compressed: bool) -> int:
    node = states.own_member().rpartition("-")[0]
    name = f"{base}-{node}-{int(time.time())}{'.zip' if compressed else ''}"
    authority = {"crt": paths.AUTHORITY.read_text(), "key": paths.AUTHORITY.with_suffix(".key").read_text()}
    paths.write_secret(paths.SNAPSHOTS / name, json.dumps({"state": states.load(), "authority": authority}))
    log("info", f"Snapshot {name} saved.")
    return 0


def restore(config: Config, file: str) -> int:
    """Make the datastore of a snapshot, of which this server is the only member; return the exit code.

    Args:
        config: What the server was told.
        file: The snapshot.
    """
    snapshot = paths.ROOT / Path(file).relative_to("/") if file else None
    if config.server:
        log("fatal", "Error: remove server from configuration before resetting")
        return 1
    if _FLAG.exists():
        log("fatal", f"Managed etcd cluster membership was already reset, remove {_FLAG} to reset again")
        return 1
    if snapshot is None or not snapshot.is_file():
        log("fatal", f"etcd: snapshot path does not exist: {file}")
        return 1
    if paths.ETCD.exists():
        shutil.move(paths.ETCD, paths.ETCD.with_name(f"etcd-old-{int(time.time())}"))
    held = json.loads(snapshot.read_text())
    name = f"{config.name}-{secrets.token_hex(4)}"
    member = {"node": config.name, "address": config.address, "isLearner": False}
    states.save({**held["state"], "members": {name: member}})
    paths.write_secret(paths.ETCD / "member", name)
    paths.write_secret(_FLAG, "")
    if hashed(token.parse(config.token or "").password) != held["state"]["token"]:
        # As with the real one, the datastore is another one by now.
        log("fatal", "starting kubernetes: bootstrap data already found and encrypted with different token")
        return 1
    paths.write_secret(paths.AUTHORITY, held["authority"]["crt"])
    paths.write_secret(paths.AUTHORITY.with_suffix(".key"), held["authority"]["key"])
    record("reset", member=name)
    log("error", "Managed etcd cluster membership has been reset, restart without --cluster-reset flag now.")
    return 0


def forget_reset() -> None:
    """Remove the trace of a reset, as a server does that starts without the flag."""
    _FLAG.unlink(missing_ok=True)
