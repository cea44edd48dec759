"""Certificates, made by openssl: the authority of a cluster, what the API server shows, and an administrator's."""

from __future__ import annotations

import base64
import ipaddress
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.stand_in_k3s import paths
from tests.lab.stand_in_k3s.events import log

if TYPE_CHECKING:
    from collections.abc import Iterable

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650")
SERVING = paths.CERTIFICATES / "serving"
ADMIN = paths.CERTIFICATES / "client-admin"


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def make_authority() -> None:
    """Make the authority of a new cluster."""
    paths.CERTIFICATES.mkdir(parents=True, exist_ok=True)
    key = paths.AUTHORITY.with_suffix(".key")
    _openssl("req", "-x509", *_KEY, "-subj", "/CN=k3s-server-ca", "-keyout", str(key), "-out", str(paths.AUTHORITY))
    key.chmod(0o600)


def issue(base: Path, subject: str, names: Iterable[str]) -> None:
    """Issue a certificate of this cluster's authority.

    Args:
        base: Where it goes, without .crt and .key.
        subject: As openssl writes one.
        names: DNS names and addresses that it is for.
    """
    listed = ",".join(f"{'IP' if _is_address(name) else 'DNS'}:{name}" for name in names) or "DNS:localhost"
    key, request = base.with_suffix(".key"), base.with_suffix(".csr")
    _openssl("req", "-new", *_KEY[:-2], "-subj", subject, "-keyout", str(key), "-out", str(request))
    with tempfile.NamedTemporaryFile("w", suffix=".cnf") as extensions:
        extensions.write(f"subjectAltName={listed}\n")
        extensions.flush()
        signing = ("-CA", str(paths.AUTHORITY), "-CAkey", str(paths.AUTHORITY.with_suffix(".key")), "-CAcreateserial")
        _openssl(
            "x509",
            "-req",
            *signing,
            "-days",
            "365",
            "-in",
            str(request),
            "-out",
            str(base.with_suffix(".crt")),
            "-extfile",
            extensions.name,
        )
    request.unlink()
    key.chmod(0o600)


def issue_missing(base: Path, subject: str, names: Iterable[str]) -> None:
    """Issue a certificate that is not there: a restart keeps the ones that are."""
    if not base.with_suffix(".crt").is_file():
        issue(base, subject, names)


def rotate() -> int:
    """Have the next start issue new certificates, and keep a copy of the old ones; return the exit code."""
    shutil.copytree(paths.CERTIFICATES, paths.CERTIFICATES.with_name(f"tls-{int(time.time())}"))
    for base in (SERVING, ADMIN):
        for suffix in (".crt", ".key"):
            base.with_suffix(suffix).unlink()
    log("info", "Successfully backed up certificates, please restart k3s server to rotate certificates")
    return 0


def make_temporary(base: Path) -> None:
    """Make a certificate of nobody's, for a listener that has none yet."""
    _openssl(
        "req",
        "-x509",
        *_KEY,
        "-subj",
        "/CN=starting",
        "-keyout",
        str(base.with_suffix(".key")),
        "-out",
        str(base.with_suffix(".crt")),
    )


def kubeconfig() -> str:
    """Return the administrator's kubeconfig, as K3s writes it."""

    def encoded(path: Path) -> str:
        return base64.b64encode(path.read_bytes()).decode()

    return f"""apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {encoded(paths.AUTHORITY)}
    server: https://127.0.0.1:6443
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
users:
- name: default
  user:
    client-certificate-data: {encoded(ADMIN.with_suffix(".crt"))}
    client-key-data: {encoded(ADMIN.with_suffix(".key"))}
"""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
