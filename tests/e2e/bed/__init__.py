"""A cluster without machines: the real programs that a rollout consists of, in a network of their own.

Real are etcd, the API server, the controller manager, the scheduler, the sealed-secrets controller, Argo CD, redis and
Git. Nodes and the remaining pods are simulated by kwok; `docs/proof.md` says what that leaves unproven.
"""
