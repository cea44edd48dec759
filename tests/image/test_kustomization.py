"""The list `images` is changed as a reader of YAML would change it, whatever else the file holds."""

from __future__ import annotations

import sys
from io import StringIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tests.image.bumping import PROGRAM, digest

sys.path.insert(0, str(PROGRAM.parent))
from writeback import Failure
from writeback.forge import address_of_request
from writeback.image import Image, read_image
from writeback.kustomization import image_in, with_image

WHERE = "kustomization.yaml"
# What a reader of YAML 1.1 or 1.2 takes for something else than text, unless it is quoted.
TAGS = ("1.0", "0123456", "1234e56", "0o17", "0x1f", "1_000", "yes", "off", "null", "true", "12:30:45", "v1.2.3-rc.1")
# Spellings of the same value.
QUOTES = ("{}", '"{}"', "'{}'")


def load(text: str) -> Any:
    return YAML(typ="safe").load(text)


@st.composite
def kustomizations(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a file and the name of one of its images."""
    names = draw(st.lists(st.sampled_from(["shop", "docs", "a.example.com/x/api", "db"]), min_size=1, unique=True))
    margin, gap = draw(st.sampled_from(["", "  ", "    "])), draw(st.sampled_from(["- ", "-   "]))
    lines = ["kind: Kustomization", "resources:", "  - ../../base  # images:", "images:" + draw(_comment())]
    for name in names:
        values = {"name": name}
        if draw(st.booleans()):
            values["newName"] = f"registry.example.com:5000/{name.rpartition('/')[2]}"
        if draw(st.booleans()):
            values["newTag"] = "1.30-alpine"
        if draw(st.booleans()):
            values["digest"] = digest(9)
        order = ["name", *draw(st.permutations([key for key in values if key != "name"]))]
        for number, key in enumerate(order):
            lines += draw(st.sampled_from([[], ["    # a comment"], [""]])) if number else []
            value = draw(st.sampled_from(QUOTES)).format(values[key])
            lines.append(margin + (" " * len(gap) if number else gap) + f"{key}: {value}" + draw(_comment()))
    after = draw(st.sampled_from([[], ["replicas:", "  - name: shop", "    count: 2"], ["# the end"]]))
    ending = draw(st.sampled_from(["\n", "\r\n"]))
    return ending.join([*lines, *after]) + draw(st.sampled_from([ending, ""])), draw(st.sampled_from(names))


def _comment() -> st.SearchStrategy[str]:
    return st.sampled_from(["", "  # newTag: no", " # \"quoted\" 'too'"])


@settings(max_examples=300, deadline=None)
@given(drawn=kustomizations(), tag=st.sampled_from([None, *TAGS]), number=st.sampled_from([None, 1, 2]))
def test_a_reader_of_yaml_sees_that_image_changed_and_nothing_else(
    drawn: tuple[str, str], tag: str | None, number: int | None
) -> None:
    text, name = drawn
    wanted = Image(name, tag or ("1" if number is None else None), digest(number) if number else None)
    new = with_image(text, wanted, "unused", WHERE, name)
    expected = load(text)
    (entry,) = [one for one in expected["images"] if one["name"] == name]
    for key, value in (("newTag", wanted.tag), ("digest", wanted.digest)):
        entry.pop(key, None)
        if value:
            entry[key] = value
    if entry.get("newName", name) != name:
        entry["newName"] = name
    assert load(new) == expected
    # YAML 1.1, too, has text there.
    stream = StringIO(new)
    reader = YAML(typ="safe", pure=True)
    reader.version = (1, 1)
    assert [one for one in reader.load(stream)["images"] if one["name"] == name] == [entry]
    assert with_image(new, wanted, "unused", WHERE, name) == new
    assert image_in(new, "unused", WHERE, name) == Image(entry.get("newName", name), wanted.tag, wanted.digest)
    comments = [line.partition("#")[2].rstrip() for line in text.splitlines() if line.lstrip().startswith("#")]
    assert [line.partition("#")[2].rstrip() for line in new.splitlines() if line.lstrip().startswith("#")] == comments


@pytest.mark.parametrize(
    "text",
    [
        "images: [{name: shop, newTag: '1'}]\n",
        "images:\n  - {name: shop}\n",
        "images:\n  - name: shop\n    newTag: |\n      1\n",
        "images:\n  - name: shop\n    newTag: &tag 1\n",
        "images:\n  - name: shop\n      newTag: '1'\n",
        "images:\n\t- name: shop\n",
        "images:\n  - name: shop\nimages:\n  - name: shop\n",
        '"images":\n  - name: shop\n',
        "images:\n  - name: shop\n    name: shop\n",
        "images:\n  -\n    name: shop\n",
    ],
)
def test_what_is_written_otherwise_is_refused(text: str) -> None:
    with pytest.raises(Failure, match="is written in a way that isn't changed here") as caught:
        with_image(text, Image("shop", "2", None), "shop", WHERE)
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("entries", "image", "chosen"),
    [
        (["shop", "api"], "shop", "shop"),
        (["shop", "api"], "registry.example.com/team/new-shop", "shop"),
        (["registry.example.com/shop", "api"], "ghcr.io/shop", "registry.example.com/shop"),
        (["ghcr.io/a", "shop"], "ghcr.io/a", "ghcr.io/a"),
    ],
)
def test_the_entry_is_that_of_the_image_else_that_of_the_app(entries: list[str], image: str, chosen: str) -> None:
    text = "images:\n" + "".join(f"  - name: {name}\n    newTag: '1'\n" for name in entries)
    changed = load(with_image(text, Image(image, "2", None), "shop", WHERE))["images"]
    assert [one["name"] for one in changed if one["newTag"] == "2"] == [chosen]


def test_several_entries_are_no_choice() -> None:
    text = "images:\n  - name: a/shop\n  - name: b/shop\n"
    with pytest.raises(Failure, match="several images that may be meant"):
        with_image(text, Image("c/shop", "2", None), "shop", WHERE)
    assert "newName" in with_image(text, Image("c/shop", "2", None), "shop", WHERE, "b/shop")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (f"hello@{digest(1)}", ("hello", None, digest(1))),
        (f"docker.io/me/hello:1.4@{digest(1)}", ("docker.io/me/hello", "1.4", digest(1))),
        (f"localhost:5000/hello:1@{digest(1)}", ("localhost:5000/hello", "1", digest(1))),
    ],
)
def test_an_image_is_read_as_registries_write_it(text: str, parts: tuple[str, ...]) -> None:
    image = read_image(text)
    assert (image.name, image.tag, image.digest) == parts
    assert str(image) == text


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("https://github.com/me/apps.git", "https://github.com/me/apps/compare/main...deploy/shop/staging"),
        ("git@git.example.com:me/apps.git", "https://git.example.com/me/apps/compare/main...deploy/shop/staging"),
        (
            "ssh://git@git.example.com:2222/me/apps",
            "https://git.example.com/me/apps/compare/main...deploy/shop/staging",
        ),
        ("http://git.lan:3000/me/apps.git", "http://git.lan:3000/me/apps/compare/main...deploy/shop/staging"),
        (
            "https://gitlab.example.com/me/apps.git",
            "https://gitlab.example.com/me/apps/-/merge_requests/new?merge_request%5Bsource_branch%5D="
            "deploy%2Fshop%2Fstaging&merge_request%5Btarget_branch%5D=main",
        ),
        ("file:///srv/apps.git", ""),
        ("/srv/apps.git", ""),
    ],
)
def test_where_a_pull_request_is_opened(url: str, page: str) -> None:
    assert address_of_request(url, "main", "deploy/shop/staging") == page
