"""What is said about a file that can't be read, or a value that means something else, is done; then it is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from generator import strictyaml
from generator.answers.document import read
from generator.errors import BadInputError
from generator.secrets.catalogue.read import parse_catalogue
from generator.strictyaml import parse, parse_value
from tests.remedies.walk import advice

DEEP = b"a: " + b"[" * 40 + b"]" * 40

UNREADABLE = {
    "empty": (b"", "Start from an example", b"name: home\n"),
    "a list": (b"- name\n- home\n", "Write one `name: value` a line", b"name: home\n"),
    "not YAML": (b"name: home: away\n", "Correct that line; quotes often help", b'name: "home: away"\n'),
    "Latin 1": ("name: caf\xe9\n".encode("latin-1"), "convert the file", "name: caf\xe9\n".encode()),
    "control characters": (b"name: ho\x00me\n", "or remove them", b"name: home\n"),
    "nested too deep": (DEEP, "Write it flat", b"a: []\n"),
    "too large": (b"name: home\n" + b"# \n" * (1 << 20), "Check the path", b"name: home\n"),
    "too many values": (b"a: [" + b"1, " * 20_000 + b"1]\n", "Check the path", b"a: [1]\n"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_file_that_can_not_be_read(case: str, tmp_path: Path) -> None:
    content, beginning, corrected = UNREADABLE[case]
    file = tmp_path / "answers.yaml"
    file.write_bytes(content)
    advice(lambda: read(file), beginning)
    file.write_bytes(corrected)
    assert read(file).data


def test_a_file_that_is_nested_beyond_the_parser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser without libyaml calls itself for each level."""
    monkeypatch.setattr(strictyaml, "_Loader", yaml.SafeLoader)
    file = tmp_path / "answers.yaml"
    file.write_bytes(b"a: " + b"[" * 900 + b"]" * 900)
    advice(lambda: read(file), "Write it flat")
    file.write_text("a: []")
    assert read(file).data


NOTES = {
    "a key that is no word": ("[a, b]: 1\n", "Write `name: value`.", "a: 1\n"),
    "a merge key": ("x: &x {a: 1}\ny:\n  <<: *x\n", "Write the values out.", "x: {a: 1}\ny:\n  a: 1\n"),
    "a key twice": ("a: 1\na: 2\n", "Remove one of them.", "a: 2\n"),
    "a tag": ("a: !mine {b: 1}\n", "Remove the tag.", "a: {b: 1}\n"),
    "a text that is too long": (f"a: {'x' * 20_000}\n", "Shorten it.", "a: x\n"),
    "a date that is none": ("a: 2026-13-45\n", "Put quotes around it.", 'a: "2026-13-45"\n'),
    "a number that YAML reads otherwise": ("a: 010\n", "Write 8, or", "a: 8\n"),
    "the number that was meant": ("a: 010\n", "or the number that you mean in plain digits", "a: 10\n"),
}


@pytest.mark.parametrize("case", NOTES)
def test_a_value_that_means_something_else(case: str) -> None:
    content, beginning, corrected = NOTES[case]
    assert any(beginning in note.fix for note in parse(content.encode(), "x").notes)
    assert parse(corrected.encode(), "x").notes == ()


def test_an_option_that_means_something_else() -> None:
    assert [note.fix for note in parse_value("{a: 1, a: 2}")[1]] == ["Remove one of them."]
    with pytest.raises(BadInputError, match="is not YAML") as caught:
        parse_value("{a: 1")
    assert "Correct that line" in (caught.value.fix or "")
    assert parse_value("{a: 1}") == ({"a": 1}, ())


