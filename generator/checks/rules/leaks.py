"""The search for secrets that stand somewhere in the clear: the vault's own, and what looks like one.

A finding says where and which rule, and never what.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from generator.findings import Flaw, declare

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from generator.findings import Finding, Rule

VAULT = declare("leaks/vault", "No secret of the vault stands anywhere in the clear.")
PRIVATE_KEY = declare("leaks/private-key", "No private key stands anywhere.")
AGE_IDENTITY = declare("leaks/age-identity", "No age identity stands anywhere.")
TOKEN = declare("leaks/token", "No access token of a well-known service stands anywhere.")

# Many small files are searched at once: a search costs more to begin than to run over a few kilobytes.
_AT_ONCE = 4 << 20

# Few and precise: each has a form that nothing else has. A private key is one once its text follows: documentation
# names the first line alone. In Base64, as a Secret has it, that line begins LS0tLS1CRUdJTi.
_PATTERNS: dict[Rule, re.Pattern[bytes]] = {
    PRIVATE_KEY: re.compile(
        rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\s|\\[nr])*(?:[A-Za-z0-9+/]{24}|[A-Z][A-Za-z-]+: )"
        rb"|LS0tLS1CRUdJTi(?:BQUklWQVRF|BSU0EgUFJJ|BFQyBQUklW|BPUEVOU1NI|BEU0EgUFJJ|BFTkNSWVBU)[A-Za-z0-9+/]{24}"
    ),
    AGE_IDENTITY: re.compile(rb"AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{50}"),
    TOKEN: re.compile(
        # GitHub, GitLab, AWS, Slack, Docker Hub, npm, PyPI, Google
        rb"(?<![A-Za-z0-9])(?:gh[oprsu]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60}|gl(?:pat|dt|rt)-[A-Za-z0-9_-]{20}"
        rb"|AKIA[0-9A-Z]{16}(?![0-9A-Z])|xox[abprs]-[0-9]{10}[A-Za-z0-9-]{10}|dckr_pat_[A-Za-z0-9_-]{24}"
        rb"|npm_[A-Za-z0-9]{36}|pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{40}|AIza[0-9A-Za-z_-]{35})"
        # K3s: the hash of the cluster's authority, and the password behind it
        rb"|(?<![A-Za-z0-9])K10[0-9a-f]{64}::"
    ),
}
_SAYS = {
    VAULT: "a secret of the vault stands here in the clear",
    PRIVATE_KEY: "a private key stands here",
    AGE_IDENTITY: "an age identity stands here: it opens whatever was encrypted to it",
    TOKEN: "an access token stands here",
}
_FIX = "Remove it, also from commits that are not pushed yet, and make a new one wherever it was used."


def scan(blobs: Iterable[tuple[str, bytes]], plaintexts: Collection[bytes]) -> list[Finding]:
    """Search contents for secrets.

    Args:
        blobs: Name of each content for findings, and the content, text or not.
        plaintexts: What must stand in none of them, such as the forms of the vault's secrets; empty ones are ignored.

    Returns:
        One finding for each content and rule: the first place, and how many there are.
    """
    needles = [needle for needle in dict.fromkeys(plaintexts) if needle]
    findings: list[Finding] = []
    batch: list[tuple[str, bytes]] = []
    size = 0
    for blob in blobs:
        batch.append(blob)
        size += len(blob[1])
        if size >= _AT_ONCE:
            findings += _scan_batch(batch, needles)
            batch, size = [], 0
    return [*findings, *_scan_batch(batch, needles)]


def _scan_batch(batch: list[tuple[str, bytes]], needles: list[bytes]) -> Iterator[Finding]:
    """Search several contents as one, and only where something was found each by itself."""
    # No secret holds a zero byte and a line end in turn, so that none can begin in one content and end in the next.
    joined = b"\n\0\n".join(content for _, content in batch)
    present = [needle for needle in needles if needle in joined]
    patterns = {rule: pattern for rule, pattern in _PATTERNS.items() if pattern.search(joined)}
    if not present and not patterns:
        return
    for name, content in batch:
        places = {rule: [match.start() for match in pattern.finditer(content)] for rule, pattern in patterns.items()}
        places[VAULT] = [start for needle in present for start in _occurrences(needle, content)]
        for rule, starts in places.items():
            if starts:
                yield _finding(name, content, rule, starts)


def _occurrences(needle: bytes, content: bytes) -> Iterator[int]:
    start = content.find(needle)
    while start >= 0:
        yield start
        start = content.find(needle, start + len(needle))


def _finding(name: str, content: bytes, rule: Rule, starts: list[int]) -> Finding:
    lines = sorted({content.count(b"\n", 0, start) + 1 for start in starts})
    others = f"; lines below hold more of that, {len(lines) - 1} in all" if len(lines) > 1 else ""
    return rule.finding(Flaw(name, lines[0], _SAYS[rule] + others, fix=_FIX))
