"""A stand-in for K3s: a program of the standard library alone that behaves as the real one where roles meet it.

It is no Kubernetes: nothing runs on it. What it has of the real one is what was measured there: how config.yaml is
read, what a server compares when it joins, what makes a disk a member, which token lets whom in, what answers while it
starts, and what it takes to be forgotten. `tests/lab/test_stand_in_k3s.py` has a test for each of these. It is
installed as one file, made by `zipapp`.
"""
