"""A git that knows nothing of the person who runs the tests."""

from tests.delivery.conftest import own_git

__all__ = ["own_git"]