CATALOGUES = Path(__file__).parents[1] / "secrets" / "catalogues" / "invalid"
HEAD = "version: 1\ncluster: home\nsealing_key: {namespace: kube-system, name: sealed-secrets-key-1}\n"
# What the remedies of the catalogue's findings advise: text that gives way, and what comes in its place.
MENDED = {
    "constant-and-value": [(", from: v", "")],
    "dockerconfigjson-registry": [
        (
            ".dockerconfigjson: {from: v, as: dockerconfigjson}",
            "a: {from: v, as: dockerconfigjson, registry: docker.io}",
        ),
        ("docker.io/home", "registry.example.com"),
        ("{from: p, as: dockerconfigjson, registry: docker.io}", "{from: p, as: raw}"),
    ],
    "duplicate-key": [("      k: {from: v}\n", "")],
    "environment-name": [("MY-TOKEN", "FMC_MY_TOKEN")],
    "environment-of-another-program": [("env: AWS", "env: FMC_AWS")],
    "environment-of-the-shell": [("env: PATH", "env: FMC_PATH")],
    "environment-shared": [("FMC_TOKEN", "FMC_OTHER_TOKEN")],
    "everything-at-once": [
        ("Home", "home"),
        ("tpye: x", "type: x"),  # codespell:ignore
        ("passwrod", "password"),  # codespell:ignore
        ("length: 1}", "length: 16}"),
        ("from: x", "from: v"),
        ("as: cert", "as: raw"),
    ],
    "form-of-another-generator": [("as: bcrypt", "as: private"), ("b: {from: v}", "b: {from: v, as: public}")],
    "length-octal": [("040", "40")],
    "length-sexagesimal": [("1:00", "60")],
    "not-yaml": [("[apps", "apps\n    name: a\n    data: {k: {text: v}}")],
    "option-of-another-form": [(", cost: 5", "")],
    "option-of-another-generator": [(", length: 20", "")],
    "rotation-options": [
        ("4000", "365"),
        (", playbook: site.yml}", "}"),
        ('revision_key: "yes"', "revision_key: true"),
        ("../site.yml", "site.yml"),
    ],
    "sealing-key": [("nam:", "name:"), ("kube_system", "kube-system")],  # codespell:ignore
    "unknown-form": [("bcrpt", "bcrypt")],
    "unknown-generator": [("passwrod", "password")],  # codespell:ignore
    "unknown-key": [("tpye", "type")],  # codespell:ignore
    "unknown-option": [("lenght", "length")],  # codespell:ignore
    "unknown-value": [("admn", "admin")],
}


@pytest.mark.parametrize("name", MENDED)
def test_a_catalogue_with_findings(name: str) -> None:
    text = (CATALOGUES / f"{name}.yaml").read_text()
    body = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    advice(lambda: parse_catalogue(body, where="x"), "Correct the catalogue as said above")
    for old, new in MENDED[name]:
        assert old in body
        body = body.replace(old, new, 1)
    parse_catalogue(body, where="x")


def test_every_catalogue_with_a_remedy_is_mended() -> None:
    """Whole files are the matter of the first test here."""
    advised = {path.stem for path in CATALOGUES.glob("*.yaml") if " | " in path.read_text()}
    assert advised - MENDED.keys() <= {"empty", "not-a-mapping"}


@pytest.mark.parametrize("variable", ["GIT_TOKEN", "git-token", "fmc_identity", "FMC_", "-"])
def test_the_variable_that_is_advised_is_accepted(variable: str) -> None:
    """The name that was advised could be one of fmc's own, which is refused as well."""
    catalogue = HEAD + (
        "secrets:\n  - namespace: a\n    name: a\n    values: {v: {generator: external, env: NAME}}\n"
        "    data: {k: {from: v}}\n"
    )
    from generator.errors import CatalogueError

    with pytest.raises(CatalogueError) as caught:
        parse_catalogue(catalogue.replace("NAME", f'"{variable}"'), where="x")
    (fix,) = [finding.fix for finding in caught.value.findings]
    advised = fix.removeprefix("Call it ").removesuffix(".")
    parse_catalogue(catalogue.replace("NAME", advised), where="x")
