"""Entries of a user's own catalogue, put into its text and cut out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator.errors import BadInputError
from generator.secrets.own_entries import own_secrets, with_entries, without_entries

if TYPE_CHECKING:
    from pathlib import Path

CATALOGUE = "version: 1\ncluster: home\nsealing_key:\n  namespace: kube-system\n  name: key\nsecrets: []\n"


def entry(namespace: str, name: str = "shop") -> str:
    values = "    values: {key: {generator: password}}\n    data: {key: {from: key}}\n"
    return f"  - namespace: {namespace}\n    name: {name}\n{values}"


MINE = f"# Mine.\nversion: 1\nsecrets:\n  # Of the mail.\n{entry('mail')}\n# The end.\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/catalogue.yaml").write_text(CATALOGUE)
    return tmp_path


@pytest.mark.parametrize("before", ["", "# Yours.\nversion: 1\nsecrets: []\n", MINE], ids=["none", "empty", "mine"])
def test_entries_go_in_and_come_out_again(root: Path, before: str) -> None:
    entries = entry("shop-staging") + entry("shop-production")
    changed = with_entries(root, before.encode(), entries)
    assert [one.id for one in own_secrets(root, changed)][-2:] == ["shop-staging/shop", "shop-production/shop"]
    rest, cut = without_entries(root, changed, ["shop-staging", "shop-production"])
    assert cut == entries
    assert rest.decode() == (before or "version: 1\nsecrets: []\n")


def test_only_the_entries_of_the_namespaces_leave_with_what_is_in_them(root: Path) -> None:
    text = f"version: 1\nsecrets:\n{entry('shop')}  # Of another.\n{entry('shop-2')}{entry('shop', 'more')}"
    rest, cut = without_entries(root, text.encode(), ["shop"])
    assert rest.decode() == f"version: 1\nsecrets:\n  # Of another.\n{entry('shop-2')}"
    assert cut == entry("shop") + entry("shop", "more")


def test_a_catalogue_in_braces_is_left_to_its_owner_and_taken_once_it_is_a_block(root: Path) -> None:
    fields = "namespace: mail, name: mail, values: {key: {generator: token}}, data: {key: {from: key}}"
    flow = f"version: 1\nsecrets: [{{{fields}}}]\n"
    with pytest.raises(BadInputError) as caught:
        with_entries(root, flow.encode(), entry("shop"))
    assert "as a block, each entry beginning with `  - namespace:`" in (caught.value.fix or "")
    block = f"version: 1\nsecrets:\n{entry('mail', 'mail')}"
    assert len(own_secrets(root, with_entries(root, block.encode(), entry("shop")))) == 2
