"""Stand-ins for charts that can't be had without a network; README.md says what they are and how they differ."""
