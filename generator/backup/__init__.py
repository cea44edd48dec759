"""Backups: what a cluster needs to come back on an empty machine, in one file that stock `age` and `tar` open.

    manifest    what is in a backup, with checksums
    archive     the tar inside: written as a stream, read as one, and read strictly
    due         when the next one is due

The age file around it is written and read by `secrets/vault/envelope`, the repositories' bundles by
`delivery/local/bundle`.
"""
