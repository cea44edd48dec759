"""Delivery: commit every part, push them in order, resume after a failure.

The pipeline's way through this room: `require_identity` and `remotes_ready` before anything is made, `commit_tree`
in the rendered folder, `outgoing_blobs` for the leak gate, `push`. `difference` tells whether there is anything to do.
"""

from generator.delivery.commits import commit_tree, commit_trees, require_identity
from generator.delivery.model import Author, Commit, Delivered, Target
from generator.delivery.outgoing import outgoing_blobs
from generator.delivery.push import push
from generator.delivery.remotes import RemoteBranches, remotes_ready
from generator.delivery.repository import cluster_of, open_repository
from generator.delivery.state import StateFile
from generator.delivery.trees import difference, tree_digest

__all__ = [
    "Author",
    "Commit",
    "Delivered",
    "RemoteBranches",
    "StateFile",
    "Target",
    "cluster_of",
    "commit_tree",
    "commit_trees",
    "difference",
    "open_repository",
    "outgoing_blobs",
    "push",
    "remotes_ready",
    "require_identity",
    "tree_digest",
]
