"""The scanner of documents: what it catches, and what it lets pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.docs.conftest import tree
from tests.docs.places import Places, looks_like_a_path
from tests.docs.scan import Scope, scan
from tests.docs.shell import simple_commands

if TYPE_CHECKING:
    from pathlib import Path

OTHER = "# The other\n\n## What it *has*, and `why`\n\n## Twice\n\n## Twice\n"


@pytest.fixture
def scope(tmp_path: Path) -> Scope:
    for name in (
        "docs/other.md",
        "infra/terraform/main.tf",
        "infra/ansible/playbooks/site.yml",
        "apps/a/base/one.yaml",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(OTHER)
    (tmp_path / "infra/Makefile").write_text(".PHONY: check\ncheck tools: venv\n\ttrue\n\nX := 1\n")
    places = Places({tmp_path: tree(tmp_path)})
    return Scope(places, (tmp_path, tmp_path / "infra"), frozenset({"argocd/git-credentials"}))


def found(text: str, scope: Scope) -> list[tuple[int, str]]:
    """Return line and text of what is broken in a document."""
    (folder,) = scope.places.trees
    document = folder / "docs" / "this.md"
    document.write_text(text)
    return [(broken.line, broken.text) for broken in scan(document, scope)]


@pytest.mark.parametrize(
    "text",
    [
        "`terrafrom/main.tf`",
        "`infra/terraform/maine.tf`",
        "`site.yaml`",
        "`apps/<app>/overlays`",
        "`apps/a/{base,overlays}`",
        "`infra/*/handlers`",
        "`fmc chekc`",
        "`fmc secret peek`",
        "`fmc new --anwsers FILE`",
        "`make lab`",
        "`copier upgrade`",
        "`copier update --skip-answers`",
        "[other](othr.md)",
        "[other](other.md#what-it-had-and-why)",
        "[other](other.md#twice-2)",
        "[here](#nowhere)",
    ],
)
def test_what_is_not_there_is_found_with_its_line(text: str, scope: Scope) -> None:
    named = text.partition("](")[2].rstrip(")") or text.strip("`")
    assert found(f"# This\n\nSome text,\nsee\n\n{text}.\n", scope) == [(6, named)]


@pytest.mark.parametrize(
    "text",
    [
        "`terraform/main.tf`, `infra/`, `main.tf`, `./terraform/`, `../docs/other.md`",
        "`apps/<app>/base/one.yaml`, `apps/{a,a}/base`, `apps/*/base`, `ansible/playbooks/NAME.yml`",
        "`argocd/git-credentials`, `argocd/git-*`, `secret: {a: b/c}`, `10.17.5.0/24`, `quay.io/argoproj/argocd`",
        "`~/.config/fmc/identity.txt`, `/etc/hosts`, `$HOME/x.yaml`, `https://a.example.com/b.git`, `Deployment/hello`",
        "`policy/v1`, `argoproj.io/v1alpha1`, `refs/heads/main`, `.yaml`, `*.sealed.yaml`",
        "`fmc check`, `fmc secret set`, `fmc new --push`, `make check`, `make -C infra tools`, `copier copy --data`",
        "[other](other.md#what-it-has-and-why) [twice](other.md#twice-1) [this](#this) [site](https://example.com/#x)",
    ],
)
def test_what_is_there_or_is_no_path_passes(text: str, scope: Scope) -> None:
    assert found(f"# This\n\n{text}\n", scope) == []


@pytest.mark.parametrize(
    ("block", "broken"),
    [
        ("cd infra/terraform && cd ../ansible\nansible-playbook playbooks/site.yml", []),
        ("cd infra\ncd terrafrom\nfmc nonsense", ["cd terrafrom"]),
        ("ansible-playbook playbooks/site.yml", ["ansible-playbook playbooks/site.yml"]),
        ("make check && make lab VERSION=1", ["make lab VERSION=1"]),
        ("fmc secret set", ["fmc secret set"]),
        ("fmc check --output yaml", ["fmc check --output yaml"]),
        ("printf x | fmc secret set argocd/git-credentials token   # typed", []),
        ("FMC_IDENTITY=x fmc check; kubseal --version", ["kubseal --version"]),
        ("kubectl apply -f infra/namespaces/", ["kubectl apply -f infra/namespaces/"]),
        ("apply() { kubectl apply; }\napply -f nothing/here", []),
        ("mkdir made && cd made\nfmc check", []),
        ("jq '{a: 1,\n b: 2}' <(fmc keys exprt)", ["fmc keys exprt"]),
    ],
)
def test_commands_are_looked_at_where_their_reader_stands(block: str, broken: list[str], scope: Scope) -> None:
    assert [text for _, text in found(f"# This\n\n```sh\n{block}\n```\n", scope)] == broken


def test_of_a_session_what_is_typed_counts(scope: Scope) -> None:
    assert found("# This\n\n```console\n$ fmc chekc\nfmc output\n```\n", scope) == [(4, "fmc chekc")]


def test_a_line_is_split_as_a_shell_does() -> None:
    line = 'X=1 sudo a --b "c d" | e > f.txt && (g; h "$(i)") # j'
    assert simple_commands(line)[:3] == [["a", "--b", "c d"], ["e"], ["g"]]


def test_a_name_with_a_slash_is_a_path() -> None:
    assert looks_like_a_path("terrafrom/modules")
    assert not looks_like_a_path("main")
