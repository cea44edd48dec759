"""The rules on secrets, their catalogue and the vault, each with its sentence; this room judges them."""

from __future__ import annotations

from generator.findings import Severity, declare

_ERRORS = {
    "catalogue/duplicate": "The catalogue has each secret once.",
    "catalogue/empty": "What the catalogue asks for is not empty.",
    "catalogue/environment": "A value is supplied in an FMC_ variable of its own, never in one of another program.",
    "catalogue/form": "A generator has the form in which its value is wanted.",
    "catalogue/generator": "A value is made by a generator that fmc has.",
    "catalogue/missing": "A secret of the catalogue says all that is needed to make it.",
    "catalogue/name": "Names are ones that Kubernetes, Git and DNS take.",
    "catalogue/number": "A number of the catalogue is written in plain digits.",
    "catalogue/range": "A number lies within its bounds.",
    "catalogue/repeated": "A key of the catalogue stands once.",
    "catalogue/sync-wave": "A sync wave is a whole number.",
    "catalogue/type": "A value of the catalogue has the type that its key asks for.",
    "catalogue/type-keys": "A Secret has the keys that its type demands.",
    "catalogue/unknown-key": "The catalogue has only keys that fmc knows.",
    "catalogue/unknown-value": "A key of a Secret comes from a value that the catalogue names.",
    "catalogue/value": "A value of the catalogue can be read as what its form says.",
    "catalogue/version": "The catalogue has the version that this fmc reads.",
    "catalogue/yaml": "The catalogue can be parsed.",
    "secrets/both-changed": "A value is not replaced in two copies of the vault that don't know of each other.",
    "secrets/certificate": "The sealing certificate is committed, and can be read.",
    "secrets/ciphertext": "A sealed value is whole.",
    "secrets/edited": "A sealed manifest is what the catalogue says, byte by byte.",
    "secrets/foreign": "A sealed manifest was written by `fmc seal`.",
    "secrets/foreign-value": "A sealed value was sealed from this cluster's vault.",
    "secrets/keys": "A sealed manifest has the keys that the catalogue names.",
    "secrets/left-ahead": "A secret leaves the catalogue with values that the vault knows.",
    "secrets/outdated": "A sealed value is the newest one of the vault.",
    "secrets/place": "A sealed manifest names the Secret that its values can be unsealed for.",
    "secrets/restart": "A pod that restarts with a Secret names one of the catalogue, and has its revision.",
    "secrets/sealing-key": "A value is sealed to the committed certificate.",
    "secrets/size": "A Secret is no larger than Kubernetes and Argo CD take.",
    "secrets/stale-variable": "The environment supplies no value that was replaced since.",
    "secrets/unexpected": "There is a secret in the catalogue for each sealed manifest.",
    "secrets/unreadable-value": "A sealed value can be opened with the vault's sealing keys.",
    "secrets/vault": "The vault fits the catalogue and the committed certificate.",
}
_WARNINGS = {
    "secrets/certificate-ends": "The sealing key is replaced before its certificate ends.",
    "secrets/due": "A value is replaced before it is due.",
    "secrets/elsewhere": "The vault has the newest value of what is sealed as a hash.",
    "secrets/missing": "Each secret of the catalogue has a sealed manifest.",
    "secrets/pending": "Values that only people have are supplied.",
    "secrets/vault-behind": "The vault has the newest value of what Git holds.",
    "secrets/vault-closed": "The vault can be opened, so that its secrets can be searched for.",
}
for _rules, _severity in ((_ERRORS, Severity.ERROR), (_WARNINGS, Severity.WARNING)):
    for _identifier, _says in _rules.items():
        declare(_identifier, _says, _severity)
