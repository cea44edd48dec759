"""Tests on the bed that `make e2e` leaves out: they have not been green as a whole yet (docs/proof.md)."""
