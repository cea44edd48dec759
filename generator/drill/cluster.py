"""A throw-away control plane: etcd, an API server and the sealed-secrets controller, as an ordinary user.

Nothing but the API server and the controller listens on the network, on ports of loopback that the system chooses; etcd
listens on sockets in the drill's own folder. The controller takes its address and token where a pod has them, at a
fixed path: it gets a mount namespace of its own, in which that path is a folder of the drill.
"""

from __future__ import annotations

import json
import os
import socket
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from generator.drill.api import Api
from generator.drill.identity import HOST, make_identity
from generator.drill.objects import DEFINITIONS, NAMESPACES, definition, namespace, sealed_secrets, secrets
from generator.errors import ToolError
from generator.files import write_atomic
from generator.tools.daemon import Daemon
from generator.tools.install import find_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

_PAUSE = 0.2
_PATIENCE = 5.0
"""Seconds after which what could not be unsealed will not be: the controller tries five times, within one."""
_ETCD, _PEER = "unix://localhost:1", "unix://localhost:2"
AS_POD = 'mount --bind "$1" /var/run && shift && exec "$@"'


@dataclass(frozen=True)
class Manifest:
    """A SealedSecret as it lies in Git."""

    namespace: str
    name: str
    content: bytes


@dataclass(frozen=True)
class Unsealed:
    """What the cluster made of it.

    Attributes:
        problem: Why there is no Secret; "" where there is one.
        type: Type of the Secret.
        data: Its content, by key.
    """

    problem: str = ""
    type: str = ""
    data: Mapping[str, str] = field(default_factory=dict)


