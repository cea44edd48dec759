"""Benchmarks: fmc against a peer, both timed alternately in the same run. `python -m bench` prints the table."""
