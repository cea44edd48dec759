"""An answers file that can't be used at all is refused with the place, the reason and the remedy."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from generator.answers.document import read
from generator.answers.load import load
from generator.errors import AnswersError, BadInputError

from .conftest import ROOT, Write

BOMB = "\n".join(
    [
        "a: &a [x, x, x, x, x, x, x, x, x]",
        *(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
    ]
)
MERGE_BOMB = "\n".join(
    [
        "a: &a {x: 1}",
        *(f"{b}: &{b} {{<<: [{', '.join([f'*{a}'] * 9)}]}}" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
    ]
)


def refusal(path: Path) -> BadInputError:
    with pytest.raises(BadInputError) as caught:
        load(path, ROOT)
    assert not isinstance(caught.value, AnswersError)
    assert caught.value.fix
    assert caught.value.where
    assert str(path) in caught.value.where
    return caught.value


def test_missing_file(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "answers.yaml").message


def test_folder(tmp_path: Path) -> None:
    assert "Is a directory" in refusal(tmp_path).message


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "answers.yaml"
    path.write_text("name: home\n")

    def denied(*args: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(BadInputError, match="Permission denied"):
        read(path)


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"", 0, "is empty"),
        (b"# only a comment\n", 0, "is empty"),
        (b"\x7fELF\x02\x01\x01\x00\x00", 1, "control characters"),
        (b"name: home\n\xff\xfe\x00", 2, "not text in UTF-8"),
        ("name: home\n".encode("utf-16"), 1, "not text in UTF-8"),
        (b"name: \x1b[2Jhome\n", 1, "control characters"),
        (b"#" * 10_000_000, 0, "larger than 1 MiB"),
        (b"- name: home\n", 1, "is not a mapping"),
        (b"\njust text\n", 2, "is not a mapping"),
        (b"name: home\ndomain: [a, b\nprofile: ha\n", 3, "is not YAML"),
        (b"name: home\n\tdomain: x\n", 2, "is not YAML"),
        (b"name: home\n---\nname: away\n", 2, "a single document"),
        (b"name: *nobody\n", 1, "undefined alias"),
        (b"a: " + b"[" * 40 + b"]" * 40, 1, "nested too deep"),
        (b"a: " + b"[" * 100_000, 1, "maximum nesting depth"),
        (b"a: &a [*a]\n", 1, "nested too deep"),
        (b"a: [" + b"1," * 20_000 + b"]\n", 1, "holds more than 10000 values"),
        (BOMB.encode(), 0, "holds more than 10000 values"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_unusable_content(tmp_path: Path, content: bytes, line: int, reason: str) -> None:
    path = tmp_path / "answers.yaml"
    path.write_bytes(content)
    error = refusal(path)
    assert reason in error.message
    assert not line or error.where == f"{path}:{line}"
    assert error.message.isprintable()


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ("name: !!python/object:os.system x", "name", "is not what its form or its tag says"),
        ("counts: !!set {a}", "counts", "has a tag, which nobody follows here"),
        ("counts: {workers: !!int many}", "counts.workers", "is not what its form or its tag says"),
        ("name: !!timestamp never", "name", "is not what its form or its tag says"),
        ("name: 2026-99-99", "name", "is not what its form or its tag says"),
        ("counts: {? [a, b] : c}", "counts.?", "is a key that is not a word"),
        ("sizes: {worker: &base {cpus: 2}, master: {<<: *base}}", "sizes.master.?", "is a merge key"),
        (f"name: {'x' * 5000}", "name", "has more than 4096 characters"),
        (f"counts: {{workers: 0x{'f' * 5000}}}", "counts.workers", "has more than 100 characters"),
    ],
    ids=lambda value: value[:30],
)
def test_unusable_value_is_one_finding_among_the_others(write: Write, text: str, path: str, reason: str) -> None:
    """Faults B5: one value that can't be read hides neither the other mistakes nor their lines."""
    file = write(f"{text}\ntimezone: Nowhere/Land\n")
    with pytest.raises(AnswersError) as caught:
        load(file, ROOT)
    found = {finding.path: finding for finding in caught.value.findings}
    assert set(found) == {path, "timezone"}
    assert found[path].where == f"{file}:2"
    assert reason in found[path].message
    assert found[path].fix


def test_merge_keys_of_merge_keys_end_in_findings(write: Write) -> None:
    with pytest.raises(AnswersError) as caught:
        load(write(MERGE_BOMB), ROOT)
    assert sum("is a merge key" in finding.message for finding in caught.value.findings) == 8


def test_endless_nesting_without_the_limits_of_libyaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generator.strictyaml._Loader", yaml.SafeLoader)
    path = tmp_path / "answers.yaml"
    path.write_text("a: " + "[" * 5000 + "]" * 5000)
    assert "nested too deep" in refusal(path).message


def test_name_of_the_file_does_not_reach_the_terminal_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(BadInputError) as caught:
        read(tmp_path / "an\x1b[2Jswers.yaml")
    assert caught.value.message.isprintable()


def test_path_that_no_system_knows() -> None:
    with pytest.raises(BadInputError, match="not a path"):
        read(Path("a\0b"))


def test_file_may_come_through_a_pipe(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as stream:
        stream.write((ROOT / "examples" / "ha.yaml").read_bytes())
    try:
        assert load(Path(f"/dev/fd/{reader}"), ROOT).answers.name == "home"
    finally:
        os.close(reader)


def test_byte_order_mark_and_carriage_returns_are_harmless(tmp_path: Path) -> None:
    path = tmp_path / "answers.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + (ROOT / "examples" / "ha.yaml").read_bytes().replace(b"\n", b"\r\n"))
    assert load(path, ROOT).answers.name == "home"


def test_alias_of_a_value_is_that_value(write: Write) -> None:
    path = write("sizes:\n  master: &big {cpus: 4, memory_mib: 8192}\n  worker: *big\n")
    assert load(path, ROOT).data["sizes"] == {
        "master": {"cpus": 4, "memory_mib": 8192},
        "worker": {"cpus": 4, "memory_mib": 8192},
    }


def test_template_of_another_release(tmp_path: Path, write: Write) -> None:
    text = (ROOT / "copier.yml").read_text("utf-8")
    (tmp_path / "copier.yml").write_text(text.replace("\ndomain:", "\nzone:"), "utf-8")
    with pytest.raises(BadInputError, match="other questions than this fmc: it lacks domain") as caught:
        load(write(""), tmp_path)
    assert "same release" in str(caught.value.fix)


def test_template_without_its_library(tmp_path: Path, write: Write) -> None:
    (tmp_path / "copier.yml").write_bytes((ROOT / "copier.yml").read_bytes())
    with pytest.raises(BadInputError, match="the template fails") as caught:
        load(write(""), tmp_path)
    assert caught.value.where == str(tmp_path)


@pytest.mark.parametrize("content", [None, b"", b"- a\n", b"name: {\n", b"name: text\n"])
def test_folder_that_holds_no_template(tmp_path: Path, write: Write, content: bytes | None) -> None:
    root = tmp_path / "template"
    root.mkdir()
    if content is not None:
        (root / "copier.yml").write_bytes(content)
    with pytest.raises(BadInputError, match="holds no template") as caught:
        load(write(""), root)
    assert caught.value.where == str(root / "copier.yml")
