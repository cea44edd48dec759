"""Delivery: commit every part, push them in order, resume after a failure.

The pipeline's way through this room: `require_identity` and `remotes_ready` before anything is made, `commit_tree`
in the rendered folder of a new repository or `replace_trees` for those that exist, `outgoing_blobs` for the leak gate,
`push`. `difference` tells what a rendered tree would change.
"""

from generator.delivery.commits import commit_tree, commit_trees, require_identity
from generator.delivery.difference import Difference, difference
from generator.delivery.model import Author, Commit, Delivered, Target
from generator.delivery.outgoing import known_tip, outgoing_blobs
from generator.delivery.push import push
from generator.delivery.remotes import RemoteBranches, remotes_ready
from generator.delivery.replace import replace_tree, replace_trees
from generator.delivery.repository import cluster_of, open_repository
from generator.delivery.state import StateFile
from generator.delivery.trees import tree_digest

__all__ = [
    "Author",
    "Commit",
    "Delivered",
    "Difference",
    "RemoteBranches",
    "StateFile",
    "Target",
    "cluster_of",
    "commit_tree",
    "commit_trees",
    "difference",
    "known_tip",
    "open_repository",
    "outgoing_blobs",
    "push",
    "remotes_ready",
    "replace_tree",
    "replace_trees",
    "require_identity",
    "tree_digest",
]
