"""Calling the real kubeseal, and what it and the controller are given."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any

from generator.secrets.export import key_secrets
from generator.secrets.vault.model import KeyRecord
from tests.secrets.test_manifest import TORTURE

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


def key_secret(certificate: str, private_key: Plaintext) -> bytes:
    """Return a sealing key as the Secret that the cluster gets, in a List."""
    record = KeyRecord(
        name="sealed-secrets-key-1", certificate=certificate, private_key=private_key, created=datetime.now(UTC)
    )
    return key_secrets("kube-system", [record]).reveal()


def write_key_secret(path: Path, certificate: str, private_key: Plaintext) -> str:
    """Write a sealing key as the Secret that the cluster gets, and return the path."""
    path.write_bytes(key_secret(certificate, private_key))
    return str(path)


def thousand_values() -> dict[str, bytes]:
    """A thousand values: empty, binary, one of 1 MiB, Unicode, what YAML takes for something else, random ones."""
    chance = Random(8)
    nasty = [b"", b"\x00" * (1 << 20), bytes(range(256)), *(text.encode() for text in TORTURE)]
    texts = ["".join(chr(chance.randrange(0x20, 0xD800)) for _ in range(chance.randrange(40))) for _ in range(300)]
    values = [*nasty, *(text.encode() for text in texts)]
    values += [chance.randbytes(chance.randrange(300)) for _ in range(1000 - len(values))]
    return {f"key-{number}": value for number, value in enumerate(values)}
