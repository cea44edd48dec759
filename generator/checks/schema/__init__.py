"""Schemas: Kubernetes's own and ours, and the two engines that check objects against them."""
