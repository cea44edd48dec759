"""The search for secrets: it finds them wherever they stand, and is quick."""

from __future__ import annotations

import secrets
import time

from generator.checks.rules.leaks import AGE_IDENTITY, VAULT, scan
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
