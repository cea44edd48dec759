"""Secrets: catalogue, vault, keys, sealing, reconcile.

The room's door, in the order of use:

    identity_path, Identities       where the operator's age identity is
    generate_sealing_key            a sealing key made in advance, in another process if wanted
    seal_repository                 `fmc seal`: vault, certificate and sealed manifests as the catalogue says
    from_input, set_value           `fmc secret set`: a value from a pipe or a prompt, put into the vault
    list_secrets                    `fmc secret list`: what there is and how far it has come, no plaintexts
    open_vault                      the vault, for what follows
    verify_manifests                `fmc check`: what can be seen without the vault
    verify_with_vault               `fmc check`: what its owner alone can see
    needles                         what must be found in no tree, commit or log
    key_secret                      the Secret that gives the sealing key to the cluster

`seal_repository` and `set_value` read, change and write the vault: whoever calls them holds the workspace's lock.
Names are loaded when they are asked for, since cryptography takes longer to import than `fmc --help` may take.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generator.secrets.catalogue import CATALOGUE, CERTIFICATE, Catalogue
    from generator.secrets.catalogue_file import read_catalogue
    from generator.secrets.identities import Identities, identity_path
    from generator.secrets.keys import SealingKey, generate_sealing_key, key_secret
    from generator.secrets.leaks import needles
    from generator.secrets.listing import SecretRow, State, list_secrets
    from generator.secrets.reconcile import Pending
    from generator.secrets.repository import SealReport, seal_repository
    from generator.secrets.values import SetReport, from_input, set_value
    from generator.secrets.vault import Vault
    from generator.secrets.vault_file import open_vault
    from generator.secrets.verify import verify_manifests
    from generator.secrets.verify_vault import verify_with_vault

__all__ = [
    "CATALOGUE",
    "CERTIFICATE",
    "Catalogue",
    "Identities",
    "Pending",
    "SealReport",
    "SealingKey",
    "SecretRow",
    "SetReport",
    "State",
    "Vault",
    "from_input",
    "generate_sealing_key",
    "identity_path",
    "key_secret",
    "list_secrets",
    "needles",
    "open_vault",
    "read_catalogue",
    "seal_repository",
    "set_value",
    "verify_manifests",
    "verify_with_vault",
]

_MODULES = {
    "catalogue": ("CATALOGUE", "CERTIFICATE", "Catalogue"),
    "catalogue_file": ("read_catalogue",),
    "identities": ("Identities", "identity_path"),
    "keys": ("SealingKey", "generate_sealing_key", "key_secret"),
    "leaks": ("needles",),
    "listing": ("SecretRow", "State", "list_secrets"),
    "reconcile": ("Pending",),
    "repository": ("SealReport", "seal_repository"),
    "values": ("SetReport", "from_input", "set_value"),
    "vault": ("Vault",),
    "vault_file": ("open_vault",),
    "verify": ("verify_manifests",),
    "verify_vault": ("verify_with_vault",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    """Load a name of `__all__` from its module."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
