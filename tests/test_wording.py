"""Words in messages: what others wrote can't steer a terminal, and a misspelt word is met with the nearest one."""

from __future__ import annotations

from generator.wording import did_you_mean, nearest, printable


def test_control_characters_and_endless_text_do_not_reach_the_terminal() -> None:
    assert (
        printable("a\x1b[31mb\nc\u202e")
        == "a\N{REPLACEMENT CHARACTER}[31mb\N{REPLACEMENT CHARACTER}c\N{REPLACEMENT CHARACTER}"
    )
    assert printable("x" * 1000, 10) == "x" * 9 + "\N{HORIZONTAL ELLIPSIS}"


def test_nearest_word_is_offered_else_all_of_them() -> None:
    assert nearest("wrokers", ["masters", "workers"]) == "workers"
    assert nearest("colour", ["masters", "workers"]) == ""
    assert nearest("dns", ["ddns", "dns_upstream"]) == "dns_upstream"
    assert nearest("git", ["edge", "git_branch", "git_read"]) == ""
    assert did_you_mean("wrokers", ["masters", "workers"]) == "Did you mean workers?"
    assert did_you_mean("colour", ["masters", "workers"]) == "Known here: masters, workers."
    assert did_you_mean("colour", []) == ""
