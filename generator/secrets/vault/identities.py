"""age identities: who can open the vault. The operator's lies in the user's configuration, the recovery one offline.

The file format is age-keygen's, so `age --decrypt --identity FILE vault.age` opens a vault without fmc.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.errors import BadInputError, NoIdentityError, VaultError
from generator.files import write_new
from generator.inputs import read_bounded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ENVIRONMENT_VARIABLE = "FMC_IDENTITY"
_LARGEST = 1 << 20  # bytes
_SSH_BEGIN = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_FILE_NAME = "identity.txt"
_RECOVERY_FILE_NAME = "recovery-identity.txt"


@dataclass(frozen=True)
class Identities:
    """Where the operator's identity is, and who else is to open the vault.

    Attributes:
        path: The operator's identity file; made with a new vault if it is not there.
        recipients: Further age public keys, those that the answers name.
    """

    path: Path
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recipients:
    """Who a new vault is encrypted to.

    Attributes:
        public_keys: age public keys, the operator's first, at least two.
        created: The operator's identity file, if it was made just now.
        recovery: The recovery identity file that lies beside it and has to be moved offline; None if the caller named
            other recipients.
        named: Those of them that are there because the answers name them.
    """

    public_keys: tuple[str, ...]
    created: Path | None
    recovery: Path | None
    named: tuple[str, ...]


@dataclass(frozen=True)
class RecipientChange:
    """What the answers changed about who opens a vault.

    Attributes:
        public_keys: All of its recipients from now on.
        named: Those of them that are there because the answers name them.
        added: Who can open it from now on.
        removed: Who could until now, and can't open later copies.
        recovery: The recovery identity file, if it became a recipient just now.
    """

    public_keys: tuple[str, ...]
    named: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    recovery: Path | None


def identity_path(argument: Path | None, environment: Mapping[str, str]) -> Path:
    """Return where the operator's identity is looked for.

    Args:
        argument: What the user gave on the command line, if anything.
        environment: Variables of the process: FMC_IDENTITY, XDG_CONFIG_HOME and HOME are read.
    """
    if argument is not None:
        return argument
    if named := environment.get(ENVIRONMENT_VARIABLE):
        return Path(named).expanduser()
    configuration = environment.get("XDG_CONFIG_HOME")
    home = environment.get("HOME")
    base = Path(configuration) if configuration else (Path(home) if home else Path.home()) / ".config"
    return base / "fmc" / _FILE_NAME


def recipients_for_new_vault(identities: Identities) -> Recipients:
    """Collect the recipients of a new vault, making the identities that are missing; no existing one is ever replaced.

    Raises:
        VaultError: An identity file is there, but can't be used.
        WriteError: The disk refused.
    """
    created = _ensure(identities.path)
    operator = _public_key(identities.path)
    public_keys, recovery = _with_recovery((operator, *identities.recipients), identities)
    named = tuple(key for key in dict.fromkeys(identities.recipients) if key != operator)
    return Recipients(public_keys, identities.path if created else None, recovery, named)


def follow_answers(recipients: Sequence[str], named: Sequence[str], identities: Identities) -> RecipientChange:
    """Work out who is to open a vault that exists: its own recipients, and whom the answers name now.

    Args:
        recipients: The vault's recipients.
        named: Those of them that the answers named before.
        identities: Who opens the vault, and whom the answers name now.

    Raises:
        VaultError: The vault would no longer open with the identity that opens it now.
        WriteError: The disk refused.
    """
    own = tuple(key for key in recipients if key not in named)
    public_keys, recovery = _with_recovery((*own, *identities.recipients), identities)
    added = tuple(key for key in public_keys if key not in recipients)
    removed = tuple(key for key in recipients if key not in public_keys)
    if removed and not set(own_public_keys(identities.path)) & set(public_keys):
        raise VaultError(
            "the answers no longer name your identity among vault_recipients: you would lock yourself out",
            where=str(identities.path),
            fix="Let one of those who stay run `fmc seal`, or put your public key back into the answers.",
        )
    return RecipientChange(
        public_keys=public_keys,
        named=tuple(key for key in dict.fromkeys(identities.recipients) if key not in own),
        added=added,
        removed=removed,
        recovery=recovery,
    )


def _with_recovery(wanted: Sequence[str], identities: Identities) -> tuple[tuple[str, ...], Path | None]:
    """Return distinct recipients, with the recovery identity among them where there would be one alone."""
    public_keys = dict.fromkeys(wanted)
    if len(public_keys) > 1:
        return tuple(public_keys), None
    recovery = identities.path.with_name(_RECOVERY_FILE_NAME)
    _ensure(recovery)
    public_keys[_public_key(recovery)] = None
    return tuple(public_keys), recovery


def read_identities(path: Path) -> list[Any]:
    """Read an identity file: lines of comments and of identities, as age-keygen writes them, or a private key of SSH.

    Returns:
        Identities for `pyrage.decrypt`, at least one.

    Raises:
        VaultError: It can't be read, or a line is something else; the line itself is not shown.
    """
    import pyrage

    content = _content(path)
    try:
        if content.lstrip().startswith(_SSH_BEGIN):
            return [_ssh_identity(content)]
        lines = [line.strip() for line in content.decode().splitlines()]
        found = [pyrage.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except (UnicodeDecodeError, pyrage.IdentityError):
        raise _unusable(path) from None
    if not found:
        raise _unusable(path)
    return found


def own_public_keys(path: Path) -> tuple[str, ...]:
    """Return the public keys of the identities in a file, as the vault names its recipients.

    Raises:
        VaultError: It can't be read, or holds no identity.
    """
    found = read_identities(path)
    content = _content(path)
    if not content.lstrip().startswith(_SSH_BEGIN):
        return tuple(str(identity.to_public()) for identity in found)
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

    key = load_ssh_private_key(content, None).public_key()
    return (key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode(),)


def _ssh_identity(content: bytes) -> Any:
    import pyrage
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    try:
        # One with a passphrase is a TypeError: nobody could be asked for it where fmc runs unattended.
        if not isinstance(load_ssh_private_key(content, None), Ed25519PrivateKey):
            raise pyrage.IdentityError
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise pyrage.IdentityError from None
    return pyrage.ssh.Identity.from_buffer(content)


def _content(path: Path) -> bytes:
    try:
        return read_bounded(path, _LARGEST)
    except BadInputError as error:
        raise NoIdentityError(f"{error.message}; it is the identity", where=str(path), fix=error.fix) from error


def _unusable(path: Path) -> NoIdentityError:
    return NoIdentityError(
        f"{path} is no age identity file: it needs one line that begins with AGE-SECRET-KEY-1, or a private key of "
        "SSH (Ed25519, without a passphrase)",
        where=str(path),
        fix="Restore the file from a backup, or name another one in FMC_IDENTITY. fmc never replaces it.",
    )


def _public_key(path: Path) -> str:
    return own_public_keys(path)[0]


def _ensure(path: Path) -> bool:
    """Make an identity file unless it is there, and return whether it was made."""
    if path.exists():
        return False
    import pyrage

    identity = pyrage.x25519.Identity.generate()
    created = datetime.now(UTC).isoformat(timespec="seconds")
    text = f"# created: {created}\n# public key: {identity.to_public()}\n{identity}\n"
    return write_new(path, text.encode(), mode=0o600)
