"""Calling the real kubeseal."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

from generator.secrets.keys import key_secret

if TYPE_CHECKING:
    from pathlib import Path

    from generator.secrets.plaintext import Plaintext


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
    secret = key_secret(certificate, private_key, name="sealed-secrets-key-1", namespace="kube-system")
    path.write_bytes(secret.reveal())
    return str(path)
