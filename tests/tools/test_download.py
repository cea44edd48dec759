"""A program comes out of exactly the pinned archive, or nothing is changed."""

from __future__ import annotations

import contextlib
import resource
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from generator.errors import WriteError
from generator.tools.download import DownloadError, DownloadLimits, download_program
from tests.tools.conftest import ReleaseServer, digest, make_archive

PROGRAM = b"\x7fELF the program\n" + bytes(range(256)) * 1000
ARCHIVE = make_archive((tarfile.TarInfo("LICENSE"), b"text"), (tarfile.TarInfo("kubeconform"), PROGRAM))


@pytest.fixture(params=["nothing before", "an old one before"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The program's place."""
    place = tmp_path / "tools" / "kubeconform"
    if request.param == "an old one before":
        place.parent.mkdir()
        place.write_bytes(b"old")
    return place


@contextlib.contextmanager
def refused(target: Path, reason: str) -> Iterator[None]:
    """Expect an error with a place and a fix, after which everything is as it was."""
    before = [(path.name, path.read_bytes()) for path in target.parent.glob("*")]
    with pytest.raises(DownloadError, match=reason) as caught:
        yield
    assert (caught.value.where or "").startswith("http://127.0.0.1:")
    assert caught.value.fix
    # glob also shows names with a leading dot, so a forgotten temporary file is seen.
    assert [(path.name, path.read_bytes()) for path in target.parent.glob("*")] == before


def test_the_program_is_put_into_its_place(server: ReleaseServer, target: Path) -> None:
    server.serve(ARCHIVE)
    download_program(f"{server.url}/archive.tar.gz", digest(ARCHIVE), target)
    assert target.read_bytes() == PROGRAM
    assert target.stat().st_mode & 0o7777 == 0o755
    assert [path.name for path in target.parent.iterdir()] == ["kubeconform"]


def test_redirects_are_followed(server: ReleaseServer, target: Path) -> None:
    """Release archives lie behind one."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        server.serve(ARCHIVE)
        request.send_response(302)
        request.send_header("Location", "/elsewhere")
        request.end_headers()

    server.answer = answer
    download_program(f"{server.url}/archive.tar.gz", digest(ARCHIVE), target)
    assert server.seen == ["/archive.tar.gz", "/elsewhere"]
    assert target.read_bytes() == PROGRAM


def test_another_archive_is_thrown_away(server: ReleaseServer, target: Path) -> None:
    other = make_archive((tarfile.TarInfo("kubeconform"), b"something else"))
    server.serve(other)
    with refused(target, f"SHA-256 {digest(other)}, pinned is {digest(ARCHIVE)}"):
        download_program(server.url, digest(ARCHIVE), target)


def test_an_archive_that_breaks_off_is_thrown_away(server: ReleaseServer, target: Path) -> None:
    server.serve(ARCHIVE[:100], announced=len(ARCHIVE))
    with refused(target, f"ended after 100 of {len(ARCHIVE):,} bytes"):
        download_program(server.url, digest(ARCHIVE), target)


def test_an_archive_in_chunks_that_breaks_off_is_thrown_away(server: ReleaseServer, target: Path) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.protocol_version = "HTTP/1.1"
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.send_header("Connection", "close")
        request.end_headers()
        request.wfile.write(b"%x\r\n" % len(ARCHIVE) + ARCHIVE[:100])

    server.answer = answer
    with refused(target, "the download failed: IncompleteRead"):
        download_program(server.url, digest(ARCHIVE), target)


def test_an_archive_that_is_not_there(server: ReleaseServer, target: Path) -> None:
    with refused(target, "the server answered 404 Not Found"):
        download_program(server.url, digest(ARCHIVE), target)


def test_a_server_that_is_not_there(nobody: str, target: Path) -> None:
    with refused(target, "the download failed: Connection refused"):
        download_program(nobody, digest(ARCHIVE), target)


def test_a_download_that_never_ends_is_cut_off(server: ReleaseServer, target: Path) -> None:
    server.serve(bytes(5000))
    with refused(target, "more than 4,999 bytes"):
        download_program(server.url, digest(bytes(5000)), target, limits=DownloadLimits(size=4999))


@pytest.mark.parametrize(
    ("limits", "pauses", "reason"),
    [
        pytest.param(DownloadLimits(silence=0.1), [3.0], "the download failed: timed out", id="silent"),
        pytest.param(DownloadLimits(total=0.1), [0.03] * 100, r"not complete after 0.1 s \(\d+ bytes\)", id="dripping"),
    ],
)
def test_a_server_that_takes_too_long_is_left(
    server: ReleaseServer, target: Path, limits: DownloadLimits, pauses: list[float], reason: str
) -> None:
    left = threading.Event()

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        with contextlib.suppress(OSError):
            for pause in pauses:
                if not left.wait(pause):
                    request.wfile.write(b".")

    server.answer = answer
    try:
        with refused(target, reason):
            download_program(server.url, digest(ARCHIVE), target, limits=limits)
    finally:
        left.set()


def _kind(kind: bytes, points_to: str = "") -> bytes:
    member = tarfile.TarInfo("kubeconform")
    member.type, member.linkname = kind, points_to
    return make_archive((tarfile.TarInfo("other"), b"other"), (member, b""))


@pytest.mark.parametrize(
    "archive",
    [
        pytest.param(make_archive((tarfile.TarInfo("README.md"), b"text")), id="other files"),
        pytest.param(make_archive((tarfile.TarInfo("bin/kubeconform"), PROGRAM)), id="in a folder"),
        pytest.param(make_archive((tarfile.TarInfo("../kubeconform"), PROGRAM)), id="outside"),
        pytest.param(_kind(tarfile.DIRTYPE), id="folder"),
        pytest.param(_kind(tarfile.SYMTYPE, "other"), id="symbolic link"),
        pytest.param(_kind(tarfile.LNKTYPE, "other"), id="hard link"),
        pytest.param(_kind(tarfile.FIFOTYPE), id="pipe"),
        pytest.param(ARCHIVE[:-200], id="half of one"),
        pytest.param(b"<html>log in first</html>", id="no archive"),
        pytest.param(b"", id="empty"),
    ],
)
def test_an_archive_without_the_program_is_thrown_away(server: ReleaseServer, target: Path, archive: bytes) -> None:
    server.serve(archive)
    with refused(target, "there is no program kubeconform in it: ."):
        download_program(server.url, digest(archive), target)


def test_a_folder_that_can_not_be_made_is_a_write_error(server: ReleaseServer, tmp_path: Path) -> None:
    (tmp_path / "tools").write_text("a file")
    with pytest.raises(WriteError, match="can't write"):
        download_program(server.url, digest(ARCHIVE), tmp_path / "tools" / "kubeconform")
    assert server.seen == []


@pytest.mark.parametrize("room", [pytest.param(100, id="archive"), pytest.param(len(ARCHIVE), id="program")])
def test_a_disk_without_room_is_a_write_error(server: ReleaseServer, target: Path, room: int) -> None:
    """The system refuses longer files here, as it does on a full disk: in the middle of a write."""
    before = [path.name for path in target.parent.glob("*")]
    server.serve(ARCHIVE)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        with pytest.raises(WriteError, match="File too large") as caught:
            download_program(server.url, digest(ARCHIVE), target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "Free some space" in (caught.value.fix or "")
    assert [path.name for path in target.parent.glob("*")] == before
