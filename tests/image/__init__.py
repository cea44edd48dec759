"""Tests of `ci/bump-image`, the last step of a build."""
