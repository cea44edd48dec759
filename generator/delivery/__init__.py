"""Delivery: commit every part, push them in order, resume after a failure.

`git/` runs git, `local/` knows the repositories on this disk, `remote/` those that are pushed to. The pipeline's way
through this room: `local.commits.require_identity` and `remote.ready.remotes_ready` before anything is made;
`local.commits.commit_trees` in the rendered folders of new repositories, `local.replace.replace_trees` for those that
exist; `local.outgoing.outgoing_blobs` for the leak gate; `push.push`.
"""
