"""`k3s server`: found a cluster, join one, or go on as the member that this disk is."""

from __future__ import annotations

import hashlib
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.stand_in_k3s import certificates, notify, paths, snapshots, token
from tests.lab.stand_in_k3s import state as states
from tests.lab.stand_in_k3s.changes import RefusedError
from tests.lab.stand_in_k3s.client import Answer, ask
from tests.lab.stand_in_k3s.cluster import Cluster
from tests.lab.stand_in_k3s.events import log, record
from tests.lab.stand_in_k3s.listener import Listener, serve_health
from tests.lab.stand_in_k3s.token import hashed
from tests.lab.stand_in_k3s.version import version

if TYPE_CHECKING:
    from tests.lab.stand_in_k3s.config import Config

# The real one takes 4 s until its API server is ready, and 10 s as a learner.
START_SECONDS = 1.0
LEARNER_SECONDS = 1.5
_NOT_AUTHORIZED = (401, 403)
# What a start with an old token leaves in the file of passwords: the right one fails on it as well.
_WEDGED = "of a start with another token"
# By how much a file has to be newer than what it is compared with (systemTimeSkew of the real one).
_SKEW_SECONDS = 3


class ExitError(Exception):
    """K3s ends: its exit code, and what it logs."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def run(config: Config) -> int:
    """Run a server until it is told to stop; return the exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    record("started", kind="server", join=config.server, init=bool(config.values.get("cluster-init")))
    with tempfile.TemporaryDirectory() as folder:
        certificates.make_temporary(Path(folder) / "starting")
        listener = Listener(Path(folder) / "starting")
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    try:
        cluster = _bootstrap(config)
        _serve(config, cluster, listener)
    except ExitError as error:
        log("fatal" if error.code else "error", error.message)
        record("ended", code=error.code, reason=error.message)
        return error.code
    while True:
        time.sleep(3600)


def _bootstrap(config: Config) -> Cluster:
    cluster = Cluster(config.name, config.address)
    if not config.values.get("disable-agent"):
        snapshots.forget_reset()
    while (text := config.token) is None:
        # A token file that is named and missing is waited for.
        time.sleep(3600)
    password = token.parse(text).password
    if states.load() is not None:
        _go_on(config, cluster, password)
    elif config.server and text:
        _join(config, text)
    elif config.values.get("cluster-init"):
        _found(config, password or secrets.token_hex(16))
        record("founded")
    else:
        paths.write_secret(paths.SQLITE, "")
        _found(config, password or secrets.token_hex(16))
        record("founded-sqlite")
    cluster.token = cluster.state["token"]
    cluster.agent_token = hashed(_agent_password(config, password))
    return cluster


def _agent_password(config: Config, password: str) -> str:
    return token.parse(config.agent_token).password or password


def _found(config: Config, password: str) -> None:
    certificates.make_authority()
    _write_tokens(config, password)
    state = states.founded(config.critical, hashed(password), token.passwords())
    name = f"{config.name}-{secrets.token_hex(4)}"
    state["members"][name] = {"node": config.name, "address": config.address, "isLearner": False}
    states.save(state)
    paths.write_secret(paths.ETCD / "member", name)


def _write_tokens(config: Config, password: str) -> None:
    """Write what this server was told; the file of passwords stays as old as what it says."""
    agent = _agent_password(config, password)
    paths.write_secret(paths.SERVER / "token", token.full("server", password) + "\n")
    paths.write_secret(paths.SERVER / "agent-token", token.full("node", agent) + "\n")
    token.write_passwords(hashed(password), hashed(agent))


def _go_on(config: Config, cluster: Cluster, password: str) -> None:
    """Go on as the member that this disk is; neither `server` nor `cluster-init` counts."""
    if paths.PASSWORDS.is_file() and paths.PASSWORDS.read_text() == _WEDGED:
        raise ExitError(1, f"{paths.PASSWORDS} newer than datastore and could cause a cluster outage")
    if hashed(password) != cluster.state["token"]:
        paths.write_secret(paths.PASSWORDS, _WEDGED)
        raise ExitError(
            1, "starting kubernetes: preparing server: bootstrap data already found and encrypted with different token"
        )
    if config.critical != cluster.state["critical"]:
        # Not compared here, as with the real one: it starts, and never gets ready.
        record("unready", reason="identity transformer tried to read encrypted data")
        while True:
            time.sleep(3600)
    cluster.refresh()
    if states.own_member() in cluster.state["members"]:
        _reconcile(config, cluster, password)
        _write_tokens(config, password)
        record("restarted")
        return
    if not config.server:
        raise ExitError(1, "this server is a not a member of the etcd cluster")
    shutil.move(paths.ETCD, paths.ETCD.with_name(f"etcd-backup-{int(time.time())}"))
    _join(config, config.token or "")


