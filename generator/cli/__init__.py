"""The command line: one file per verb, with its options, its help and one call. No logic."""
