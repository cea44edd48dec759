"""Writing an image into Git while others write, too. Python 3.9 and git are all it needs: build agents have them."""

from __future__ import annotations


class Failure(Exception):
    """Why nothing was written.

    Attributes:
        message: What happened.
        fix: What to do next.
        code: What the process ends with: 2 bad input, 3 a person has to decide, 4 the remote or git failed.
    """

    def __init__(self, message: str, fix: str, code: int = 4) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.code = code
