"""Where the repositories are and how Argo CD gets in: every consumer of an address follows the answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from generator.answers.load import load
from generator.secrets.catalogue.model import Constant
from generator.secrets.catalogue.read import read_catalogue
from generator.workspace import Workspace
from tests.template.argocd_tree import HA, documents
from tests.template.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.template.conftest import Render

AZURE = "https://dev.azure.com/example/home/_git"
WHOLE = {part: f"{AZURE}/{part}" for part in ("infra", "argocd", "apps")}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
AUTHORITY = yaml.safe_load((ROOT / "tests/answers/valid/git-of-a-private-authority.yaml").read_text())["git_authority"]
URL = re.compile(r"(?:https|ssh)://[^\s\"'`)<>|]+|[a-z]+@[^\s\"'`)<>|:]+:[^\s\"'`)<>|]+")


def own_addresses(root: Path) -> set[str]:
    """Return every address in a repository's files that leads to a forge of ours; Copier's record holds the answers."""
    files = (path for path in root.rglob("*") if path.is_file() and path.name != ".copier-answers.yml")
    found = {url.rstrip(".,;:") for path in files for url in URL.findall(path.read_text("utf-8"))}
    # The pages of runbooks are for people, in a browser.
    return {url for url in found if ("azure.com" in url or "git.example" in url) and "/docs/runbooks/" not in url}


def credentials(root: Path) -> dict[str, tuple[str, str]]:
    """Return type and URL of each Secret with which Argo CD reads Git."""
    label = "argocd.argoproj.io/secret-type"
    found = {}
    for secret in read_catalogue(root).secrets:
        if label in secret.labels:
            url = secret.data["url"]
            assert isinstance(url, Constant)
            found[secret.name] = (secret.labels[label], url.text)
    return found


def test_whole_addresses_reach_every_consumer_as_they_are(render: Render) -> None:
    """faults B9: forges whose addresses do not end in .git."""
    answers = HA | {"git_base_url": AZURE, "repositories": WHOLE}
    argocd, apps, infra = (render(answers, part) for part in ("argocd", "apps", "infra"))
    # The address of all of them is what the token is for.
    assert own_addresses(argocd) == {*WHOLE.values(), AZURE}
    # ci/bump-image pushes to its own repository.
    assert own_addresses(apps) == {WHOLE["argocd"], WHOLE["apps"]}
    # Its plan names all of them; the playbook that starts Argo CD reads one.
    assert own_addresses(infra) == {*WHOLE.values()}
    assert own_addresses(infra / "ansible") <= {WHOLE["argocd"]}
    read = [path for folder in ("applications", "projects", "bootstrap") for path in (argocd / folder).glob("*.yaml")]
    urls = {url for path in read for url in re.findall(r"https://dev\.azure\.com\S+(?=\")", path.read_text())}
    assert urls == {WHOLE["argocd"], WHOLE["apps"]}
    assert credentials(argocd) == {"git-credentials": ("repo-creds", AZURE)}


def test_a_token_for_addresses_that_share_no_beginning_serves_each_of_them(render: Render) -> None:
    elsewhere = "https://git.example.org/team/our-apps.git"
    root = render(HA | {"git_base_url": AZURE, "repositories": WHOLE | {"apps": elsewhere}}, "argocd")
    assert credentials(root) == {
        "git-argocd": ("repository", WHOLE["argocd"]),
        "git-apps": ("repository", elsewhere),
    }
    values = (value for secret in read_catalogue(root).secrets for value in secret.values.values())
    variables = {value.env for value in values if value.env.startswith("FMC_GIT_READ_TOKEN")}
    # One for each: two servers have two tokens.
    assert variables == {"FMC_GIT_READ_TOKEN_ARGOCD", "FMC_GIT_READ_TOKEN_APPS"}
    assert all(f"read -rs {name} && export {name} " in (root / "README.md").read_text() for name in variables)
    assert "`argocd/git-argocd` and `argocd/git-apps` are pending" in (root / "README.md").read_text()


def test_a_monorepo_has_one_whole_address(render: Render) -> None:
    url = "git@ssh.dev.azure.com:v3/example/home/all"
    root = render(HA | {"repositories": {"monorepo": url}}, "monorepo")
    assert own_addresses(root) == {url}
    assert credentials(root / "argocd") == {"git-monorepo": ("repository", url)}


@pytest.mark.parametrize(
    ("repositories", "layout", "targets"),
    [
        (WHOLE, "parts", {part: (part, url) for part, url in WHOLE.items()}),
        ({"apps": "other"}, "parts", {"apps": ("apps", "https://git.example.com/home/other.git")}),
        ({"monorepo": "git@git.example.org:all.git"}, "monorepo", {"monorepo": ("all", "git@git.example.org:all.git")}),
        ({"monorepo": f"{AZURE}/all"}, "monorepo", {"monorepo": ("all", f"{AZURE}/all")}),
    ],
    ids=["whole addresses", "another name", "monorepo over SSH", "monorepo without .git"],
)
def test_fmc_pushes_to_the_same_addresses(
    tmp_path: Path, repositories: dict[str, str], layout: str, targets: dict[str, tuple[str, str]]
) -> None:
    file = tmp_path / "answers.yaml"
    file.write_text(yaml.safe_dump(HA | {"repositories": repositories, "layout": layout}))
    found = {
        target.part: (target.path.name, target.url) for target in Workspace(tmp_path / "home").targets(load(file, ROOT))
    }
    assert targets.items() <= found.items()


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({}, "token"),
        ({"git_base_url": "ssh://git@git.example.com/home"}, "deploy-key"),
        ({"git_base_url": "file:///srv/git"}, "anonymous"),
        ({"repositories": {part: f"git@git.example.com:{part}" for part in WHOLE}}, "deploy-key"),
    ],
    ids=["https", "ssh", "file", "whole addresses over SSH"],
)
def test_how_argocd_reads_follows_the_addresses(tmp_path: Path, answers: dict[str, Any], expected: str) -> None:
    file = tmp_path / "answers.yaml"
    file.write_text(yaml.safe_dump(HA | answers))
    assert load(file, ROOT).data["git_read"] == expected


def test_the_authority_of_the_git_server_is_where_argocd_looks_for_it(render: Render) -> None:
    """faults B10: HTTPS with a private authority, by the server's name without its port (argocd-tls-certs-cm)."""
    root = render(HA | {"git_base_url": "https://git.example.com:8443/home", "git_authority": AUTHORITY}, "argocd")
    (values,) = documents(root / "platform/argocd/values.yaml")
    assert {host: text.strip() for host, text in values["configs"]["tls"]["certificates"].items()} == {
        "git.example.com": AUTHORITY.strip()
    }
    assert "git_authority" not in (root / "README.md").read_text()
    assert "git_authority" in (render(HA, "argocd") / "README.md").read_text()


@pytest.mark.parametrize(
    ("url", "known", "command"),
    [
        ("ssh://git@git.example.com:2222/home", "[git.example.com]:2222", "ssh-keyscan -p 2222 git.example.com"),
        ("ssh://git@git.example.com:22/home", "git.example.com", "ssh-keyscan git.example.com"),
        ("git@git.example.com:home", "git.example.com", "ssh-keyscan git.example.com"),
    ],
    ids=["another port", "the usual port", "as scp writes it"],
)
def test_host_keys_are_asked_at_the_right_port_and_rendered(render: Render, url: str, known: str, command: str) -> None:
    """faults B10: SSH on another port."""
    answers = HA | {"git_base_url": url}
    before = render(answers, "argocd")
    assert f"\n{command}\n" in (before / "README.md").read_text()
    assert "ssh" not in documents(before / "platform/argocd/values.yaml")[0]["configs"]
    line = f"{known} {KEY}"
    root = render(answers | {"git_known_hosts": [line]}, "argocd")
    (values,) = documents(root / "platform/argocd/values.yaml")
    assert values["configs"]["ssh"]["extraHosts"] == f"{line}\n"
    assert "ssh-keyscan" not in (root / "README.md").read_text()
