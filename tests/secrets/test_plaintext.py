"""A secret in memory shows itself to `reveal` alone."""

from __future__ import annotations

import copy
import dataclasses
import logging
import pickle
import traceback

import pytest

from generator.secrets.vault.plaintext import Plaintext

SECRET = Plaintext(b"hunter2")


def test_it_reveals_what_it_was_given() -> None:
    assert SECRET.reveal() == b"hunter2"


@pytest.mark.parametrize("text", [repr(SECRET), str(SECRET), f"{SECRET}", f"{SECRET!r}", f"{[SECRET]}", str((SECRET,))])
def test_no_text_of_it_shows_the_secret(text: str) -> None:
    assert "hunter2" not in text
    assert "***" in text


def test_neither_a_log_line_nor_a_traceback_shows_it(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("sealing %s", SECRET)
    try:
        raise ValueError(SECRET)  # noqa: TRY301
    except ValueError as error:
        shown = "".join(traceback.format_exception(error))
    assert "hunter2" not in caplog.text + shown


def test_equal_secrets_are_equal() -> None:
    assert Plaintext(b"a") == Plaintext(b"a")
    assert Plaintext(b"a") != Plaintext(b"b")


def test_a_record_that_holds_it_does_not_unfold_it() -> None:
    @dataclasses.dataclass
    class Record:
        secret: Plaintext

    assert "hunter2" not in str(dataclasses.asdict(Record(SECRET)))


def test_it_survives_a_copy_and_another_process() -> None:
    assert copy.deepcopy(SECRET) == pickle.loads(pickle.dumps(SECRET)) == SECRET
    assert {SECRET, copy.copy(SECRET)} == {SECRET}
