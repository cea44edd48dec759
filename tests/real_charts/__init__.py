"""The real charts with the product's values: `python -m tests.real_charts`, which `make charts` calls."""
