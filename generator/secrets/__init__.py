"""Secrets: catalogue, vault, keys, sealing.

The modules that other rooms call, in the order of use:

    identities    where the operator's age identity is
    keys          a sealing key made in advance, in another process if wanted
    repository    `fmc seal`: vault, certificate and sealed manifests as the catalogue says
    values        `fmc secret set`: a value from a pipe or a prompt, put into the vault
    listing       `fmc secret list`: what there is and how far it has come, no plaintexts
    export        `fmc keys export`: the sealing keys, as the cluster wants them
    vault_file    the vault, for what follows
    verify        `fmc check`: what can be seen without the vault
    verify_vault  `fmc check`: what its owner alone can see
    leaks         what must be found in no tree, commit or log

Sealing and setting a value read, change and write the vault: whoever calls them holds the workspace's lock.
"""
