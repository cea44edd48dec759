"""The login at a registry of images: supplied as USER:TOKEN, and sealed as Docker writes it into its config.json."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from generator.errors import BadInputError
from generator.secrets.catalogue.model import Form, Generator, Value
from generator.secrets.making.forms import plain_form, recover
from generator.secrets.making.generators import external
from generator.secrets.set_value import put_value
from generator.secrets.vault.plaintext import Plaintext
from tests.secrets.conftest import FULL, NOW, put

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.secrets.catalogue.model import Catalogue
    from generator.secrets.vault.model import Vault
    from tests.secrets.conftest import Workspace

LOGIN = "robot$ci:dckr_pat_4711:with-a-colon"
REGISTRY = FULL.replace(
    "      token: {from: token}\n",
    "      .dockerconfigjson: {from: token, as: dockerconfigjson, registry: docker.io}\n",
).replace("    name: push-token\n", "    name: push-token\n    type: kubernetes.io/dockerconfigjson\n")
VALUE = Value("token", Generator.EXTERNAL, line=1)


@pytest.fixture
def registry(workspace: Workspace) -> Workspace:
    """A cluster whose external value is such a login."""
    assert REGISTRY != FULL
    workspace.write_catalogue(REGISTRY)
    workspace.external = {"FMC_TEST_TOKEN": LOGIN}
    return workspace


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("docker.io", "https://index.docker.io/v1/"),
        ("ghcr.io", "ghcr.io"),
        ("registry.example.com:5000", "registry.example.com:5000"),
    ],
)
def test_it_is_what_docker_login_writes(host: str, name: str) -> None:
    content = json.loads(plain_form(Form.DOCKERCONFIGJSON, external(LOGIN.encode(), NOW), host).reveal())
    assert content == {"auths": {name: {"auth": base64.b64encode(LOGIN.encode()).decode()}}}


def test_the_login_is_recovered_from_what_was_sealed(registry: Workspace) -> None:
    """Git has a newer login than this copy of the vault."""
    registry.seal()
    registry.external = {}
    old = registry.vault.read_bytes()
    put(registry, "registry/push-token", "token", b"robot:the-newer-token")
    registry.seal()
    registry.vault.write_bytes(old)
    report = registry.seal()
    assert report.taken == ("registry/push-token: token",)
    assert report.vault.values["registry/push-token"]["token"].secret.reveal() == b"robot:the-newer-token"


@pytest.mark.parametrize(
    "content",
    [
        b"no JSON",
        b"[]",
        b'{"auths": {}}',
        b'{"auths": {"a": {"auth": "eA=="}, "b": {"auth": "eA=="}}}',
        b'{"auths": {"a": {}}}',
        b'{"auths": {"a": {"auth": "%"}}}',
        b'{"auths": {"a": {"auth": 1}}}',
    ],
)
def test_what_is_no_such_file_gives_no_login(content: bytes) -> None:
    assert recover(VALUE, {Form.DOCKERCONFIGJSON: Plaintext(content)}, NOW) is None


@pytest.mark.parametrize("login", [b"token-alone", b":token", b"user:", b"us er:token", b"user:token\nuser:token\n"])
def test_what_is_no_login_is_refused_by_hand_and_from_a_variable(
    vault: Vault, catalogue: Callable[[str], Catalogue], registry: Workspace, login: bytes
) -> None:
    with pytest.raises(BadInputError, match="token of registry/push-token is not USER:TOKEN") as caught:
        put_value(vault, catalogue(REGISTRY), "registry/push-token", "token", Plaintext(login), NOW)
    assert login.decode() not in str(vars(caught.value))
    registry.external = {"FMC_TEST_TOKEN": login.decode()}
    with pytest.raises(BadInputError, match="token of registry/push-token is not USER:TOKEN") as caught:
        registry.seal()
    assert caught.value.where == "FMC_TEST_TOKEN"
    assert login.decode() not in str(vars(caught.value))


def test_a_leak_of_the_token_alone_would_be_found(registry: Workspace) -> None:
    needles = registry.seal().plaintexts()
    token = LOGIN.partition(":")[2].encode()
    for leak in (token, b"x" + base64.b64encode(b"ab" + token), LOGIN.encode()):
        assert any(needle in leak for needle in needles), leak
