"""The report of a drill."""

from __future__ import annotations

from datetime import UTC, datetime

from generator.drill.report import Report, Verdict

HELD = datetime(2026, 11, 30, 9, 30, tzinfo=UTC)


def report(*verdicts: Verdict) -> Report:
    return Report(
        cluster="home",
        backup="home.age",
        made=HELD,
        held=HELD,
        level="restore",
        seconds=1.6,
        versions=("fmc 1.0",),
        repositories=(("argocd", "0" * 40),),
        verdicts=verdicts,
    )


def test_it_names_every_secret_and_what_became_of_it() -> None:
    page = report(Verdict("a/one", 2, 0, ()), Verdict("a/two", 3, 1, ("key is missing", "other too"))).markdown()
    assert "# Drill of home, 2026-11-30\n" in page
    assert "**Failed: 1 of 2 Secrets came back as they were.**" in page
    assert "| a/one | 2 | 2 | as it was |" in page
    assert "| a/two | 3 | 2 | key is missing; other too |" in page
    assert "No server took part." in page
    assert f"| argocd | commit {'0' * 40} |" in page


def test_nothing_that_came_back_is_no_success() -> None:
    assert report(Verdict("a/one", 2, 0, ())).is_good
    assert "**Passed: 1 of 1" in report(Verdict("a/one", 2, 0, ())).markdown()
    assert not report().is_good
