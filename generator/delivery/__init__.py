"""Delivery: commit every part, push them in order, resume after a failure.

The pipeline's way through this room: `commits.require_identity` and `remotes.remotes_ready` before anything is made;
`commits.commit_trees` in the rendered folders of new repositories, `replace.replace_trees` for those that exist;
`outgoing.outgoing_blobs` for the leak gate; `push.push`.
"""
