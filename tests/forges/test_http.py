"""What goes wrong on the way to a forge, what is said then, and what never goes out."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from generator.errors import BadInputError, RemoteError
from generator.forges.http import Api
from generator.forges.locate import Settings, kind_of, locate
from generator.forges.model import Kind
from tests.certificate import self_signed
from tests.forges.tape import play

if TYPE_CHECKING:
    pass

TOKEN = "token-of-the-test"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("status", "headers", "answer", "message", "fix"),
    [
        (401, {}, {"message": "Bad credentials"}, "does not know the token", "Set FMC_GIT_TOKEN to a token that has"),
        (403, {}, {"message": "Must have admin rights"}, "does not let the owner of the token", "has the scope repo"),
        (403, {"X-RateLimit-Remaining": "0"}, {}, "takes no more requests", "Wait until the limit is lifted"),
        (403, {"Retry-After": "60"}, {"message": "secondary"}, "takes no more requests", "Wait 60 seconds"),
        (404, {}, {"message": "Not Found"}, "has nothing of the kind", "make the group or organisation"),
        (
            422,
            {},
            {"message": "Validation Failed", "errors": [{"message": "key is already in use"}]},
            "key is",
            "names",
        ),
        (409, {}, {"message": {"name": ["has already been taken"]}}, "name has already been taken", "Correct what it"),
        (429, {"Retry-After": "7"}, "", "takes no more requests", "Wait 7 seconds"),
        (302, {"Location": "{url}/elsewhere"}, "", "answers with another address", "as git_base_url in the answers"),
        (503, {}, "<html>down</html>", "has a problem of its own", "Wait until it is back"),
        (200, {}, "<html>a web page</html>", "not as the API of a forge", "forge: {kind: gitea"),
    ],
)
def test_a_refusal_is_told_with_what_helps(
    status: int, headers: dict[str, str], answer: Any, message: str, fix: str
) -> None:
    exchange = {"request": "POST /user/repos", "sends": {"name": "x"}, "status": status}
    with play([{**exchange, "headers": headers, "answers": answer}]) as tape:
        api = Api(tape.url, {"Authorization": f"Bearer {TOKEN}"}, scopes="the scope repo")
        with pytest.raises(RemoteError) as caught:
            api.send("POST", "/user/repos", {"name": "x"})
    assert message in caught.value.message
    assert fix in (caught.value.fix or "")
    assert TOKEN not in f"{caught.value.message}{caught.value.fix}{api!r}"


def test_what_a_forge_says_steers_no_terminal() -> None:
    answers = {"message": "no \x1b[31mway\nfmc: all is well"}
    exchange = {"request": "GET /user", "status": 422, "answers": answers}
    with play([exchange]) as tape, pytest.raises(RemoteError) as caught:
        Api(tape.url, {}).get("/user")
    assert r"no \x1b[31mway\nfmc: all is well" in caught.value.message


def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with play([]) as tape:
        gone = tape.url
    with pytest.raises(RemoteError, match="can't be reached: Connection refused") as caught:
        Api(gone, {}).get("/user")
    assert "HTTPS_PROXY" in (caught.value.fix or "")


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    key, file = tmp_path / "key.pem", tmp_path / "certificate.pem"
    self_signed(key, file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    return context, file


def test_a_private_authority_is_trusted_where_the_answers_name_it(certificate: tuple[ssl.SSLContext, Path]) -> None:
    context, file = certificate
    with play([{"request": "GET /user", "answers": {"login": "ada"}}], context) as tape:
        with pytest.raises(RemoteError, match="can't be trusted or made") as caught:
            Api(tape.url, {}).get("/user")
        assert "git_authority in the answers" in (caught.value.fix or "")
        assert Api(tape.url, {}, authority=file.read_text()).get("/user") == {"login": "ada"}


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = "GET http://forge.example.com/api/v1/user"
    with play([{"request": asked, "answers": {"login": "ada"}}]) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert Api("http://forge.example.com/api/v1", {}).get("/user") == {"login": "ada"}


@pytest.mark.parametrize(
    ("url", "settings", "kind", "base", "path"),
    [
        ("https://github.com/ada/infra.git", {}, "github", "https://api.github.com", "ada/infra"),
        ("git@github.com:ada/infra.git", {}, "github", "https://api.github.com", "ada/infra"),
        ("https://github.example.com/a/b.git", {}, "github", "https://github.example.com/api/v3", "a/b"),
        ("ssh://git@gitlab.example.com:2222/a/b/c.git", {}, "gitlab", "https://gitlab.example.com/api/v4", "a/b/c"),
        ("https://codeberg.org/ada/infra.git", {}, "gitea", "https://codeberg.org/api/v1", "ada/infra"),
        (
            "https://git.example.com:8443/a/b.git",
            {"kind": "gitea"},
            "gitea",
            "https://git.example.com:8443/api/v1",
            "a/b",
        ),
        (
            "https://example.com/git/a/b.git",
            {"kind": "gitea", "api": "https://example.com/git/api/v1"},
            "gitea",
            "https://example.com/git/api/v1",
            "a/b",
        ),
    ],
)
def test_an_address_tells_the_forge_its_api_and_the_name_there(
    url: str, settings: dict[str, Any], kind: str, base: str, path: str
) -> None:
    place = locate(url, Settings(**settings), TOKEN)
    assert (place.forge.kind, place.path) == (kind, path)
    assert place.forge._api.base == base  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("exchanges", "kind"),
    [
        ([{"request": "GET /api/v1/version", "answers": {"version": "1.26.0"}}], Kind.GITEA),
        (
            [
                {"request": "GET /api/v1/version", "status": 404, "answers": ""},
                {"request": "GET /api/v4/metadata", "status": 401, "answers": {"message": "401 Unauthorized"}},
            ],
            Kind.GITLAB,
        ),
        (
            [
                {"request": "GET /api/v1/version", "status": 404, "answers": ""},
                {"request": "GET /api/v4/metadata", "status": 404, "answers": ""},
                {"request": "GET /api/v3/meta", "answers": {"installed_version": "3.19.0"}},
            ],
            Kind.GITHUB,
        ),
    ],
)
def test_a_server_whose_name_does_not_tell_is_asked_and_gets_no_token(
    exchanges: list[dict[str, Any]], kind: Kind
) -> None:
    with play(exchanges) as tape:
        assert kind_of(f"{tape.url}/team/infra.git", Settings()) is kind
    assert all("Authorization" not in headers for headers in tape.seen)


def test_a_server_that_is_none_of_them_is_for_the_answers_to_tell() -> None:
    pages = [f"/api/{page}" for page in ("v1/version", "v4/metadata", "v3/meta")]
    exchanges = [{"request": f"GET {page}", "status": 404, "answers": ""} for page in pages]
    with play(exchanges) as tape, pytest.raises(BadInputError, match="it can't be told which forge") as caught:
        kind_of(f"{tape.url}/team/infra.git", Settings())
    assert "`forge: {kind: gitea}`" in (caught.value.fix or "")
    assert kind_of(f"{tape.url}/team/infra.git", Settings(kind="gitea")) is Kind.GITEA


def test_a_token_that_no_header_carries_is_refused_unseen() -> None:
    with pytest.raises(BadInputError) as caught:
        locate("https://github.com/ada/infra.git", Settings(), f"{TOKEN}\nX: y")
    assert TOKEN not in f"{caught.value.message}{caught.value.fix}"
