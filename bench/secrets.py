"""What the life of secrets costs: sealing, a run that changes nothing, another sealing key, and one rotation.

These cases count the time of the processor, which other load on the machine does not lengthen; only `fmc rotate`, most
of which is git's work, is measured by the clock.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

from bench.measure import Case, timed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from generator.secrets.catalogue.model import Catalogue
    from generator.secrets.sealing.reconcile import Reconciled

ROOT = Path(__file__).parents[1]
ANSWERS = ROOT / "examples" / "ha.yaml"
COUNTS = (1, 100, 10_000)
_BIN = Path(sys.executable).parent
_TOOLS = Path(os.environ.get("FMC_TOOLS_DIR", Path.home() / ".cache" / "fmc" / "tools"))
_HEAD = "version: 1\ncluster: home\nsealing_key: {{namespace: kube-system, name: {}}}\nsecrets:\n"
_ENTRY = """  - namespace: shop
    name: secret-{}
    values: {{token: {{generator: token}}}}
    data: {{token: {{from: token}}}}
"""
# Each goal is a multiple of one RSA-4096 public operation for each secret.
_GOALS = {"seal": 5.0, "no-op": 5.0, "rekey": 5.0}
_MANIFESTS = 1000
_VALUES_OF_KUBESEAL = 20


def secrets(scratch: Path, environment: dict[str, str]) -> Iterator[Case]:
    """Yield the cases.

    Args:
        scratch: A folder to work in.
        environment: One in which git commits, with an identity for fmc.
    """
    for count in COUNTS:
        yield from _of(count, scratch)
    yield _nothing_to_do(scratch)
    if kubeseal := which("kubeseal", path=f"{_TOOLS}:{os.environ['PATH']}"):
        yield _compared_with_kubeseal(kubeseal, scratch)
    yield _rotation(scratch, environment)


def _catalogue(count: int, key: str, scratch: Path) -> Catalogue:
    from generator.secrets.catalogue.read import parse_catalogue

    text = _HEAD.format(key) + "".join(_ENTRY.format(number) for number in range(count))
    return parse_catalogue(text, where=str(scratch))


def _sealed(count: int, scratch: Path) -> Reconciled:
    """Return the state after a first run over so many secrets."""
    from generator.secrets.sealing.reconcile import reconcile
    from generator.secrets.vault.keys import generate_sealing_key
    from generator.secrets.vault.model import Vault

    vault = Vault.new("home", "key-1", generate_sealing_key(), ())
    return reconcile(_catalogue(count, "key-1", scratch), vault, None, _now(), {})


def _of(count: int, scratch: Path) -> Iterator[Case]:
    """Yield sealing, a run that changes nothing, and rekeying of so many secrets, files and Git left out."""
    from msgspec.structs import replace

    from generator.secrets.sealing.reconcile import reconcile
    from generator.secrets.vault.keys import generate_sealing_key
    from generator.secrets.vault.model import KeyRecord

    catalogue, rekeyed = (_catalogue(count, key, scratch) for key in ("key-1", "key-2"))
    before = _sealed(count, scratch)
    empty = replace(before.vault, values={}, sealed={})
    made = generate_sealing_key()
    key = KeyRecord(name="key-2", certificate=made.certificate, private_key=made.private_key, created=_now())
    with_key = replace(before.vault, sealing_keys=(*before.vault.sealing_keys, key))
    work: dict[str, Callable[[], Reconciled]] = {
        "seal": partial(reconcile, catalogue, empty, None, _now(), {}),
        "no-op": partial(reconcile, catalogue, before.vault, None, _now(), {}, [before.manifests]),
        "rekey": partial(reconcile, rekeyed, with_key, None, _now(), {}, [before.manifests]),
    }
    fields = {"seal": "made", "no-op": "kept", "rekey": "changed"}
    for name, act in work.items():

        def ours(act: Callable[[], Reconciled] = act, field: str = fields[name]) -> float:
            started = time.process_time()
            done = act()
            seconds = time.process_time() - started
            if len(getattr(done, field)) != count:
                raise RuntimeError(f"{len(getattr(done, field))} of {count} secrets are {field}")
            return seconds

        rounds = 1 if count > _MANIFESTS else 5
        peer = partial(_operations, made.certificate, count)
        plural = "s" if count > 1 else ""
        yield Case(f"{name}, {count:,} secret{plural} / RSA-4096 operations", ours, peer, _GOALS[name], rounds)


def _operations(certificate: str, count: int) -> float:
    """Return the seconds that so many public operations of RSA take, which sealing can't do without."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP

    from generator.secrets.vault.keys import certificate_public_key

    key, padding = certificate_public_key(certificate.encode()), OAEP(MGF1(hashes.SHA256()), hashes.SHA256(), b"a/b")
    started = time.process_time()
    for _ in range(count):
        key.encrypt(b"x" * 32, padding)
    return time.process_time() - started


