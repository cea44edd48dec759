"""git itself: running it, its words, its objects, and its ways to a remote."""
