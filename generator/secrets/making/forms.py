"""Deriving the keys of a Secret from its values, and the way back where there is one.

The salted forms (bcrypt, htpasswd) come out differently each time, so they are made once and kept in the vault.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import timedelta
from typing import TYPE_CHECKING

from generator.errors import BadInputError
from generator.secrets.catalogue.model import Form, Generator
from generator.secrets.vault.model import ValueRecord
from generator.secrets.vault.plaintext import Plaintext

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from generator.secrets.catalogue.model import Derived, Value

SALTED = frozenset({Form.BCRYPT, Form.HTPASSWD})
_KEY_PAIRS = frozenset({Generator.SSH_KEY, Generator.WIREGUARD_KEY, Generator.CERTIFICATE, Generator.AUTHORITY})
_PEM_END = "-----END CERTIFICATE-----\n"
BCRYPT_BYTES = 72
# Under which name clients of Docker Hub look for their credentials: that of its first API.
_DOCKER_HUB = "https://index.docker.io/v1/"
# Argo CD notes the start of a session in whole seconds, and ends those that began before the password's time
# (util/session/sessionmanager.go): one of the very second in which the value was made would outlive it.
_ONE_SECOND = timedelta(seconds=1)


def plain_form(form: Form, record: ValueRecord, registry: str = "") -> Plaintext:
    """Return a form that follows from the value alone.

    Args:
        form: Any but the salted ones.
        record: The value.
        registry: Host of the registry that a dockerconfigjson is for.
    """
    match form:
        case Form.MTIME:
            return Plaintext((record.created + _ONE_SECOND).strftime("%Y-%m-%dT%H:%M:%SZ").encode())
        case Form.PUBLIC:
            return Plaintext(record.public["public"].encode())
        case Form.CERT:
            return Plaintext((record.public["cert"] + record.public["ca"]).encode())
        case Form.CA:
            return Plaintext(record.public["ca"].encode())
        case Form.DOCKERCONFIGJSON:
            login = base64.b64encode(record.secret.reveal()).decode()
            auths = {_DOCKER_HUB if registry == "docker.io" else registry: {"auth": login}}
            return Plaintext(json.dumps({"auths": auths}, separators=(",", ":")).encode())
        case _:
            return record.secret


def salted_form(datum: Derived, secret: Plaintext, where: str) -> Plaintext:
    """Hash a value with a new salt.

    The variants of bcrypt differ in a prefix alone, and each reader has its own: Argo CD documents `$2a`, Apache's
    htpasswd `$2y`.

    Args:
        datum: Form, cost and user.
        secret: The value.
        where: `namespace/name: key`, for the message.

    Raises:
        BadInputError: The value is longer than the 72 bytes that bcrypt covers.
    """
    import bcrypt

    if len(secret.reveal()) > BCRYPT_BYTES:
        raise BadInputError(
            f"the value {datum.source} is longer than the {BCRYPT_BYTES} bytes that bcrypt covers",
            where=where,
            fix="Supply a shorter value.",
        )
    hashed = bcrypt.hashpw(secret.reveal(), bcrypt.gensalt(datum.cost, prefix=b"2a"))
    if datum.form is Form.HTPASSWD:
        hashed = datum.user.encode() + b":$2y$" + hashed.removeprefix(b"$2a$")
    return Plaintext(hashed)


def made_to(datum: Derived, content: Plaintext) -> bool:
    """Return whether a salted form has the cost and the user that the catalogue asks for.

    Args:
        datum: Form, cost and user.
        content: A hash that `salted_form` made once, of the right value.
    """
    user, prefix = (datum.user.encode() + b":", b"$2y$") if datum.form is Form.HTPASSWD else (b"", b"$2a$")
    return content.reveal().startswith(user + prefix + f"{datum.cost:02}$".encode())


def recover(value: Value, forms: Mapping[Form, Plaintext], created: datetime) -> ValueRecord | None:
    """Return the value that forms of it were derived from; None where they don't tell.

    Args:
        value: The catalogue's entry.
        forms: What was derived, by form.
        created: When the value was made, UTC.
    """
    match value.generator:
        case Generator.PASSWORD | Generator.TOKEN | Generator.EXTERNAL:
            secret, public = forms.get(Form.RAW) or _login(forms.get(Form.DOCKERCONFIGJSON)), {}
        case Generator.SSH_KEY:
            secret = forms.get(Form.PRIVATE)
            public = _ssh_public(secret, value.comment) if secret else {}
        case Generator.WIREGUARD_KEY:
            secret = forms.get(Form.PRIVATE)
            public = _wireguard_public(secret) if secret else {}
        case Generator.CERTIFICATE:
            secret = forms.get(Form.KEY)
            public = _leaf_and_authority(forms[Form.CERT]) if Form.CERT in forms else {}
        case Generator.AUTHORITY:
            secret = forms.get(Form.KEY)
            public = {"ca": forms[Form.CA].reveal().decode(errors="replace")} if Form.CA in forms else {}
    if secret is None or (not public and value.generator in _KEY_PAIRS):
        return None
    return ValueRecord(generator=value.generator, created=created, secret=secret, public=public)


def _login(configuration: Plaintext | None) -> Plaintext | None:
    """Return the one login that a dockerconfigjson holds."""
    if configuration is None:
        return None
    try:
        (registry,) = json.loads(configuration.reveal())["auths"].values()
        return Plaintext(base64.b64decode(registry["auth"], validate=True))
    except (ValueError, LookupError, TypeError, AttributeError, binascii.Error):
        return None


def _ssh_public(private_key: Plaintext, comment: str) -> dict[str, str]:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

    try:
        key = load_ssh_private_key(private_key.reveal(), None).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return {}
    return {"public": f"{key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()} {comment}".rstrip()}


def _wireguard_public(private_key: Plaintext) -> dict[str, str]:
    from generator.secrets.making.wireguard import public_half

    try:
        return {"public": public_half(private_key.reveal())}
    except ValueError:
        return {}


def _leaf_and_authority(chain: Plaintext) -> dict[str, str]:
    leaf, end, authority = chain.reveal().decode(errors="replace").partition(_PEM_END)
    return {"cert": leaf + end, "ca": authority} if authority.endswith(_PEM_END) else {}
