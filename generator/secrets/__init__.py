"""Secrets: catalogue, vault, keys, sealing.

One door a verb, in the order of use:

    seal          `fmc seal`: vault, certificate and sealed manifests as the catalogue says
    set_value     `fmc secret set`: a value from a pipe or a prompt, put into the vault
    rotate        `fmc rotate`: what an order comes to; `seal` then replaces it, see `sealing/renewal.py`
    restarts      who restarts with which Secret: the revisions that follow from the sealed manifests
    show          `fmc secret show`: one value in the clear
    versions      `fmc secret history`: which versions the vault has
    rename        `fmc secret rename`: another name, the same values
    listing       `fmc secret list`: what there is and how far it has come, no plaintexts
    recipients    `fmc vault recipients`: who opens the vault
    merge         `fmc vault merge`: two copies of it become one
    export        `fmc keys export`: the sealing keys, as the cluster wants them
    verify        `fmc check`: without the vault what anybody can see, with it what its owner alone can (`verifying/`)

Behind them: `catalogue/` says what is wanted, `vault/` keeps it, `making/` makes it, `sealing/` encrypts it.
Sealing, setting, renaming and preparing change and write the vault: whoever calls them holds the workspace's lock.
"""
