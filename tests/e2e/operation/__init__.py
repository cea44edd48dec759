"""Daily work on a cluster: changes of source, and rotations. It has a bed of its own, since it leaves other secrets."""
