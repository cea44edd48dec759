"""`fmc keys`: the sealing keys as the cluster wants them, the operator's SSH key, and what peers of the VPN need."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from generator.errors import BadInputError
from generator.wording import did_you_mean
from generator.workspace import workspace_around

if TYPE_CHECKING:
    from generator.answers.plan import Peer, Vpn
    from generator.pipeline.steps.session import Session
    from generator.secrets.import_keys import ImportedKeys
    from generator.secrets.operator_key import OperatorKey
    from generator.secrets.vault.plaintext import Plaintext

# A name that is one word of a path, of a shell and of an answers file.
_CLUSTER = re.compile(r"[a-z][a-z0-9-]*")
_VPN = "machines/vpn"


def export(session: Session) -> Plaintext:
    """Return the sealing keys as the Secrets that the cluster's controller loads; nothing is written.

    Args:
        session: The workspace.

    Raises:
        FmcError: The workspace has no catalogue, its vault can't be opened, or its keys are not the repository's.
    """
    from generator.secrets.export import export_keys

    return export_keys(session.store)


def import_files(session: Session, files: tuple[Path, ...]) -> ImportedKeys:
    """Take sealing keys into the vault.

    Args:
        session: The workspace.
        files: Where they are.

    Raises:
        FmcError: A file has no such key, others can read it, or the vault can't be opened or written.
    """
    from generator.secrets.import_keys import import_keys, read_key_file

    with session.workspace.locked():
        return import_keys(session.store, [read_key_file(file) for file in files], datetime.now(UTC))


def vpn_file(session: Session, peer: str) -> Plaintext:
    """Return what a peer of the VPN needs, as WireGuard's programs read it; nothing is written.

    Args:
        session: The workspace.
        peer: Its name in the answer vpn.

    Raises:
        BadInputError: The cluster has no VPN or no such peer, or the vault does not have the keys yet.
        FmcError: The vault can't be opened.
    """
    from generator.pipeline.secret import show_one
    from generator.secrets.vault.plaintext import Plaintext

    vpn = session.repositories.loaded.plan.vpn
    if vpn is None:
        raise BadInputError(
            "this cluster has no VPN",
            fix="Write the answer vpn into answers.yaml, as `fmc explain answers/vpn` shows it, and run `fmc new`.",
        )
    found = {known.name: known for known in vpn.peers}
    if peer not in found:
        raise BadInputError(f"the answer vpn has no peer {peer}", fix=did_you_mean(peer, found))
    private = show_one(session, _VPN, found[peer].secret).content.reveal().decode()
    server = show_one(session, _VPN, "server", public=True).content.reveal().decode()
    return Plaintext(_peer_file(vpn, found[peer], private, server).encode())


def _peer_file(vpn: Vpn, peer: Peer, private: str, server: str) -> str:
    lines = [
        "[Interface]",
        f"PrivateKey = {private}",
        f"Address = {peer.address}/32",
        f"DNS = {', '.join(vpn.dns)}",
        "",
        "[Peer]",
        f"PublicKey = {server}",
        f"Endpoint = {vpn.endpoint}:{vpn.port}",
        f"AllowedIPs = {', '.join(vpn.routes)}",
        # Routers between forget a way that nobody uses, after half a minute at the earliest.
        "PersistentKeepalive = 25",
    ]
    return "\n".join(lines) + "\n"


def ssh_key_file(cluster: str | None, start: Path) -> tuple[Path, str]:
    """Return where the SSH key of a cluster lies, and the cluster's name.

    Args:
        cluster: Its name; None for the cluster of the workspace.
        start: The workspace, or a folder in it.

    Raises:
        BadInputError: It can't be told which cluster is meant.
    """
    names = {cluster} if cluster else _clusters_around(start)
    if len(names) != 1 or not _CLUSTER.fullmatch(name := names.pop()):
        wrong = f"{cluster!r} is no name of a cluster" if cluster else "it can't be told which cluster the key is for"
        raise BadInputError(
            wrong,
            fix="Name it as in the answers, in lower-case letters, digits and dashes: `fmc keys ssh --cluster lab`.",
        )
    return Path.home() / ".ssh" / f"id_ed25519_{name}", name


def ssh_key(path: Path, cluster: str, passphrase: bytes) -> OperatorKey:
    """Make the operator's SSH key, or find the one that is there.

    Args:
        path: The private half.
        cluster: Stands in the comment of a new key.
        passphrase: What a new private half is encrypted with; empty for none.

    Raises:
        BadInputError: Something else is in the place.
        WriteError: The disk refused.
    """
    from generator.secrets.operator_key import make_or_find

    return make_or_find(path, f"fmc-{cluster}", passphrase)


def _clusters_around(start: Path) -> set[str]:
    workspace = workspace_around(start)
    return {found.cluster for found in workspace.rendered().values()} if workspace else set()