class Cluster:
    """A control plane that runs."""

    def __init__(self, folder: Path, seconds: float) -> None:
        """Prepare it.

        Args:
            folder: A private folder, for all that it writes.
            seconds: How long the drill may take.
        """
        self._folder = folder
        self._deadline = time.monotonic() + seconds
        self._seconds = seconds
        self._daemons: list[Daemon] = []
        self._identity = make_identity(folder)
        self._ports = _free_ports(3)
        self.api = Api(self._ports[0], self._identity)

    def start(self) -> None:
        """Start etcd and the API server.

        Raises:
            ToolError: One of them ended, or was not ready in time.
        """
        self._start("etcd", _etcd_arguments())
        self._wait("etcd", lambda: (self._folder / "localhost:1").is_socket())
        self._start("kube-apiserver", self._api_arguments())
        self._wait("the API server", self.api.is_ready)
        self._identity.encryption.unlink()
        self._require(self.api.create(DEFINITIONS, definition()))
        self._wait("SealedSecrets to be known", lambda: self.api.get(sealed_secrets()))

    def give_keys(self, name: str, keys: Sequence[dict[str, Any]]) -> None:
        """Bring the sealing keys, and start the controller that opens with them.

        Args:
            name: Namespace of the controller.
            keys: Secrets.

        Raises:
            ToolError: The API server refused, or a program ended, or was not ready in time.
        """
        self._make_namespace(name)
        for key in keys:
            self._require(self.api.create(secrets(name), json.dumps(key).encode()))
        account = self._folder / "run" / "secrets" / "kubernetes.io" / "serviceaccount"
        for file, content in (
            ("ca.crt", self._identity.certificate.read_bytes()),
            ("token", self._identity.token.encode()),
        ):
            write_atomic(account / file, content, mode=0o600)
        self._start(
            "sealed-secrets-controller",
            [
                "--key-renew-period=0",
                f"--listen-addr={HOST}:{self._ports[1]}",
                f"--listen-metrics-addr={HOST}:{self._ports[2]}",
                *("--kubeclient-qps=100", "--kubeclient-burst=200"),
            ],
            ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", AS_POD, "sh", str(self._folder / "run")),
            {"KUBERNETES_SERVICE_HOST": HOST, "KUBERNETES_SERVICE_PORT": str(self._ports[0]), "POD_NAMESPACE": name},
        )
        self._wait("the controller", lambda: _is_listening(self._ports[1]))

    def unseal(self, manifests: Sequence[Manifest]) -> list[Unsealed]:
        """Apply SealedSecrets, and wait for their Secrets.

        Raises:
            ToolError: A program ended.
        """
        for name in dict.fromkeys(one.namespace for one in manifests):
            self._make_namespace(name)
        refused = {
            one: self.api.create(sealed_secrets(one.namespace), one.content, "application/yaml") for one in manifests
        }
        self._await_verdicts([one for one in manifests if not refused[one]])
        return [self._found(one, refused[one]) for one in manifests]

    def _await_verdicts(self, manifests: Sequence[Manifest]) -> None:
        """Wait until all are unsealed, or the controller has given up on those that are not, or the time is up."""
        seen: dict[Manifest, str] = {}
        latest = self._deadline
        while time.monotonic() < latest:
            self._require_running()
            verdicts = {one: self._condition(one) for one in manifests}
            if set(verdicts.values()) <= {"True"}:
                return
            if verdicts != seen:
                seen = verdicts
                latest = self._deadline if "" in verdicts.values() else time.monotonic() + _PATIENCE
            time.sleep(_PAUSE)

    def stop(self) -> None:
        """End every program, the last one first."""
        for daemon in reversed(self._daemons):
            daemon.stop()

    def _condition(self, one: Manifest, field: str = "status") -> str:
        found = self.api.get(sealed_secrets(one.namespace, one.name)) or {}
        conditions = found.get("status", {}).get("conditions", [])
        return next((str(each.get(field, "")) for each in conditions if each.get("type") == "Synced"), "")

    def _found(self, one: Manifest, refused: str) -> Unsealed:
        if refused:
            return Unsealed(refused)
        secret = self.api.get(secrets(one.namespace, one.name))
        if secret is None:
            return Unsealed(self._condition(one, "message") or "the controller did nothing with it in time")
        return Unsealed("", secret.get("type", ""), secret.get("data", {}))

    def _make_namespace(self, name: str) -> None:
        self._require(self.api.create(NAMESPACES, namespace(name)))

    def _start(
        self,
        name: str,
        arguments: Sequence[str],
        before: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self._folder)}
        # Started after the namespace was made: that forgets with whom a program is to end.
        command = [
            *before,
            *(("setpriv", "--pdeathsig", "KILL", "--") if before else ()),
            str(find_tool(name)),
            *arguments,
        ]
        self._daemons.append(Daemon(name, command, self._folder, environment | dict(variables or {})))

    def _require(self, refused: str) -> None:
        if refused:
            raise ToolError(f"the drill can't go on: {refused}")

    def _require_running(self) -> None:
        for daemon in self._daemons:
            if not daemon.is_running:
                raise ToolError(
                    f"{daemon.name} ended; it said:\n{daemon.said()}",
                    fix="Correct what it names. `fmc drill --level restore` needs none of these programs.",
                )

    def _wait(self, what: str, probe: Callable[[], object]) -> None:
        while not probe():
            self._require_running()
            if time.monotonic() > self._deadline:
                raise ToolError(
                    f"waited {self._seconds:g} s for {what}, in vain; {self._daemons[-1].name} said:\n"
                    f"{self._daemons[-1].said()}",
                    fix="Give it more time with --timeout.",
                )
            time.sleep(_PAUSE)

    def _api_arguments(self) -> list[str]:
        identity = self._identity
        return [
            f"--etcd-servers={_ETCD}",
            # There is no node whose kubelet could route to an endpoint on loopback.
            "--endpoint-reconciler-type=none",
            *(f"--bind-address={HOST}", f"--advertise-address={HOST}", f"--secure-port={self._ports[0]}"),
            *(f"--tls-cert-file={identity.certificate}", f"--tls-private-key-file={identity.key}"),
            *("--anonymous-auth=false", f"--token-auth-file={identity.tokens}", "--authorization-mode=RBAC"),
            "--service-account-issuer=https://kubernetes.default.svc",
            *(f"--service-account-key-file={identity.key}", f"--service-account-signing-key-file={identity.key}"),
            "--service-cluster-ip-range=10.43.0.0/16",
            f"--encryption-provider-config={identity.encryption}",
        ]


@contextmanager
def cluster(folder: Path, seconds: float) -> Iterator[Cluster]:
    """Give a control plane, to be started; it has ended afterwards, whatever happens.

    Args:
        folder: A private folder, for all that it writes.
        seconds: How long the drill may take.

    Raises:
        WriteError: The disk refused.
    """
    made = Cluster(folder, seconds)
    try:
        yield made
    finally:
        made.stop()


def _etcd_arguments() -> list[str]:
    return [
        "--data-dir=etcd",
        *(f"--listen-client-urls={_ETCD}", f"--advertise-client-urls={_ETCD}"),
        *(f"--listen-peer-urls={_PEER}", f"--initial-advertise-peer-urls={_PEER}"),
        *("--name=drill", f"--initial-cluster=drill={_PEER}"),
        # It does not outlive the drill.
        *("--unsafe-no-fsync", "--log-level=warn"),
    ]


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def _free_ports(count: int) -> list[int]:
    """Return ports of loopback that nobody listens on, held together so that they differ."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind((HOST, 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()
