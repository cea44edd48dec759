"""The archive of a backup: what is written is read, and nothing else is."""

from __future__ import annotations

import io
import tarfile
import tempfile
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.backup.archive import TOP, Unpacker, packed, recorded
from generator.backup.manifest import FORMAT, Manifest, RepositoryRecord
from generator.errors import BadInputError, WriteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

FILES: dict[str, bytes | Path] = {
    "answers.yaml": b"name: home\n",
    "repositories/apps.bundle": b"bundle" * 1000,
    "vault.age": b"age",
}
APPS = {"part": "apps", "folder": "apps", "url": "https://x/apps.git", "branch": "main", "object_format": "sha1"}


def manifest(files: dict[str, bytes | Path], **repository: str) -> Manifest:
    return Manifest(
        fmc="1.0",
        cluster="home",
        made="2026-11-30T00:00:00+00:00",
        repositories=(RepositoryRecord(**(APPS | {"commit": "0" * 40} | repository)),),  # type: ignore[arg-type]
        files=tuple(recorded(name, content) for name, content in files.items()),
    )


def archive(files: dict[str, bytes | Path] = FILES) -> bytes:
    return b"".join(packed(manifest(files), files))


def unpack(pieces: Iterable[bytes], folder: Path) -> Manifest:
    unpacker = Unpacker(folder, "home.age")
    for piece in pieces:
        unpacker.feed(piece)
    return unpacker.finish()


def left(folder: Path) -> dict[str, bytes]:
    """What lies in a folder and beside it."""
    return {
        path.relative_to(folder.parent).as_posix(): path.read_bytes()
        for path in folder.parent.rglob("*")
        if path.is_file()
    }


@given(
    sizes=st.lists(st.sampled_from([0, 1, 511, 512, 513, 65_536, 70_000]), min_size=3, max_size=3),
    cut=st.integers(1, 20_000),
)
@settings(max_examples=40, deadline=None)
def test_what_is_written_is_read_however_it_is_cut_into_pieces(sizes: list[int], cut: int) -> None:
    files: dict[str, bytes | Path] = {name: b"x" * size for name, size in zip(FILES, sizes, strict=True)}
    whole = archive(files)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "archive")
        folder.mkdir()
        found = unpack((whole[at : at + cut] for at in range(0, len(whole), cut)), folder)
        assert found == manifest(files)
        assert left(folder) == {f"archive/{name}": content for name, content in files.items()}
        assert {path.stat().st_mode & 0o777 for path in folder.rglob("*.*") if path.is_file()} == {0o600}


def test_any_tar_reads_it() -> None:
    with tarfile.open(fileobj=io.BytesIO(archive())) as stock:
        assert stock.getnames() == [TOP + name for name in ("manifest.json", *FILES)]
    assert len(archive()) % tarfile.RECORDSIZE == 0


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", content: bytes = b"x") -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, len(content)
    return info.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512)


def first_file(of: bytes) -> int:
    """Where the first file after the manifest begins."""
    return of.index((TOP + "answers.yaml").encode())


