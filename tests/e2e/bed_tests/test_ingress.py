"""The bed's ingress ends TLS with the certificate of a Secret."""

from __future__ import annotations

import base64
import ssl
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.ci.jenkins_bed import Listener
from tests.e2e.bed.authority import Authority
from tests.e2e.bed.ingress import Ingress

if TYPE_CHECKING:
    from pathlib import Path


def test_who_trusts_the_authority_reaches_what_is_behind(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ca")
    certificate, key = authority.server("argocd", ["localhost"])
    files = {"tls.crt": certificate, "tls.key": key}
    data = {name: base64.b64encode(file.read_bytes()).decode() for name, file in files.items()}
    trusting = ssl.create_default_context(cafile=str(authority.certificate_file))
    with (
        Listener(document=lambda: {"said": "hello"}) as behind,
        Ingress({"data": data}, tmp_path / "tls", int(behind.host.split(":")[1]), ("127.0.0.1", 0)) as ingress,
    ):
        url = f"https://localhost:{ingress.port}/"
        with urllib.request.urlopen(url, context=trusting) as answer:
            assert answer.read() == b'{"said": "hello"}'
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.urlopen(url)
        assert len(behind.heard) == 1
