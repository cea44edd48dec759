"""The one tree of errors that fmc shows to its users.

Every error says what happened, where, why and what to do next; `generator.cli.main` prints it and ends with
its exit code.
Anything that is not an FmcError and reaches the user is a defect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.findings import Finding


class FmcError(Exception):
    """Base of all errors shown to users.

    Attributes:
        message: What happened and why, in one or two sentences, without a full stop at its end.
        where: The place, as `file:line`, a path, a URL or the name of an answer; None where there is none.
        fix: What to do next, as a sentence or a command; None where nothing can be advised.
        exit_code: What the process ends with.
    """

    exit_code = 4

    def __init__(self, message: str, *, where: str | None = None, fix: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.fix = fix


class BadInputError(FmcError):
    """What the user gave (answers, options, a folder) can't be used; nothing was written."""

    exit_code = 2


class AnswersError(BadInputError):
    """The answers have findings; all of them are in `findings`."""

    def __init__(self, message: str, findings: Sequence[Finding], *, where: str | None = None) -> None:
        super().__init__(message, where=where, fix="Correct the answers above and run the command again.")
        self.findings = tuple(findings)


class CatalogueError(BadInputError):
    """The catalogue of secrets has findings; all of them are in `findings`."""

    def __init__(self, message: str, findings: Sequence[Finding], *, where: str | None = None) -> None:
        super().__init__(message, where=where, fix="Correct the catalogue as said above and run the command again.")
        self.findings = tuple(findings)


class RequestError(BadInputError):
    """What was asked for has findings; all of them are in `findings`."""

    def __init__(self, message: str, findings: Sequence[Finding]) -> None:
        super().__init__(message, fix="Run the same command again with what is said above corrected.")
        self.findings = tuple(findings)


class ChecksError(FmcError):
    """A check found something that must not be delivered; all of it is in `findings`."""

    exit_code = 1

    def __init__(self, message: str, findings: Sequence[Finding], *, fix: str | None = None) -> None:
        super().__init__(message, fix=fix)
        self.findings = tuple(findings)


class ConflictError(FmcError):
    """Two sides changed the same thing; a person has to decide."""

    exit_code = 3


class DisputeError(ConflictError):
    """Values of the vault and of Git don't follow each other; all of them are in `findings`."""

    def __init__(self, message: str, findings: Sequence[Finding], *, fix: str | None = None) -> None:
        super().__init__(message, fix=fix)
        self.findings = tuple(findings)


class OverlapError(ConflictError):
    """People changed what is rendered differently now; every place is in `findings`."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        files = len({finding.file for finding in findings})
        super().__init__(
            f"what you changed and what is rendered now overlap in {files} file{'s'[: files > 1]}; nothing was written",
            fix="Run the same command again with `--keep` or `--take` for each of them, as said above.",
        )
        self.findings = tuple(findings)


class VaultError(FmcError):
    """The vault can't be opened, read or written."""


class NoIdentityError(VaultError):
    """The vault is not for whoever is here: their age identity is missing, or none of its recipients."""


class ToolError(FmcError):
    """An external program is missing, too old, failed, or took too long."""


class RemoteError(FmcError):
    """A Git remote can't be reached, refused the credentials, or declined a push."""


class WriteError(FmcError):
    """The local disk refused a write: full, read-only, or not permitted."""


class InterruptedByUserError(FmcError):
    """The user pressed Ctrl-C or answered no."""

    exit_code = 130
