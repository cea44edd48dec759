"""What a leak of the vault would look like: the byte strings that the search for leaks looks for."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.secrets.vault.model import Vault

_SHORTEST = 8
_PEM_DASHES = b"-----"


def needles(vault: Vault) -> tuple[bytes, ...]:
    """Return every form in which a secret of the vault could stand somewhere.

    Those are the secret itself, also as JSON and URLs write it; the characters that its Base64 has wherever it stands
    inside of a longer encoded text (`user:password`); the second half of such a pair; and the lines of a PEM key, which
    indentation would tear apart.

    Args:
        vault: The vault.

    Returns:
        Distinct byte strings, sorted, of at least eight bytes: what is shorter can't be told from ordinary text.
    """
    found: set[bytes] = set()
    for secret in vault.secrets():
        content = secret.reveal()
        for part in {content, content.partition(b":")[2] if b"\n" not in content.strip() else b""}:
            found.update((part, part.strip(), *_escaped(part.strip())))
            found.update(_encoded(part))
        found.update(_private_lines(content))
    return tuple(sorted(needle for needle in found if len(needle) >= _SHORTEST))


def _escaped(content: bytes) -> Iterator[bytes]:
    yield quote_from_bytes(content, safe="").encode()
    try:
        yield json.dumps(content.decode())[1:-1].encode()
    except UnicodeDecodeError:
        return


def _encoded(content: bytes) -> Iterator[bytes]:
    """Yield the part of the Base64 that follows from the content alone, for each offset modulo three."""
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + content)
        first = -(-offset * 8 // 6)
        last = (offset + len(content)) * 8 // 6
        yield encoded[first:last]


def _private_lines(content: bytes) -> Iterator[bytes]:
    """Yield the full lines in the second half of a PEM key; what is public in it stands in front."""
    if not content.startswith(_PEM_DASHES):
        return
    body = [line for line in content.splitlines() if line and not line.startswith(_PEM_DASHES)]
    yield from (line for line in body[len(body) // 2 :] if len(line) == len(body[0]))
