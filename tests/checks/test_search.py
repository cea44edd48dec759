"""The search for many texts at once finds what a search for each one finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.checks.search import Search

# Few letters, so that texts share pieces, hold each other, and occur by chance.
TEXTS = st.lists(st.binary(max_size=40).map(lambda text: bytes(letter % 2 + 97 for letter in text)), max_size=8)


@given(TEXTS, TEXTS, st.binary(max_size=30))
def test_it_finds_what_a_search_for_each_finds(texts: list[bytes], others: list[bytes], between: bytes) -> None:
    content = between.join([*others, *texts[::2]])
    expected = [text for text in dict.fromkeys(texts) if text and text in content]
    assert Search(texts).found_in(content) == expected


@pytest.mark.parametrize("length", [1, 7, 8, 15, 16, 17, 32, 1000])
@pytest.mark.parametrize("place", [0, 1, 8, 9, 10, 4096])
def test_a_text_of_any_length_is_found_at_any_place(length: int, place: int) -> None:
    text = bytes(range(65, 91)) * (length // 26 + 1)
    content = b"." * place + text[:length]
    assert Search([text[:length]]).found_in(content) == [text[:length]]
    assert Search([text[:length]]).found_in(content[:-1]) == []
