"""What a person has to decide before anything is sealed: values of vault and Git that don't follow each other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from generator.findings import Finding


class Reason(StrEnum):
    """Why fmc does not decide by itself: the rule that its finding names.

    Attributes:
        BOTH_CHANGED: The value was replaced here and in another copy of the vault; neither knew of the other.
        FOREIGN: It was sealed by something that does not have the vault: another program, or another person.
        UNREADABLE: None of the vault's sealing keys opens it.
        STALE_VARIABLE: The environment supplies a value that was replaced since.
        LEFT_AHEAD: The secret left the catalogue, and Git holds a value of it that this vault never had.
    """

    BOTH_CHANGED = "secrets/both-changed"
    FOREIGN = "secrets/foreign-value"
    UNREADABLE = "secrets/unreadable-value"
    STALE_VARIABLE = "secrets/stale-variable"
    LEFT_AHEAD = "secrets/left-ahead"


@dataclass(frozen=True)
class Preference:
    """What a person decided: the secrets (`namespace/name`) whose value is to be the vault's, or that in Git."""

    vault: frozenset[str] = frozenset()
    git: frozenset[str] = frozenset()


NO_PREFERENCE = Preference()


@dataclass(frozen=True)
class Dispute:
    """One value that fmc does not decide about.

    Attributes:
        reason: Why.
        secret: `namespace/name` of the secret.
        value: Name of the value; "" where it belongs to none.
        file: Where it stands, below the repository part's root.
        line: Line in that file; 0 if unknown.
        can_take: Whether the value in Git can be taken over; of some there is a hash alone.
        variable: The environment variable, where one supplies it.
        key: Key of the Secret, where it is about one.
    """

    reason: Reason
    secret: str
    value: str
    file: str
    line: int = 0
    can_take: bool = True
    variable: str = ""
    key: str = ""

    def finding(self) -> Finding:
        """Return it as a finding: what was found, and every way out."""
        path = self.key or (f"{self.secret}: {self.value}" if self.value else self.secret)
        return Finding(self.file, self.line, self.reason.value, self._message(), path=path, fix=self._fix())

    def _message(self) -> str:
        match self.reason:
            case Reason.BOTH_CHANGED:
                return (
                    f"{self.value} of {self.secret} was replaced in this vault and in another copy of it, "
                    "which delivered its value; neither knew of the other"
                )
            case Reason.FOREIGN:
                return (
                    f"what is sealed here for {self.key} of {self.secret} was not sealed from this cluster's vault: "
                    "another program or another person wrote it"
                )
            case Reason.UNREADABLE:
                return (
                    f"no sealing key of this vault opens {self.key or 'what is sealed here'} of {self.secret}: "
                    "it is damaged, sealed for another name, or sealed to a key that only a newer copy of the vault has"
                )
            case Reason.STALE_VARIABLE:
                return (
                    f"{self.variable} is set in this shell, to a value of {self.secret} that was replaced since; "
                    "sealing it would take the newer one back"
                )
            case Reason.LEFT_AHEAD:
                return (
                    f"{self.secret} left the catalogue, and Git holds a value of {self.value} that this vault "
                    "does not have: deleting the manifest would lose it"
                )

    def _fix(self) -> str:
        take = f"`fmc seal --prefer-git {self.secret}` takes what Git holds; " if self.can_take else ""
        keep = f"`fmc seal --prefer-vault {self.secret}`"
        match self.reason:
            case Reason.BOTH_CHANGED:
                return f"Decide: {take}{keep} seals this vault's value over it."
            case Reason.FOREIGN:
                return (
                    f"Find out who changed it (git log {self.file}). "
                    f"Then decide: {take}{keep} seals this vault's value over it."
                )
            case Reason.UNREADABLE:
                return (
                    f"Bring the newest copy of the vault, or restore the file (git log {self.file}); "
                    f"{keep} seals this vault's value over it."
                )
            case Reason.STALE_VARIABLE:
                return (
                    f"Type `unset {self.variable}`, and run the same command again. To go back to the old value, "
                    f"give it to `fmc secret set {self.secret} {self.value}`."
                )
            case Reason.LEFT_AHEAD:
                return (
                    "Bring the newest copy of the vault, or put the entry back, run `fmc seal`, and take it out again; "
                    f"{keep} deletes the manifest all the same."
                )
