"""Where K3s keeps what; all below a root that tests may move."""

from __future__ import annotations

import os
from pathlib import Path

# Where it listens, as the real one on all addresses; tests put several on one machine.
BIND = os.environ.get("STAND_IN_K3S_BIND", "0.0.0.0")
LOCAL = "127.0.0.1" if BIND == "0.0.0.0" else BIND
ROOT = Path(os.environ.get("STAND_IN_K3S_ROOT", "/"))
ETC = ROOT / "etc/rancher/k3s"
NODE_PASSWORD = ROOT / "etc/rancher/node/password"
SERVER = ROOT / "var/lib/rancher/k3s/server"
ETCD = SERVER / "db/etcd"
SQLITE = SERVER / "db/state.db"
SNAPSHOTS = SERVER / "db/snapshots"
PASSWORDS = SERVER / "cred/passwd"
CERTIFICATES = SERVER / "tls"
AUTHORITY = CERTIFICATES / "server-ca.crt"
KUBECONFIG = ETC / "k3s.yaml"
EVENTS = ROOT / "var/lib/rancher/stand-in/events.jsonl"


def write_secret(path: Path, text: str) -> None:
    """Write a file that only root reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)
