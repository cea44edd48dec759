"""What a sealing key that somebody else has gives away: all that was ever sealed to it, and still counts.

Git's history tells. A sealed manifest names its key and the revision of each value, so that a value that was replaced
since is known without a look at it. Another program's names neither: there the key itself has to open it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.secrets.catalogue.model import Derived
from generator.secrets.sealing.crypto import load_private_keys
from generator.secrets.sealing.documents import documents_of, opened
from generator.secrets.sealing.manifest import parse
from generator.secrets.selection import how_to_replace
from generator.secrets.vault.lineage import Lineage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cryptography.hazmat.primitives.asymmetric import rsa

    from generator.secrets.catalogue.model import Catalogue
    from generator.secrets.sealing.manifest import SealedManifest
    from generator.secrets.store import Store
    from generator.secrets.vault.model import Vault


@dataclass(frozen=True, order=True)
class Exposed:
    """A value that is known to whoever has the key.

    Attributes:
        secret: `namespace/name` of the secret.
        value: Name of the value; the key of the Secret where the catalogue does not have it.
        how: How it is replaced.
    """

    secret: str
    value: str
    how: str


def exposed_values(store: Store, contents: Iterable[tuple[str, bytes]]) -> tuple[Exposed, ...]:
    """Return the values that a compromised sealing key has sealed, and that nobody has replaced since.

    Args:
        store: Where the vault and the catalogue lie.
        contents: What sealed manifests have ever been in Git: their path, and a content.

    Raises:
        BadInputError: The catalogue can't be used.
        VaultError: There is no vault, or it can't be opened.
    """
    catalogue = store.catalogue()
    vault = store.open(catalogue.cluster)
    keys = [key for key in vault.sealing_keys if key.fingerprint in vault.compromised]
    private = load_private_keys(key.private_key for key in keys)
    found: set[Exposed] = set()
    for path, content in contents if vault.compromised else ():
        manifest = parse(content.decode(errors="replace"))
        if manifest and manifest.sealed.certificate in vault.compromised:
            found.update(_still_counting(catalogue, vault, manifest))
        elif manifest is None and private:
            found.update(_of_others(catalogue, path, content, private))
    return tuple(sorted(found))


def _still_counting(catalogue: Catalogue, vault: Vault, manifest: SealedManifest) -> Iterator[Exposed]:
    secret_id = f"{manifest.namespace}/{manifest.name}"
    entry = next((one for one in catalogue.secrets if one.id == secret_id), None)
    for name, text in manifest.sealed.lineages.items() if entry else ():
        known = vault.lineage(secret_id, name)
        try:
            is_same = known is not None and known.revision == Lineage.parse(text).revision
        except ValueError:
            continue
        if is_same and entry and name in entry.values:
            yield Exposed(secret_id, name, how_to_replace(entry, entry.values[name]))


def _of_others(
    catalogue: Catalogue, path: str, content: bytes, private: tuple[rsa.RSAPrivateKey, ...]
) -> Iterator[Exposed]:
    try:
        documents = documents_of(content)
    except ValueError:
        return
    entries = {secret.id: secret for secret in catalogue.secrets}
    for document in documents:
        entry = entries.get(document.id)
        for key, ciphertext in document.ciphertexts.items():
            datum = entry.data.get(key) if entry else None
            if opened(private, ciphertext, document.label) is None or isinstance(datum, Derived):
                # What the catalogue has was sealed by fmc since, under a revision that tells.
                continue
            yield Exposed(document.id, key, f"replace it where it comes from, and seal it anew in {path}")
