"""What a cluster has to make of the sealed manifests: each Secret as the vault says, to be compared byte by byte."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.secrets.catalogue.model import SEALED_SUFFIX, Constant
from generator.secrets.catalogue.read import read_catalogue
from generator.secrets.export import key_secrets
from generator.secrets.making.forms import SALTED, plain_form
from generator.secrets.sealing.committed import Opener, read_committed
from generator.secrets.sealing.files import sealed_snapshot
from generator.secrets.sealing.manifest import parse, revision_entry
from generator.secrets.vault.plaintext import Plaintext

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from generator.secrets.catalogue.model import Secret
    from generator.secrets.vault.model import Vault


@dataclass(frozen=True)
class WantedSecret:
    """One Secret of a cluster.

    Attributes:
        namespace: Where it is.
        name: What it is called.
        manifest: The sealed manifest in Git.
        type: Its Kubernetes type; "" where nobody says.
        sealed: What each sealed key holds; None where the vault does not know, as for what others sealed.
        plain: Keys that the manifest itself holds in the clear.
    """

    namespace: str
    name: str
    manifest: bytes
    type: str
    sealed: Mapping[str, Plaintext | None]
    plain: Mapping[str, str]

    def differences(self, found: Mapping[str, bytes]) -> list[str]:
        """Return what is another one than it has to be, without a value.

        Args:
            found: The Secret's content, by key.
        """
        plain = {key: Plaintext(text.encode()) for key, text in self.plain.items()}
        wanted = {**self.sealed, **plain}
        said = [f"{key} is missing" for key in wanted if key not in found]
        said += [f"{key} is there, and nobody sealed it" for key in found if key not in wanted]
        return said + [
            f"{key} is not what the vault has"
            for key, content in wanted.items()
            if content is not None and key in found and found[key] != content.reveal()
        ]


def wanted_secrets(root: Path, vault: Vault) -> tuple[WantedSecret, ...]:
    """Return every Secret for which there is a sealed manifest, by path.

    Args:
        root: Folder that holds `secrets/`.
        vault: The vault.

    Raises:
        BadInputError: There is no catalogue, or a file can't be read.
        CatalogueError: The catalogue has findings.
    """
    known = {secret.manifest_path: secret for secret in read_catalogue(root).secrets}
    found = []
    for path, content in sealed_snapshot(root).items():
        *_, namespace, file = path.split("/")
        name = file.removesuffix(SEALED_SUFFIX)
        committed, secret = read_committed(content, namespace, name), known.get(path)
        keys = committed.ciphertexts if committed else ()
        found.append(
            WantedSecret(
                namespace=namespace,
                name=name,
                manifest=content,
                type=secret.type if secret else "",
                sealed={key: _content(vault, secret, key) for key in keys},
                plain=_plain(secret, content),
            )
        )
    return tuple(found)


def opened_here(wanted: WantedSecret, vault: Vault) -> tuple[str, dict[str, bytes]]:
    """Open a sealed manifest with the vault's sealing keys, as the controller would with the cluster's.

    Returns:
        Why that can't be done, "" where it can; and the Secret's content, by key.
    """
    committed = read_committed(wanted.manifest, wanted.namespace, wanted.name)
    if committed is None:
        return "it is no SealedSecret of this namespace and name", {}
    opener = Opener(vault)
    opened = {key: opener.plaintext(committed, key) for key in committed.ciphertexts}
    closed = [key for key, content in opened.items() if content is None]
    if closed:
        return f"no sealing key of the vault opens {', '.join(closed)}", {}
    content = {key: plaintext.reveal() for key, plaintext in opened.items() if plaintext}
    return "", {**content, **{key: text.encode() for key, text in wanted.plain.items()}}


def sealing_keys(root: Path, vault: Vault) -> tuple[str, Plaintext]:
    """Return the namespace of the controller, and the Secrets that give it the sealing keys, as JSON.

    Raises:
        BadInputError: There is no catalogue.
        CatalogueError: The catalogue has findings.
    """
    namespace = read_catalogue(root).key_namespace
    return namespace, key_secrets(namespace, vault.sealing_keys)


def _plain(secret: Secret | None, manifest: bytes) -> Mapping[str, str]:
    parsed = parse(manifest.decode(errors="replace"))
    return revision_entry(secret, parsed.sealed) if secret and parsed else {}


def _content(vault: Vault, secret: Secret | None, key: str) -> Plaintext | None:
    """Return what the vault has for a key of a Secret; None where it has nothing."""
    datum = secret.data.get(key) if secret else None
    if secret is None or datum is None:
        return None
    if isinstance(datum, Constant):
        return Plaintext(datum.text.encode())
    derived = vault.derived.get(secret.id, {}).get(key)
    if datum.form in SALTED or datum.source in vault.elsewhere.get(secret.id, {}):
        return derived.content if derived else None
    value = vault.values.get(secret.id, {}).get(datum.source)
    return plain_form(datum.form, value, datum.registry) if value else None
