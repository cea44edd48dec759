"""Calling the real kubeseal."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from generator.secrets.export import key_secrets
from generator.secrets.vault.model import KeyRecord

if TYPE_CHECKING:
    from pathlib import Path

    from generator.secrets.vault.plaintext import Plaintext


def run(kubeseal: Path, *arguments: str, stdin: bytes) -> bytes:
    """Run kubeseal without any kubeconfig."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    done = subprocess.run([kubeseal, *arguments], input=stdin, capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def recovered(kubeseal: Path, key_file: str, manifest: bytes) -> dict[str, Any]:
    """Unseal a manifest to its Secret, whose data are decoded."""
    arguments = ("--recovery-unseal", "--recovery-private-key", key_file, "--format", "json")
    document: dict[str, Any] = json.loads(run(kubeseal, *arguments, stdin=manifest))
    # Go writes an empty value as null.
    document["data"] = {key: base64.b64decode(value or "") for key, value in document["data"].items()}
    return document


def write_key_secret(path: Path, certificate: str, private_key: Plaintext) -> str:
    """Write a sealing key as the Secret that the cluster gets, and return the path."""
    record = KeyRecord(
        name="sealed-secrets-key-1", certificate=certificate, private_key=private_key, created=datetime.now(UTC)
    )
    path.write_bytes(key_secrets("kube-system", [record]).reveal())
    return str(path)
