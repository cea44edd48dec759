"""Reading the trees: files, YAML as Go reads it, objects, and what deploys them."""
