"""A repository to seal, for the remedies about secrets: its commands done as they stand, and what check says."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from generator.secrets.sealing.disputes import Preference
from generator.secrets.verify import verify_secrets
from tests.secrets.conftest import put

if TYPE_CHECKING:
    from generator.findings import Finding
    from tests.secrets.conftest import Workspace

CERTIFICATE = "secrets/sealing-cert.pem"


def follow(place: Workspace, command: str, value: bytes = b"a-value-of-a-person") -> None:
    """Do what a command of fmc does, as it stands in a message."""
    program, verb, *rest = shlex.split(command)
    assert program == "fmc"
    if verb == "seal":
        chosen = dict(zip(rest[::2], rest[1::2], strict=True))
        place.seal(
            Preference(
                vault=frozenset({chosen["--prefer-vault"]} if "--prefer-vault" in chosen else ()),
                git=frozenset({chosen["--prefer-git"]} if "--prefer-git" in chosen else ()),
            )
        )
    else:
        assert (verb, rest[0]) == ("secret", "set")
        _, secret, name = rest
        put(place, secret, name, value)


def found(place: Workspace) -> list[Finding]:
    """What `fmc check` says about the secrets of a repository."""
    return verify_secrets(place.root, place.open(), place.now)


def nothing_is_wrong(place: Workspace) -> bool:
    """Tell whether seal has nothing to do, and check nothing to say."""
    return place.seal().written == () and found(place) == []
