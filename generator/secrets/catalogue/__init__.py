"""The catalogue: which secrets a cluster needs, as the template rendered it."""
