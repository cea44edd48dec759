"""Delivery: commit every part, push them in order, resume after a failure."""
