"""The report of a drill: Markdown for people and auditors, without a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_LEVELS = {
    "cluster": "A control plane was made on this machine: etcd, an API server and the sealed-secrets controller. It "
    "got the sealing keys of the backup, then each sealed manifest as it is committed, and unsealed it. Each Secret "
    "was read back and compared with the vault of the backup, byte by byte.",
    "restore": "The backup was restored into a folder that is gone again. Each sealed manifest was opened with the "
    "sealing keys of its vault, by fmc itself, and compared with the vault, byte by byte. No server took part.",
}


@dataclass(frozen=True)
class Verdict:
    """What became of one Secret.

    Attributes:
        secret: `namespace/name`.
        keys: How many keys it has.
        unknown: How many of them the vault does not know, so that they were unsealed and not compared.
        problems: What is wrong; nothing where all is well.
    """

    secret: str
    keys: int
    unknown: int
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """What a drill found.

    Attributes:
        cluster: Name of the cluster.
        backup: Name of the backup's file.
        made: When the backup was made.
        held: When the drill was held.
        level: cluster, or restore.
        seconds: How long it took.
        versions: The programs that took part, fmc first.
        repositories: Folder and commit of each repository that came back.
        verdicts: One for each sealed manifest.
    """

    cluster: str
    backup: str
    made: datetime
    held: datetime
    level: str
    seconds: float
    versions: Sequence[str]
    repositories: Sequence[tuple[str, str]]
    verdicts: Sequence[Verdict]

    @property
    def is_good(self) -> bool:
        """Tell whether everything came back."""
        return bool(self.verdicts) and not any(verdict.problems for verdict in self.verdicts)

    def markdown(self) -> str:
        """Return it as a page."""
        good = sum(not verdict.problems for verdict in self.verdicts)
        result = "Passed" if self.is_good else "Failed"
        lines = [
            f"# Drill of {self.cluster}, {self.held:%Y-%m-%d}",
            "",
            f"**{result}: {good} of {len(self.verdicts)} Secrets came back as they were.**",
            "",
            "| | |",
            "|--|--|",
            f"| held | {self.held:%Y-%m-%d %H:%M} UTC, in {self.seconds:.0f} s |",
            f"| backup | {self.backup}, made {self.made:%Y-%m-%d %H:%M} UTC |",
            f"| level | {self.level} |",
            f"| programs | {', '.join(self.versions)} |",
            *(f"| {folder} | commit {commit} |" for folder, commit in self.repositories),
            "",
            _LEVELS[self.level],
            "",
            "| Secret | keys | compared | |",
            "|--|--|--|--|",
            *(
                f"| {one.secret} | {one.keys} | {one.keys - one.unknown} | {'; '.join(one.problems) or 'as it was'} |"
                for one in self.verdicts
            ),
        ]
        return "\n".join(lines) + "\n"
