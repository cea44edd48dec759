"""etcd, the API server, the controller manager, the scheduler, and nodes that kwok simulates."""

from __future__ import annotations

import base64
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec

from generator.files import write_atomic
from generator.tools.command import Command
from tests.e2e.bed.api import Api
from tests.e2e.bed.authority import Authority, write_private_key
from tests.e2e.bed.daemon import Daemon, is_listening
from tests.e2e.bed.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ETCD_PORT, ETCD_PEER_PORT, API_PORT, MANAGER_PORT, SCHEDULER_PORT, KWOK_PORT = 2379, 2380, 6443, 10257, 10259, 10247
STORAGE_CLASS = "local-path"
"""The name of the class that K3s brings."""
_STAGES = Path(__file__).with_name("stages.yaml")
_NODES = ("master1", "master2", "master3", "worker1", "worker2", "worker3")
SERVICES = "10.43.0.0/16"
"""The addresses of the Services."""


@dataclass(frozen=True)
class _Program:
    """One program of the control plane: its arguments, its ports, and when it is ready."""

    name: str
    arguments: Sequence[str]
    ports: Sequence[int]
    ready: Callable[[], object]


class ControlPlane:
    """The programs in the order in which they start."""

    def __init__(self, folder: Path, environment: Mapping[str, str], tools: Path, host: str) -> None:
        """Make certificates and kubeconfigs.

        Args:
            folder: For state, certificates and logs.
            environment: Of every program.
            tools: Folder of the programs.
            host: Name under which users reach the API server.
        """
        self._folder = folder
        self._pki = folder / "pki"
        self._environment = environment
        self._tools = tools
        self._host = host
        self.authority = Authority(self._pki, "cluster-ca")
        server = ["127.0.0.1", "10.43.0.1", "localhost", "kubernetes", "kubernetes.default.svc", host]
        self._serving = self.authority.server("kube-apiserver", server)
        self._admin = self.authority.client("admin", "system:masters")
        self.kubeconfig = self._write_kubeconfig("admin", self._admin)
        self._manager, self._scheduler = (
            self._write_kubeconfig(user, self.authority.client(f"system:{user}"))
            for user in ("kube-controller-manager", "kube-scheduler")
        )
        self.api = Api(f"127.0.0.1:{API_PORT}", self.authority.certificate_file, self._admin)
        self.daemons: dict[str, Daemon] = {}

    def start(self) -> None:
        """Start everything, and wait for nodes that are ready.

        Raises:
            BedError: A program is missing, can't start, or does not get ready.
        """
        self._make_service_account_key()
        for program in self._programs():
            daemon = Daemon(
                name=program.name,
                command=Command(str(self._tools / program.name), install_hint="Run `make e2e-tools`."),
                arguments=program.arguments,
                log=self._folder / "log" / f"{program.name}.log",
                environment=self._environment,
                ports=program.ports,
            )
            self.daemons[program.name] = daemon
            daemon.start()
            daemon.wait_ready(program.ready)
        self._make_nodes()
        wait_for("the default service account", lambda: self.api.get("ServiceAccount", "default", "default"))

    def restart(self, name: str) -> None:
        """Kill a program and start it again, as a crash would."""
        daemon = self.daemons[name]
        daemon.kill()
        daemon.start()
        daemon.wait_ready(next(program.ready for program in self._programs() if program.name == name))

    def stop(self) -> None:
        """Stop everything, the last one first."""
        for daemon in reversed(self.daemons.values()):
            daemon.kill()

    def lose(self) -> None:
        """Stop everything and forget all that the cluster knew, the keys of its service accounts included."""
        self.stop()
        shutil.rmtree(self._folder / "etcd")
        self._service_account_key.unlink()

    @property
    def _service_account_key(self) -> Path:
        return self._pki / "service-account.key"

    def _make_service_account_key(self) -> None:
        if not self._service_account_key.exists():
            write_private_key(self._service_account_key, ec.generate_private_key(ec.SECP256R1()))

    def _programs(self) -> list[_Program]:
        etcd = f"http://127.0.0.1:{ETCD_PORT}"
        peer = f"http://127.0.0.1:{ETCD_PEER_PORT}"
        authority, key = self.authority.certificate_file, self._service_account_key
        return [
            _Program(
                "etcd",
                [
                    f"--data-dir={self._folder / 'etcd'}",
                    *(f"--listen-client-urls={etcd}", f"--advertise-client-urls={etcd}"),
                    *(f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}"),
                    *("--name=bed", f"--initial-cluster=bed={peer}"),
                    # The bed does not outlive the machine.
                    *("--unsafe-no-fsync", "--log-level=warn"),
                ],
                [ETCD_PORT, ETCD_PEER_PORT],
                lambda: is_listening(ETCD_PORT),
            ),
            _Program(
                "kube-apiserver",
                [
                    f"--etcd-servers={etcd}",
                    # There is no node whose kubelet could route to an endpoint on loopback.
                    "--endpoint-reconciler-type=none",
                    *("--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", f"--secure-port={API_PORT}"),
                    *(f"--tls-cert-file={self._serving[0]}", f"--tls-private-key-file={self._serving[1]}"),
                    f"--client-ca-file={authority}",
                    "--authorization-mode=RBAC",
                    "--allow-privileged=true",
                    "--service-account-issuer=https://kubernetes.default.svc",
                    *(f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}"),
                    f"--service-cluster-ip-range={SERVICES}",
                ],
                [API_PORT],
                self.api.is_ready,
            ),
            _Program(
                "kube-controller-manager",
                [
                    f"--kubeconfig={self._manager}",
                    "--leader-elect=false",
                    *("--bind-address=127.0.0.1", f"--secure-port={MANAGER_PORT}"),
                    f"--cert-dir={self._pki / 'kube-controller-manager'}",
                    "--use-service-account-credentials=true",
                    *(f"--service-account-private-key-file={key}", f"--root-ca-file={authority}"),
                ],
                [MANAGER_PORT],
                lambda: is_listening(MANAGER_PORT),
            ),
            _Program(
                "kube-scheduler",
                [
                    f"--kubeconfig={self._scheduler}",
                    "--leader-elect=false",
                    *("--bind-address=127.0.0.1", f"--secure-port={SCHEDULER_PORT}"),
                    f"--cert-dir={self._pki / 'kube-scheduler'}",
                ],
                [SCHEDULER_PORT],
                lambda: is_listening(SCHEDULER_PORT),
            ),
            _Program(
                "kwok",
                [
                    f"--kubeconfig={self.kubeconfig}",
                    f"--config={_STAGES}",
                    "--manage-all-nodes=true",
                    "--node-lease-duration-seconds=40",
                    f"--server-address=127.0.0.1:{KWOK_PORT}",
                ],
                [KWOK_PORT],
                lambda: is_listening(KWOK_PORT),
            ),
        ]

    def _make_nodes(self) -> None:
        room = {"cpu": "32", "memory": "256Gi", "pods": "250"}
        for name in _NODES:
            labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
            metadata = {"name": name, "labels": labels}
            status = {"allocatable": room, "capacity": room}
            self.api.create("Node", None, {"metadata": metadata, "status": status})
        default = {"storageclass.kubernetes.io/is-default-class": "true"}
        metadata = {"name": STORAGE_CLASS, "annotations": default}
        storage_class = {"metadata": metadata, "provisioner": "rancher.io/local-path", "volumeBindingMode": "Immediate"}
        self.api.create("StorageClass", None, storage_class)
        wait_for("the nodes to be ready", lambda: all(map(_is_ready, self.api.objects("Node"))))

    def _write_kubeconfig(self, user: str, certificate: tuple[Path, Path]) -> Path:
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "bed",
                    "cluster": {
                        "server": f"https://{self._host}:{API_PORT}",
                        "certificate-authority-data": _encoded(self.authority.certificate_file),
                    },
                }
            ],
            "users": [
                {
                    "name": user,
                    "user": {
                        "client-certificate-data": _encoded(certificate[0]),
                        "client-key-data": _encoded(certificate[1]),
                    },
                }
            ],
            "contexts": [{"name": "bed", "context": {"cluster": "bed", "user": user}}],
            "current-context": "bed",
        }
        path = self._pki / f"{user}.kubeconfig"
        write_atomic(path, json.dumps(document, indent=2).encode(), mode=0o600)
        return path


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _is_ready(node: dict[str, object]) -> bool:
    status = node.get("status")
    conditions = status.get("conditions", []) if isinstance(status, dict) else []
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
