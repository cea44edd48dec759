"""fmc: renders, seals, checks and pushes the GitOps repositories of a K3s HA cluster."""

__version__ = "0.1.0"
