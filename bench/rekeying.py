"""Sealing everything to another key, compared with the RSA operations that it can't do without."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bench.measure import Case

if TYPE_CHECKING:
    from pathlib import Path

_SECRETS = 200
_HEAD = "version: 1\ncluster: home\nsealing_key: {{namespace: kube-system, name: {}}}\nsecrets:\n"
_ENTRY = """  - namespace: shop
    name: secret-{}
    values: {{token: {{generator: token}}}}
    data: {{token: {{from: token}}}}
"""


def rekeying(scratch: Path) -> Case:
    """Return the case: what `fmc keys rekey --loaded` works out for many secrets, files and Git left out.

    Args:
        scratch: A folder to work in.
    """
    from msgspec.structs import replace

    from generator.secrets.catalogue.read import parse_catalogue
    from generator.secrets.sealing.crypto import Sealer
    from generator.secrets.sealing.reconcile import reconcile
    from generator.secrets.vault.keys import generate_sealing_key
    from generator.secrets.vault.model import KeyRecord, Vault
    from generator.secrets.vault.plaintext import Plaintext

    def catalogue(key: str) -> str:
        return _HEAD.format(key) + "".join(_ENTRY.format(number) for number in range(_SECRETS))

    now = datetime.now(UTC).replace(microsecond=0)
    old, new = (parse_catalogue(catalogue(key), where=str(scratch)) for key in ("key-1", "key-2"))
    made = generate_sealing_key()
    sealed = reconcile(old, Vault.new("home", "key-1", generate_sealing_key(), ()), None, now, {})
    key = KeyRecord(name="key-2", certificate=made.certificate, private_key=made.private_key, created=now)
    vault = replace(sealed.vault, sealing_keys=(*sealed.vault.sealing_keys, key))
    sealer, label = Sealer(made.certificate.encode()), b"shop/secret"

    def ours() -> float:
        start = time.perf_counter()
        done = reconcile(new, vault, None, now, {}, [sealed.manifests])
        seconds = time.perf_counter() - start
        if len(done.changed) != _SECRETS:
            raise RuntimeError(f"{len(done.changed)} of {_SECRETS} secrets were sealed anew")
        return seconds

    def peer() -> float:
        start = time.perf_counter()
        for _ in range(_SECRETS):
            sealer.seal(Plaintext(os.urandom(43)), label)
        return time.perf_counter() - start

    return Case(f"sealing {_SECRETS} secrets to another key / {_SECRETS} sealed values", ours, peer, goal=3.0)
