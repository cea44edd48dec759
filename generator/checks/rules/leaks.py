"""The search for secrets that stand somewhere in the clear: the vault's own, and what looks like one.

A finding says where and which rule, and never what. Contents are searched as they are and as UTF-16 would have them;
those of ordinary size, too, without what tears a text apart (line ends, quotes, backslashes), and where they hold
hexadecimal digits, as the bytes that those stand for.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from heapq import merge
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from generator.checks.search import Search
from generator.findings import Flaw, declare

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from generator.findings import Finding, Rule

VAULT = declare("leaks/vault", "No secret of the vault stands anywhere in the clear.")
PRIVATE_KEY = declare("leaks/private-key", "No private key stands anywhere.")
AGE_IDENTITY = declare("leaks/age-identity", "No age identity stands anywhere.")
TOKEN = declare("leaks/token", "No access token of a well-known service stands anywhere.")

# Many small files are searched at once: a search costs more to begin than to run over a few kilobytes.
_AT_ONCE = 4 << 20


@dataclass(frozen=True)
class _Pattern:
    """What a secret of some kind looks like.

    Attributes:
        rule: The rule that it breaks.
        openings: Each begins with one of these texts: they are found a hundred times faster than an expression.
        expression: Its form.
        says: The finding's message.
    """

    rule: Rule
    openings: tuple[bytes, ...]
    expression: re.Pattern[bytes]
    says: str

    def matches(self, content: bytes) -> Iterator[re.Match[bytes]]:
        """Yield what has its form in a content, from left to right; none reaches into another."""
        end = 0
        for start in merge(*(_occurrences(opening, content) for opening in self.openings)):
            if start >= end and (match := self.expression.match(content, start)):
                end = match.end()
                yield match


# Few and precise: each has a form that nothing else has. A private key is one once its text follows: documentation
# names the first line alone. In Base64, as a Secret has it, that line begins LS0tLS1CRUdJTi.
_PATTERNS = (
    _Pattern(
        PRIVATE_KEY,
        (b"-----BEGIN ", b"LS0tLS1CRUdJTi"),
        re.compile(
            rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\s|\\[nr])*(?:[A-Za-z0-9+/]{24}|[A-Z][A-Za-z-]+: )"
            rb"|LS0tLS1CRUdJTi(?:BQUklWQVRF|BSU0EgUFJJ|BFQyBQUklW|BPUEVOU1NI|BEU0EgUFJJ|BFTkNSWVBU)[A-Za-z0-9+/]{24}"
        ),
        "a private key stands here",
    ),
    _Pattern(
        AGE_IDENTITY,
        (b"AGE-SECRET-KEY-",),
        re.compile(rb"AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{50}"),
        "an age identity stands here: it opens whatever was encrypted to it",
    ),
    _Pattern(
        TOKEN,
        (
            *(b"gh%c_" % letter for letter in b"oprsu"),
            *(b"gl%s-" % kind for kind in (b"pat", b"dt", b"rt")),
            *(b"xox%c-" % letter for letter in b"abprs"),
            *(b"github_pat_", b"AKIA", b"dckr_pat_", b"npm_", b"pypi-AgEIcHlwaS5vcmc", b"AIza", b"K10"),
        ),
        re.compile(
            # GitHub, GitLab, AWS, Slack, Docker Hub, npm, PyPI, Google
            rb"(?<![A-Za-z0-9])(?:gh[oprsu]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60}"
            rb"|gl(?:pat|dt|rt)-[A-Za-z0-9_-]{20}"
            rb"|AKIA[0-9A-Z]{16}(?![0-9A-Z])|xox[abprs]-[0-9]{10}[A-Za-z0-9-]{10}|dckr_pat_[A-Za-z0-9_-]{24}"
            rb"|npm_[A-Za-z0-9]{36}|pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{40}|AIza[0-9A-Za-z_-]{35})"
            # K3s: the hash of the cluster's authority, and the password behind it
            rb"|(?<![A-Za-z0-9])K10[0-9a-f]{64}::"
        ),
        "an access token stands here",
    ),
)
_SAYS = {VAULT: "a secret of the vault stands here in the clear"} | {item.rule: item.says for item in _PATTERNS}
_FIX = "Remove it, also from commits that are not pushed yet, and make a new one wherever it was used."
_HIDDEN = "(hidden)"
# What tears a text apart in source code, YAML, JSON and dumps, and in UTF-16.
_TEARING = b"\0 \t\r\n\\'\",:"
# What is left of a secret without those must still be too long to occur by chance.
_SHORTEST_TORN = 10
_HEXADECIMAL = re.compile(rb"[0-9A-Fa-f]{20,}")


class _Needles(NamedTuple):
    """What must stand nowhere: as it is, and without what may tear it apart."""

    whole: Sequence[bytes]
    torn: Sequence[bytes]


class _Searches:
    """The search for needles."""

    def __init__(self, plaintexts: Collection[bytes]) -> None:
        self._whole = Search(plaintexts)
        torn = (_without_tears(plaintext) for plaintext in plaintexts)
        self._torn = Search(needle for needle in torn if len(needle) >= _SHORTEST_TORN)

    def those_in(self, contents: Iterable[bytes]) -> _Needles:
        """Return the ones that are in some contents: all are looked for at once in all of them."""
        # No needle holds a zero byte and a line end in turn: none begins in one content and ends in the next.
        contents = list(contents)
        joined = b"\n\0\n".join(
            (*contents, *(content.translate(None, b"\0") for content in contents if b"\0" in content))
        )
        torn = [_without_tears(content) for content in contents if len(content) <= _AT_ONCE]
        joined_torn = b"\0".join((*torn, *(_unhexed(content) for content in torn)))
        return _Needles(self._whole.found_in(joined), self._torn.found_in(joined_torn))


def scan(blobs: Iterable[tuple[str, bytes]], plaintexts: Collection[bytes]) -> list[Finding]:
    """Search contents, and the names of files, for secrets.

    Args:
        blobs: Name of each content for findings, and the content, text or not.
        plaintexts: What must stand in none of them, such as the forms of the vault's secrets; empty ones are ignored.

    Returns:
        One finding for each content and rule: the first place, and how many there are. A name that holds a secret is
        a finding of its own, and hidden in all of them.
    """
    needles = _Searches(plaintexts)
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


def digest(content: bytes) -> bytes:
    """Return what tells a content from all others that were or will be searched."""
    return hashlib.sha256(content).digest()


def hide_names(findings: Iterable[Finding], plaintexts: Collection[bytes]) -> list[Finding]:
    """Return findings without the secrets that names of files hold.

    Args:
        findings: Findings of any rules.
        plaintexts: What must stand in no name.
    """
    items = list(findings)
    if not items:
        return []
    names = b"\n\0\n".join(item.file.encode(errors="surrogateescape") for item in items)
    needles = Search(plaintexts).found_in(names)
    return [replace(item, file=_hidden(item.file, needles)) for item in items]


def _scan_batch(batch: list[tuple[str, bytes]], searches: _Searches) -> Iterator[Finding]:
    """Search several contents as one, and only where something was found each by itself."""
    names = [name.encode(errors="surrogateescape") for name, _ in batch]
    needles = searches.those_in([*names, *(content for _, content in batch)])
    joined = b"\n\0\n".join((*names, *(content.translate(None, b"\0") for _, content in batch)))
    patterns = [pattern for pattern in _PATTERNS if any(pattern.matches(joined))]
    if not needles.whole and not needles.torn and not patterns:
        return
    for (given, content), raw_name in zip(batch, names, strict=True):
        name = _hidden(given, needles.whole)
        for rule in _lines(raw_name, needles, patterns):
            yield rule.finding(Flaw(name, 0, f"the name of this file is one: {_SAYS[rule]}", fix=_FIX))
        for rule, lines in _lines(content, needles, patterns).items():
            others = f"; lines below hold more of that, {len(lines) - 1} in all" if len(lines) > 1 else ""
            yield rule.finding(Flaw(name, lines[0], _SAYS[rule] + others, fix=_FIX))


def _hidden(name: str, needles: Iterable[bytes]) -> str:
    """Return a name of a file without the secrets in it."""
    shown = name.encode(errors="surrogateescape")
    for needle in needles:
        shown = shown.replace(needle, _HIDDEN.encode())
    for pattern in _PATTERNS:
        for match in reversed(list(pattern.matches(shown))):
            shown = shown[: match.start()] + _HIDDEN.encode() + shown[match.end() :]
    return shown.decode(errors="surrogateescape")


def _lines(content: bytes, needles: _Needles, patterns: Iterable[_Pattern]) -> dict[Rule, list[int]]:
    """Return the lines in which a content breaks each rule; rules that it doesn't break are left out."""
    found: dict[Rule, set[int]] = {}
    plain = [content, content.translate(None, b"\0")] if b"\0" in content else [content]
    for text in plain:
        for pattern in patterns:
            found.setdefault(pattern.rule, set()).update(
                _line_of(text, match.start()) for match in pattern.matches(text)
            )
        starts = (start for needle in needles.whole for start in _occurrences(needle, text))
        found.setdefault(VAULT, set()).update(_line_of(text, start) for start in starts)
    if needles.torn and not found[VAULT] and len(content) <= _AT_ONCE:
        found[VAULT] = set(_torn_lines(content, needles.torn))
    return {rule: sorted(lines) for rule, lines in found.items() if lines}


