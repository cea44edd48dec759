"""What `fmc seal` and `fmc new` say about who opens the vault."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.secrets.seal import SealReport


def recipient_changes(report: SealReport) -> Iterator[str]:
    """Yield a line for each age public key that the answers added or took out; the latter says what it does not do."""
    for recipient in report.recipients_added:
        yield f"The vault opens for {recipient} from now on, as vault_recipients says."
    for recipient in report.recipients_removed:
        yield (
            f"The vault no longer opens for {recipient}. Copies made before still do, and what was read stays read: "
            "replace the values, too (`fmc secret set`)."
        )
