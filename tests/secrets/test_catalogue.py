"""The catalogue: what is read from it, and what is wrong with it, all at once."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from generator.errors import BadInputError, CatalogueError
from generator.secrets.catalogue.model import CATALOGUE, Constant, Derived, Form, Generator
from generator.secrets.catalogue.read import read_catalogue

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.findings import Finding
    from generator.secrets.catalogue.model import Catalogue

INVALID = sorted((Path(__file__).parent / "catalogues" / "invalid").glob("*.yaml"))


def described(finding: Finding) -> str:
    fix = f" | {finding.fix}" if finding.fix else ""
    return f"{finding.line} {finding.rule} {finding.path}: {finding.message}{fix}"


@pytest.mark.parametrize("file", INVALID, ids=lambda file: file.stem)
def test_a_mistake_is_found_with_its_line_and_fix(file: Path, catalogue: Callable[[str], Catalogue]) -> None:
    """Each file begins with the findings that it has to give: all of them, and no other."""
    text = file.read_text()
    expected = [line.removeprefix("# expect ") for line in text.splitlines() if line.startswith("# expect ")]
    with pytest.raises(CatalogueError) as caught:
        catalogue(text)
    assert [described(finding) for finding in caught.value.findings] == expected
    assert all(finding.file == CATALOGUE for finding in caught.value.findings)
    assert caught.value.exit_code == 2


def test_everything_is_read(catalogue: Callable[..., Catalogue]) -> None:
    whole = catalogue()
    admin, repository, _, certificate, token = whole.secrets
    assert (whole.cluster, whole.key_namespace, whole.key_name) == ("home", "kube-system", "sealed-secrets-key-1")
    assert (admin.id, admin.sync_wave, admin.type) == ("argocd/argocd-secret", "-1", "Opaque")
    assert admin.manifest_path == "secrets/argocd/argocd-secret.sealed.yaml"
    assert admin.annotations == {"sealedsecrets.bitnami.com/patch": "true"}
    assert admin.consumers == ("Deployment/argocd-server",)
    assert (admin.noticed, repository.noticed) == ("at the next log-in", "")
    assert admin.data["admin.password"] == Derived("admin", Form.BCRYPT, cost=4)
    assert repository.labels == {"argocd.argoproj.io/secret-type": "repository"}
    assert repository.data["type"] == Constant("git")
    assert certificate.type == "kubernetes.io/tls"
    assert (certificate.values["web"].names, certificate.values["web"].days) == (
        ("home.example.com", "*.home.example.com"),
        90,
    )
    assert (token.values["token"].generator, token.values["token"].env) == (Generator.EXTERNAL, "FMC_TEST_TOKEN")
    assert token.data["token"] == Derived("token", Form.RAW)


def test_defaults_are_32_characters_825_days_and_a_cost_for_each_form(catalogue: Callable[[str], Catalogue]) -> None:
    secret = catalogue(
        "version: 1\ncluster: c\nsealing_key: {namespace: kube-system, name: k}\nsecrets:\n"
        "  - namespace: n\n    name: s\n    values:\n      p: {generator: password}\n"
        "      c: {generator: certificate, names: [a.example]}\n"
        "    data:\n      b: {from: p, as: bcrypt}\n      h: {from: p, as: htpasswd, user: u}\n"
    ).secrets[0]
    assert (secret.values["p"].length, secret.values["c"].days) == (32, 825)
    assert secret.data == {"b": Derived("p", Form.BCRYPT, 10), "h": Derived("p", Form.HTPASSWD, 8, "u")}


def test_an_empty_list_is_a_catalogue(catalogue: Callable[[str], Catalogue]) -> None:
    text = "version: 1\ncluster: c\nsealing_key: {namespace: kube-system, name: k}\nsecrets: []\n"
    assert catalogue(text).secrets == ()


def test_a_missing_catalogue_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="No such file") as caught:
        read_catalogue(tmp_path)
    assert caught.value.fix is not None
    assert "fmc new" in caught.value.fix


def test_a_binary_catalogue_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / CATALOGUE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CatalogueError) as caught:
        read_catalogue(tmp_path)
    assert [finding.message for finding in caught.value.findings] == [f"{CATALOGUE} is not text in UTF-8"]


@pytest.mark.parametrize(
    ("spoilt", "told"),
    [
        ("length: " + "9" * 5000, "has more than 100 characters"),
        ("length: 0x" + "f" * 5000, "has more than 100 characters"),
        ("length: " + "[" * 3000 + "]" * 3000, "is n"),
        ("length: " + "{a: " * 3000 + "}" * 3000, "is n"),
        ("length: " + "[" * 100 + "]" * 100, "is nested too deep"),
        ("length: [" + "1, " * 250_000 + "1]", "holds more than 200000 values"),
        ("comment: " + "#" * 9_000_000, "is larger than 8 MiB"),
        ("length: 2026-99-99", "is not what its form or its tag says"),
        ("length: !!python/object:os.system x", "is not what its form or its tag says"),
    ],
    ids=lambda value: value[:16],
)
def test_hostile_catalogue_ends_in_findings_and_soon(tmp_path: Path, spoilt: str, told: str) -> None:
    """Faults E10: numbers without end and nesting without end ended in tracebacks."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / CATALOGUE).write_text(
        "version: 1\ncluster: c\nsealing_key: {namespace: kube-system, name: k}\n"
        f"secrets:\n- namespace: a\n  name: b\n  values: {{v: {{generator: password, {spoilt}}}}}\n"
        "  data: {k: {from: v}}\n"
    )
    started = time.process_time()
    with pytest.raises(CatalogueError) as caught:
        read_catalogue(tmp_path)
    assert time.process_time() - started < 5
    assert any(told in finding.message for finding in caught.value.findings), caught.value.findings
    assert all(len(finding.message) < 500 and finding.message.isprintable() for finding in caught.value.findings)
