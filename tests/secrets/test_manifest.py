"""The text of a sealed manifest: quoted, deterministic, readable again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from generator.secrets.sealing.manifest import Sealed, parse, quote, render

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.secrets.catalogue.model import Catalogue

# What YAML 1.1 takes for something else, or what breaks plain or carelessly quoted text.
TORTURE = [
    *("n", "y", "N", "Y", "no", "yes", "on", "off", "On", "NO", "True", "null", "~", "1e3", "1E3", "0x1F", "010"),
    *("0o10", "1_000", "12:30:45", "190:20:30", "1.10", ".5", "1.", "+1", "-", "=", "<<", "2026-01-01", "1e", "0b11"),
    *("2026-01-01T00:00:00Z", ".inf", "NaN", ".nan", "a: b", "#x", "@x", "%x", "`x", "!x", "&x", "*x", "?", "? x"),
    *("- x", "'", '"', "\\n", "x ", "é", "\u2028", "\ufeff", "\x7f", "\x85", "🔒", "123456789012345678901"),
    *("12345678e9", "3006e269", "", "line\nbreak", "tab\t", "\x00"),
]
SEALED = Sealed("SHA256:abc", {"b": "fb", "a": "fa"}, {"b": "AgB=", "a": "AgA="}, {"v": "0,r,s"})


def yaml_1_1(text: str) -> object:
    reader = YAML(typ="safe", pure=True)
    reader.version = (1, 1)
    return reader.load(text)


@pytest.mark.parametrize("text", TORTURE, ids=ascii)
def test_nasty_texts_stay_texts_in_yaml_1_1_and_1_2(text: str) -> None:
    assert yaml_1_1(quote(text)) == text
    assert YAML(typ="safe", pure=True).load(quote(text)) == text


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_every_text_stays_what_it_is(text: str) -> None:
    quoted = quote(text)
    assert quoted.isascii()
    assert "\n" not in quoted
    assert YAML(typ="safe", pure=True).load(quoted) == text


def test_the_manifest_says_what_the_catalogue_says(catalogue: Callable[..., Catalogue]) -> None:
    secret = catalogue().secrets[1]
    labels = {"argocd.argoproj.io/secret-type": "repository"}
    place = {"name": "repo-infra", "namespace": "argocd"}
    assert yaml_1_1(render(secret, SEALED).decode()) == {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {
            **place,
            "labels": labels,
            "annotations": {
                "flatcar-microcloud.local/sealing-key": "SHA256:abc",
                "flatcar-microcloud.local/values": "a=fa b=fb",
                "flatcar-microcloud.local/revisions": "v=0,r,s",
            },
        },
        "spec": {
            "encryptedData": {"a": "AgA=", "b": "AgB="},
            "template": {"type": "Opaque", "metadata": {**place, "labels": labels}},
        },
    }


def test_the_wave_stands_on_the_sealed_secret_and_annotations_on_the_secret(
    catalogue: Callable[..., Catalogue],
) -> None:
    document: object = yaml_1_1(render(catalogue().secrets[0], SEALED).decode())
    assert isinstance(document, dict)
    assert document["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"] == "-1"
    assert document["spec"]["template"]["metadata"]["annotations"] == {"sealedsecrets.bitnami.com/patch": "true"}


def test_nasty_keys_labels_and_annotations_survive(catalogue: Callable[..., Catalogue]) -> None:
    nasty = {text: text for text in TORTURE if text}
    secret = replace(catalogue().secrets[0], name="y", namespace="n", labels={"on": "1e3"}, annotations=nasty)
    document = yaml_1_1(render(secret, Sealed("off", {"no": "1e3"}, {"no": "0o10"}, {})).decode())
    assert isinstance(document, dict)
    assert document["metadata"]["name"] == "y"
    assert document["metadata"]["namespace"] == "n"
    assert document["metadata"]["labels"] == {"on": "1e3"}
    assert document["spec"]["encryptedData"] == {"no": "0o10"}
    assert document["spec"]["template"]["metadata"]["annotations"] == nasty


def test_a_ciphertext_is_one_line_and_the_order_of_keys_does_not_matter(catalogue: Callable[..., Catalogue]) -> None:
    secret = catalogue().secrets[0]
    long = Sealed("c", {"k": "f"}, {"k": "A" * 5000}, {})
    other = Sealed("SHA256:abc", {"a": "fa", "b": "fb"}, {"a": "AgA=", "b": "AgB="}, {"v": "0,r,s"})
    assert f'    "k": "{"A" * 5000}"' in render(secret, long).decode().splitlines()
    assert render(secret, SEALED) == render(secret, other)


def test_parsing_gives_back_what_was_rendered(catalogue: Callable[..., Catalogue]) -> None:
    for secret in catalogue().secrets:
        text = render(secret, SEALED).decode()
        manifest = parse(text)
        assert manifest is not None
        assert (manifest.namespace, manifest.name) == (secret.namespace, secret.name)
        assert manifest.sealed == SEALED
        assert {key: text.splitlines()[line - 1] for key, line in manifest.lines.items()} == {
            "a": '    "a": "AgA="',
            "b": '    "b": "AgB="',
        }


@pytest.mark.parametrize("text", ["", "kind: SealedSecret\nmetadata:\n  name: x\n", "{}", "\x00"])
def test_a_file_of_another_origin_is_not_parsed(text: str) -> None:
    assert parse(text) is None
