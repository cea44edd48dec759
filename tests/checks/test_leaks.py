"""The search for secrets: it finds them wherever they stand, and is quick."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace

import pytest

from generator.checks.rules.leaks import AGE_IDENTITY, TOKEN, VAULT, hide_names, scan
from tests.checks.cases import SAMPLES

SECRET = SAMPLES["vault-secret"]


def test_the_commit_that_holds_it_is_named() -> None:
    findings = scan([("commit 0123", b"tree 1\n\npassword is " + SECRET)], [SECRET])
    assert [(item.file, item.line, item.rule) for item in findings] == [("commit 0123", 3, VAULT.id)]


def test_one_finding_for_each_content_and_rule() -> None:
    content = (SECRET + b"\n") * 3 + SAMPLES["age-identity"]
    findings = scan([("a", content), ("b", b"nothing"), ("c", SECRET)], [SECRET])
    assert [(item.file, item.line, item.rule) for item in findings] == [
        ("a", 4, AGE_IDENTITY.id),
        ("a", 1, VAULT.id),
        ("c", 1, VAULT.id),
    ]
    assert "2 in all" in findings[1].message


def test_contents_do_not_run_into_each_other() -> None:
    half = len(SECRET) // 2
    assert scan([("a", SECRET[:half]), ("b", SECRET[half:])], [SECRET]) == []
    key = SAMPLES["private-key"]
    start = key.index(b"\n")
    assert scan([("a", key[:start]), ("b", key[start:].lstrip())], []) == []


def test_empty_plaintexts_are_ignored() -> None:
    assert scan([("a", b"anything")], [b""]) == []
    assert scan([], [SECRET]) == []


def test_every_sample_of_a_secret_is_found_and_no_other() -> None:
    public = {"certificate", "private-key-header", "age-recipient", "token-prefix", "latin-1", "zero"}
    private = {name for name, sample in SAMPLES.items() if scan([("x", b"a " + sample + b"\n")], [])}
    assert private == set(SAMPLES) - public - {"vault-secret", "vault-secret-base64"}


def test_no_finding_holds_the_secret() -> None:
    for sample in SAMPLES.values():
        for finding in scan([("x", sample)], [sample]):
            assert sample.decode(errors="replace") not in str(finding) or len(sample) < 8


def test_hundreds_of_plaintexts_over_a_whole_workspace_take_no_time() -> None:
    plaintexts = [secrets.token_urlsafe(24).encode() for _ in range(500)]
    blobs = [(str(number), secrets.token_bytes(2000)) for number in range(500)]
    blobs.append(("last", b"x" + plaintexts[-1]))
    start = time.process_time()
    findings = scan(blobs, plaintexts)
    assert [item.file for item in findings] == ["last"]
    # 1 MB; a search of each content for each plaintext would take many times as long.
    assert time.process_time() - start < 2


def _found(content: bytes, name: str = "x") -> list[tuple[int, str]]:
    return [(item.line, item.rule) for item in scan([(name, content)], [SECRET])]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_text_in_another_encoding_is_read(encoding: str) -> None:
    """Faults E14: what Windows and PowerShell write."""
    text = f"first line\npassword: {SECRET.decode()}\n"
    assert _found(text.encode(encoding)) == [(2, VAULT.id)]
    token = f"\n\ntoken {SAMPLES['github-token'].decode()}\n"
    assert _found(token.encode(encoding)) == [(3, TOKEN.id)]


@pytest.mark.parametrize("digits", [SECRET.hex(), SECRET.hex().upper(), SECRET.hex(" ", 2), SECRET.hex(":")])
def test_hexadecimal_digits_are_read(digits: str) -> None:
    """Faults E14: a dump is a copy."""
    assert _found(f"one\ntwo\ndump {digits}\n".encode()) == [(3, VAULT.id)]
    assert _found(f"one\ntwo\n0{digits}\n".encode()) == [(3, VAULT.id)]


@pytest.mark.parametrize("tear", ["\n", "\\\n    ", '",\n  "', "\r\n", "' '"])
def test_a_text_that_is_torn_apart_is_put_together(tear: str) -> None:
    """Faults E14: a string of YAML, JSON or a shell over several lines."""
    text = SECRET.decode()
    torn = tear.join((text[:7], text[7:15], text[15:]))
    assert _found(f"a: 1\nb: {torn}\n".encode()) == [(2, VAULT.id)]


def test_a_name_that_is_a_secret_is_found_and_not_repeated() -> None:
    """Faults E14: a file called like a password."""
    (finding,) = scan([(f"infra/{SECRET.decode()}/x", b"nothing")], [SECRET])
    assert (finding.file, finding.line, finding.rule) == ("infra/(hidden)/x", 0, VAULT.id)
    (finding,) = scan([(f"infra/{SAMPLES['github-token'].decode()}", b"nothing")], [])
    assert (finding.file, finding.rule) == ("infra/(hidden)", TOKEN.id)
    assert SECRET.decode() not in str(hide_names([replace(finding, file=SECRET.decode())], [SECRET]))


def test_a_large_file_is_searched_fast() -> None:
    """Faults E19: regular expressions alone take a minute for what a forge still takes."""
    start = time.process_time()
    assert scan([("zeros", bytes(64 << 20)), ("text", b"abcdefg gh gl \n" * (4 << 20))], [SECRET]) == []
    assert time.process_time() - start < 10