def _nothing_to_do(scratch: Path) -> Case:
    """All that `fmc seal` does after its start where 1,000 manifests are right: vault, catalogue, files, comparison."""
    from generator.secrets.seal import seal_repository
    from generator.secrets.store import Store
    from generator.secrets.vault.identities import Identities

    folder = scratch / "thousand"
    (folder / "argocd" / "secrets").mkdir(parents=True)
    entries = "".join(_ENTRY.format(number) for number in range(_MANIFESTS))
    (folder / "argocd" / "secrets" / "catalogue.yaml").write_text(_HEAD.format("key-1") + entries)
    store = Store(folder / "argocd", folder / "vault.age", Identities(folder / "identity.txt"))
    seal_repository(store, {}, _now())

    def ours() -> float:
        started = time.process_time()
        report = seal_repository(store, {}, _now())
        seconds = time.process_time() - started
        if len(report.kept) != _MANIFESTS:
            raise RuntimeError(f"{len(report.kept)} of {_MANIFESTS} secrets were kept")
        return seconds

    return Case(f"fmc seal, {_MANIFESTS:,} manifests that are right / 1 s", ours, lambda: 1.0, goal=1.0, rounds=5)


def _compared_with_kubeseal(kubeseal: str, scratch: Path) -> Case:
    """Sealing a value here, and `kubeseal --raw` for each, as scripts do."""
    from generator.secrets.sealing.crypto import Sealer
    from generator.secrets.vault.keys import generate_sealing_key
    from generator.secrets.vault.plaintext import Plaintext

    certificate = scratch / "kubeseal-certificate.pem"
    certificate.write_text(generate_sealing_key().certificate)
    sealer, value = Sealer(certificate.read_bytes()), b"a password of 32 characters long"
    command = [kubeseal, "--raw", "--cert", str(certificate), "--namespace=argocd", "--name=git-credentials"]

    def ours() -> float:
        started = time.process_time()
        for _ in range(_VALUES_OF_KUBESEAL):
            sealer.seal(Plaintext(value), b"argocd/git-credentials")
        return (time.process_time() - started) / _VALUES_OF_KUBESEAL

    def peer() -> float:
        started = os.times()
        for _ in range(_VALUES_OF_KUBESEAL):
            subprocess.run(command, input=value, env={"HOME": str(scratch)}, capture_output=True, check=True)
        ended = os.times()
        used = ended.children_user + ended.children_system - started.children_user - started.children_system
        return used / _VALUES_OF_KUBESEAL

    return Case("sealing one value / kubeseal --raw", ours, peer, goal=0.01, rounds=5)


def _rotation(scratch: Path, environment: dict[str, str]) -> Case:
    """One secret replaced, committed and pushed to remotes on this disk, the whole process."""
    folder = scratch / "rotation"
    for part in ("infra", "argocd", "apps"):
        remote = folder / "remotes" / f"{part}.git"
        command = ["git", "init", "--quiet", "--bare", "--initial-branch=main", str(remote)]
        subprocess.run(command, env=environment, check=True)
    redirect = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{folder}/remotes/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://git.example.com/home/",
    }
    workspace = folder / "workspace"
    new = [str(_BIN / "fmc"), "new", "--answers", str(ANSWERS), "--push", "--yes", "--workspace", str(workspace)]
    timed(new, environment | redirect)
    rotate = [str(_BIN / "fmc"), "rotate", "traefik/traefik-dashboard-auth", "--workspace", str(workspace)]
    return Case(
        "fmc rotate of one secret, pushed, whole process / 1 s",
        lambda: timed(rotate, environment | redirect),
        lambda: 1.0,
        goal=1.0,
        rounds=5,
    )


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
