"""Tests of the pipeline of the apps: its steps, and Jenkins with its own Groovy running them."""