def _line_of(text: bytes, start: int) -> int:
    return text.count(b"\n", 0, start) + 1


def _torn_lines(content: bytes, needles: Sequence[bytes]) -> Iterator[int]:
    """Yield the lines in which secrets begin that are torn apart or written in hexadecimal digits."""
    torn = _without_tears(content)
    # How many bytes are left at the end of each line.
    ends = list(accumulate(len(_without_tears(line)) for line in content.split(b"\n")))
    places = [start for needle in needles for start in _occurrences(needle, torn)]
    runs = ((match.start(), _unhexed(match[0])) for match in _HEXADECIMAL.finditer(torn))
    places += [start for start, decoded in runs if any(needle in decoded for needle in needles)]
    for place in places:
        yield next(number for number, end in enumerate(ends, 1) if place < end)


def _without_tears(content: bytes) -> bytes:
    return content.translate(None, _TEARING)


def _unhexed(torn: bytes) -> bytes:
    """Return the bytes that hexadecimal digits stand for; a run may begin with half of a byte that is not its own."""
    runs = (match[0] for match in _HEXADECIMAL.finditer(torn))
    aligned = (run[offset:] for run in runs for offset in (0, 1))
    return b"\0".join(_without_tears(bytes.fromhex(run[: len(run) // 2 * 2].decode())) for run in aligned)


def _occurrences(needle: bytes, content: bytes) -> Iterator[int]:
    start = content.find(needle)
    while start >= 0:
        yield start
        start = content.find(needle, start + len(needle))
