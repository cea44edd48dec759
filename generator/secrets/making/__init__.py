"""Making plaintexts: generators, the cluster's own authority, and the forms of a value in a Secret."""
