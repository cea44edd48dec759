"""Reading what a person has named: files, pipes with and without a writer; bounded in bytes and time (faults E19)."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from generator.errors import BadInputError
from generator.inputs import read_bounded


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "answers.fifo"
    os.mkfifo(path)
    return path


def test_file_is_read_to_one_byte_more_than_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    assert read_bounded(path, 10) == b"0123456789"
    assert read_bounded(path, 3) == b"0123"


def test_endless_device_is_read_to_the_limit() -> None:
    assert len(read_bounded(Path("/dev/zero"), 100_000)) == 100_001


def test_pipe_that_nobody_writes_into_ends_in_a_message(fifo: Path) -> None:
    started = time.monotonic()
    with pytest.raises(BadInputError, match="it is a pipe, and nobody has finished writing into it") as caught:
        read_bounded(fifo, 100, patience=0.3)
    assert time.monotonic() - started < 5
    assert caught.value.fix


def test_pipe_that_is_never_closed_ends_in_a_message(fifo: Path) -> None:
    writer = os.open(fifo, os.O_RDWR)
    os.write(writer, b"name: home\n")
    try:
        with pytest.raises(BadInputError, match="it is a pipe"):
            read_bounded(fifo, 100, patience=0.3)
    finally:
        os.close(writer)


def test_writer_of_a_named_pipe_may_come_late_and_write_slowly(fifo: Path) -> None:
    def write() -> None:
        time.sleep(0.2)
        with fifo.open("wb", buffering=0) as stream:
            stream.write(b"name: ")
            time.sleep(0.2)
            stream.write(b"home\n")

    thread = threading.Thread(target=write)
    thread.start()
    assert read_bounded(fifo, 100, patience=20) == b"name: home\n"
    thread.join()


def test_pipe_of_a_shell_may_be_empty_or_written_already() -> None:
    for content in (b"", b"name: home\n"):
        reader, writer = os.pipe()
        os.write(writer, content)
        os.close(writer)
        assert read_bounded(Path(f"/dev/fd/{reader}"), 100, patience=20) == content
        os.close(reader)


def test_name_that_steers_a_terminal_is_made_printable(tmp_path: Path) -> None:
    with pytest.raises(BadInputError) as caught:
        read_bounded(tmp_path / "a\x1b[2J", 10)
    assert caught.value.message.isprintable()