def _reconcile(config: Config, cluster: Cluster, password: str) -> None:
    """Compare the file of passwords with another server's, or with the datastore's where none lets this one ask.

    The agents' token is in it, too. K3s takes that from its configuration at each start, and saves the file at a
    rotation alone: until then a start without another server finds it newer than what was saved.
    """
    own = token.passwords()
    answer = ask(f"{config.server}/v1-k3s/server-bootstrap", "server", password) if config.server else None
    other = answer.json() if answer and answer.status == 200 else cluster.state["passwords"]
    if own and own["text"] != other["text"] and own["time"] - other["time"] >= _SKEW_SECONDS:
        raise ExitError(1, f"{paths.PASSWORDS} newer than datastore and could cause a cluster outage")


def _join(config: Config, text: str) -> None:
    wanted = token.parse(text)
    authority = _authority(config.server)
    digest = hashlib.sha256(authority.encode()).hexdigest()
    if wanted.digest and wanted.digest != digest:
        raise ExitError(1, f"token CA hash does not match the Cluster CA certificate hash: {wanted.digest} != {digest}")
    _require_passwords(config.server, wanted.password)
    body = {
        "node": config.name,
        "address": config.address,
        "critical": config.critical,
        "agent_token": hashed(token.parse(config.agent_token).password),
    }
    while (answer := ask(f"{config.server}/v1-k3s/server", "server", wanted.password, body, timeout=15)).status in (
        0,
        423,
        500,
        503,
    ):
        log("info", f"Waiting to retrieve etcd cluster member list: {answer.text}")
        time.sleep(1)
    _require_taken_in(answer)
    joined = answer.json()
    if not joined["compared"]:
        log("warning", "Skipping cluster configuration validation: not authorized")
    paths.write_secret(paths.AUTHORITY, authority)
    paths.write_secret(paths.AUTHORITY.with_suffix(".key"), joined["key"])
    states.save(joined["state"])
    paths.write_secret(paths.ETCD / "member", joined["name"])
    record("joined", member=joined["name"], by=config.server)
    time.sleep(LEARNER_SECONDS)
    promoted = ask(f"{config.server}/v1-k3s/promote", "server", wanted.password, {"name": joined["name"]}, timeout=15)
    states.save(promoted.json())
    record("promoted", member=joined["name"])
    _write_tokens(config, wanted.password)


def _require_passwords(url: str, password: str) -> None:
    """Refuse a disk whose passwords are of a time with another token; what is not authorized is refused later."""
    own = token.passwords()
    known = own["text"].split()[0] if own else hashed(password)
    if known != hashed(password) and ask(f"{url}/db/info", "server", password).status == 200:
        raise ExitError(1, f"{paths.PASSWORDS} newer than datastore and could cause a cluster outage")


def _require_taken_in(answer: Answer) -> None:
    if answer.status in _NOT_AUTHORIZED:
        raise ExitError(1, "starting kubernetes: preparing server: failed to bootstrap cluster data: not authorized")
    if answer.status == 410:
        raise ExitError(0, answer.text)
    if answer.status != 200:
        raise ExitError(1, answer.text)


def _authority(url: str) -> str:
    answer = ask(f"{url}/cacerts", timeout=10)
    while answer.status == 503:
        log("info", "Waiting to retrieve etcd cluster member list")
        time.sleep(1)
        answer = ask(f"{url}/cacerts", timeout=10)
    if answer.status != 200:
        raise ExitError(1, f"failed to get CA certs: {answer.text}")
    return answer.text


def _serve(config: Config, cluster: Cluster, listener: Listener) -> None:
    names = dict.fromkeys(
        ["127.0.0.1", "localhost", config.name, config.address, *(config.values.get("tls-san") or [])]
    )
    certificates.issue_missing(certificates.SERVING, "/CN=k3s", names)
    certificates.issue_missing(certificates.ADMIN, "/O=system:masters/CN=system:admin", [])
    paths.write_secret(paths.KUBECONFIG, certificates.kubeconfig())
    listener.show(certificates.SERVING, paths.AUTHORITY)
    listener.cluster = cluster
    serve_health(cluster, everywhere=bool(config.values.get("etcd-expose-metrics")))
    time.sleep(START_SECONDS)
    while not cluster.has_quorum():
        time.sleep(0.5)
    listener.is_ready = True
    record("ready")
    if not config.values.get("disable-agent"):
        threading.Thread(target=_be_a_node, args=(config, cluster), daemon=True).start()
    notify.ready()


def _be_a_node(config: Config, cluster: Cluster) -> None:
    password, is_registered = node_password(), False
    while True:
        try:
            if not is_registered or config.name not in cluster.state["nodes"]:
                cluster.change("register_node", name=config.name, password=password, node=as_node(config))
                is_registered = True
            cluster.heard(config.name)
        except RefusedError as error:
            log("error", error.message)
        time.sleep(1)


def node_password() -> str:
    """Return this machine's password of its Node, which is made once."""
    if not paths.NODE_PASSWORD.is_file():
        paths.write_secret(paths.NODE_PASSWORD, secrets.token_hex(16))
    return hashed(paths.NODE_PASSWORD.read_text())


def as_node(config: Config) -> dict[str, object]:
    """Return the Node that a configuration asks for."""
    labels = dict(label.split("=", 1) for label in config.values.get("node-label") or [])
    return {
        "labels": labels,
        "taints": config.values.get("node-taint") or [],
        "address": config.address,
        "version": version(),
    }