@pytest.mark.parametrize(
    ("name", "kind", "link"),
    [
        ("../escaped", tarfile.REGTYPE, ""),
        ("/tmp/escaped", tarfile.REGTYPE, ""),
        (TOP + "../escaped", tarfile.REGTYPE, ""),
        (TOP + "answers.yaml", tarfile.SYMTYPE, "/etc/passwd"),
        (TOP + "answers.yaml", tarfile.LNKTYPE, "/etc/passwd"),
        (TOP + "answers.yaml", tarfile.CHRTYPE, ""),
        (TOP + "answers.yaml", tarfile.BLKTYPE, ""),
        (TOP + "answers.yaml", tarfile.FIFOTYPE, ""),
        (TOP + "answers.yaml", tarfile.DIRTYPE, ""),
        (TOP + "answers.yaml", tarfile.CONTTYPE, ""),
        (TOP + "answers.yaml", tarfile.GNUTYPE_SPARSE, ""),
        ("long", tarfile.GNUTYPE_LONGNAME, ""),
        ("pax", tarfile.XHDTYPE, ""),
        (TOP + "vault.age", tarfile.REGTYPE, ""),
    ],
)
def test_what_is_no_plain_file_of_its_manifest_is_refused(tmp_path: Path, name: str, kind: bytes, link: str) -> None:
    folder, whole = tmp_path / "archive", archive()
    folder.mkdir()
    with pytest.raises(BadInputError, match="damaged"):
        unpack([whole[: first_file(whole)], member(name, kind, link), whole[first_file(whole) :]], folder)
    assert left(folder) == {}


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    assert len(old) == len(new)
    return lambda whole: whole.replace(old, new)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (replaced(b"name: home", b"name: evil"), "answers.yaml has another content"),
        (replaced(b'"answers.yaml"', b'"../ers.yaml"' + b" "), "a name that no backup has"),
        (replaced(b'"folder": "apps"', b'"folder": "../x"'), "no name of a folder"),
        (replaced(b'"folder": "apps"', b'"folder": ".git"'), "no name of a folder"),
        (replaced(b'"folder": "apps"', b'"folder": ".fmc"'), "no name of a folder"),
        (replaced(b'"branch": "main"', b'"branch": "-uxx"'), "its manifest can't be used"),
        (replaced(b'"part": "apps"', b'"part": "xxxx"'), "its manifest can't be used"),
        (replaced(b'"format": 1', b'"format": 0'), "its manifest can't be used"),
        (replaced(b'"cluster"', b'"Cluster"'), "its manifest can't be used"),
        (lambda whole: whole[:-10_000], "its end is missing"),
        (lambda whole: whole[:2000], "its end is missing"),
        (lambda whole: b"", "its end is missing"),
        (lambda whole: whole + b"x", "something follows its end"),
        (
            lambda whole: whole.rstrip(b"\0") + bytes(512 - len(whole.rstrip(b"\0")) % 512) + member(TOP + "more"),
            "manifest does not name",
        ),
        (lambda whole: b"x" * 1024, "no archive of fmc"),
        (lambda whole: member(TOP + "manifest.json", content=b"x" * (2 << 20)), "its manifest is too large"),
        (lambda whole: member(TOP + "manifest.json", content=b"[" * 100_000), "its manifest can't be used"),
    ],
)
def test_what_is_not_as_it_was_written_is_refused(tmp_path: Path, change: Callable[[bytes], bytes], said: str) -> None:
    changed = change(archive())
    assert changed != archive()
    with pytest.raises(BadInputError, match=said):
        unpack([changed], tmp_path)


def test_a_newer_format_is_said_to_be_one(tmp_path: Path) -> None:
    newer = archive().replace(f'"format": {FORMAT}'.encode(), b'"format": 9')
    with pytest.raises(BadInputError, match="a newer fmc wrote it") as error:
        unpack([newer], tmp_path)
    assert error.value.fix == "Install the version of fmc that its manifest.json names, or a later one."


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_no_damage_is_anything_but_refused(data: st.DataObject) -> None:
    """Bytes changed, cut out, doubled or put in: a message, or the very files; nothing outside of the folder."""
    whole = bytearray(archive())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(whole) - 1))
        length = data.draw(st.integers(0, 600))
        whole[at : at + length] = data.draw(st.binary(max_size=600) | st.just(bytes(whole[at : at + 600])))
        whole += b"" if whole else b"\0"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "archive")
        folder.mkdir()
        try:
            found = unpack([bytes(whole)], folder)
        except BadInputError:
            assert all(name.startswith("archive/") for name in left(folder))
        else:
            assert left(folder) == {f"archive/{file.name}": FILES[file.name] for file in found.files}


def test_a_large_file_passes_through_little_memory(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as stream:
        stream.truncate(64 << 20)
    files = {**FILES, "repositories/apps.bundle": large}
    folder = tmp_path / "archive"
    folder.mkdir()
    tracemalloc.start()
    unpack(packed(manifest(files), files), folder)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20
    assert (folder / "repositories" / "apps.bundle").stat().st_size == 64 << 20


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    (tmp_path / "answers.yaml").mkdir()
    with pytest.raises(WriteError, match="can't write"):
        unpack([archive()], tmp_path)
