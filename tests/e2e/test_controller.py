"""The real sealed-secrets controller unseals what we seal, on a real API server; it needs no bed."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING

import pytest

from generator.drill.cluster import Cluster, Manifest, cluster
from generator.drill.programs import PROGRAMS
from generator.secrets.catalogue.model import Secret
from generator.secrets.catalogue.scope import Scope
from generator.secrets.sealing.crypto import Sealer
from generator.secrets.sealing.manifest import Sealed, render
from generator.secrets.vault.keys import SealingKey, generate_sealing_key
from generator.secrets.vault.plaintext import Plaintext
from tests.conftest import require_tool
from tests.secrets.interop import key_secret, thousand_values
from tests.toolchain.build import tools_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SECONDS = 600.0


@pytest.fixture(scope="module")
def sealing_key() -> SealingKey:
    return generate_sealing_key()


@pytest.fixture(scope="module")
def running(sealing_key: SealingKey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """An API server, and the controller with our key."""
    for name in PROGRAMS:
        require_tool(name)
    key = json.loads(key_secret(sealing_key.certificate, sealing_key.private_key))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FMC_TOOLS_DIR", str(tools_folder()))
        with cluster(tmp_path_factory.mktemp("controller"), SECONDS) as made:
            made.start()
            made.give_keys("kube-system", key["items"])
            yield made


def sealed(sealer: Sealer, scope: Scope, name: str, values: Mapping[str, bytes]) -> Manifest:
    """Return a manifest with values, sealed for `apps`."""
    label = scope.label("apps", name)
    ciphertexts = {key: sealer.seal(Plaintext(value), label) for key, value in values.items()}
    secret = Secret("apps", name, 1, "Opaque", {}, {}, "", "", (), {}, {}, scope=scope)
    return Manifest("apps", name, render(secret, Sealed(sealer.fingerprint, {}, ciphertexts, {})))


def test_a_thousand_values_in_each_scope_reach_the_cluster_unchanged(
    running: Cluster, sealing_key: SealingKey, evidence: Callable[[str], None]
) -> None:
    """The largest one fills a Secret of its own: Kubernetes takes no more than 1 MiB."""
    sealer, values = Sealer(sealing_key.certificate.encode()), thousand_values()
    largest = max(values, key=lambda key: len(values[key]))
    parts = {"large": {largest: values[largest]}, "rest": {key: values[key] for key in values if key != largest}}
    wanted = {f"{scope.value}-{name}": part for scope in Scope for name, part in parts.items()}
    manifests = [
        sealed(sealer, scope, f"{scope.value}-{name}", part) for scope in Scope for name, part in parts.items()
    ]
    found = running.unseal(manifests)
    assert [one.problem for one in found] == [""] * len(manifests)
    for manifest, one in zip(manifests, found, strict=True):
        expected = wanted[manifest.name]
        assert {key for key in expected if base64.b64decode(one.data.get(key) or "") != expected[key]} == set()
        assert one.data.keys() == expected.keys()
    evidence(f"{len(values)} values, in each of {len(Scope)} scopes: byte by byte as they were sealed")


@pytest.mark.parametrize("wrong", ["namespace", "name", "key"])
def test_what_is_bound_to_something_else_does_not_open(running: Cluster, sealing_key: SealingKey, wrong: str) -> None:
    certificate = generate_sealing_key().certificate if wrong == "key" else sealing_key.certificate
    manifest = sealed(Sealer(certificate.encode()), Scope.STRICT, f"bound-to-a-{wrong}", {"key": b"hunter2"})
    elsewhere = re.sub(rb"(namespace: )\"?apps\"?", rb"\1other", manifest.content)
    renamed = manifest.content.replace(manifest.name.encode(), b"renamed")
    moved = {"namespace": Manifest("other", manifest.name, elsewhere), "name": Manifest("apps", "renamed", renamed)}
    (found,) = running.unseal([moved.get(wrong, manifest)])
    assert "no key could decrypt secret" in found.problem
    assert found.data == {}
