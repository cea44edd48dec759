"""A registry of images on loopback, by the OCI distribution specification (v1.1), behind Basic authentication."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.loopback import LoopbackServer, QuietHandler

_BLOB = re.compile(r"/v2/(.+)/blobs/(sha256:[0-9a-f]{64})")
_MANIFEST = re.compile(r"/v2/(.+)/manifests/([\w.:-]+)")
_BEGIN = re.compile(r"/v2/(.+)/blobs/uploads/")
_UPLOAD = re.compile(r"/v2/(.+)/blobs/uploads/([0-9a-f]+)\?digest=(sha256%3A|sha256:)([0-9a-f]{64})")


class _Handler(QuietHandler):
    """One request; `owner` is the registry that it belongs to."""

    owner: Registry

    def do_HEAD(self) -> None:
        self._get()

    def do_GET(self) -> None:
        self._get()

    def do_POST(self) -> None:
        if self._is_let_in() and (begun := _BEGIN.fullmatch(self.path)):
            self.reply(202, Location=f"/v2/{begun[1]}/blobs/uploads/{uuid.uuid4().hex}")

    def do_PUT(self) -> None:
        body = self.body()
        if not self._is_let_in():
            return
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        if upload := _UPLOAD.fullmatch(self.path):
            if digest != f"sha256:{upload[4]}":
                self._fault(400, "DIGEST_INVALID")
                return
            self.owner.blobs[digest] = body
            self.reply(201, Location=f"/v2/{upload[1]}/blobs/{digest}")
        elif manifest := _MANIFEST.fullmatch(self.path):
            document = json.loads(body)
            if not {part["digest"] for part in [document["config"], *document["layers"]]} <= set(self.owner.blobs):
                self._fault(404, "MANIFEST_BLOB_UNKNOWN")
                return
            for reference in (manifest[2], digest):
                self.owner.manifests[manifest[1], reference] = body
            self.reply(201, Location=f"/v2/{manifest[1]}/manifests/{digest}")

    def _get(self) -> None:
        if not self._is_let_in():
            return
        blob, manifest = _BLOB.fullmatch(self.path), _MANIFEST.fullmatch(self.path)
        if blob and blob[2] in self.owner.blobs:
            self.reply(200, self.owner.blobs[blob[2]])
        elif manifest and (manifest[1], manifest[2]) in self.owner.manifests:
            body = self.owner.manifests[manifest[1], manifest[2]]
            self.reply(200, body, **{"Content-Type": json.loads(body)["mediaType"]})
        else:
            self._fault(404, "MANIFEST_UNKNOWN" if manifest else "BLOB_UNKNOWN")

    def _is_let_in(self) -> bool:
        if self.headers.get("Authorization") == f"Basic {self.owner.login}":
            return True
        self._fault(401, "UNAUTHORIZED", **{"WWW-Authenticate": 'Basic realm="registry"'})
        return False

    def _fault(self, status: int, code: str, **headers: str) -> None:
        self.reply(status, json.dumps({"errors": [{"code": code}]}).encode(), **headers)


@dataclass
class Registry(LoopbackServer):
    """The registry; its `host` is how the name of an image begins.

    Attributes:
        user: Who may come in.
        token: The password.
        blobs: What was pushed, by digest.
        manifests: Likewise, by repository and digest, and by repository and tag.
    """

    handler = _Handler
    user: str
    token: str
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[tuple[str, str], bytes] = field(default_factory=dict)

    @property
    def login(self) -> str:
        """What a config.json of Docker says of it."""
        return base64.b64encode(f"{self.user}:{self.token}".encode()).decode()

    def manifest(self, image: str) -> Any:
        """Return what NAME:TAG@DIGEST leads to, by its digest; its tag has to lead there, too."""
        name, digest = image.split("@")
        repository, _, tag = name.removeprefix(f"{self.host}/").rpartition(":")
        assert self.manifests[repository, tag] == self.manifests[repository, digest]
        return json.loads(self.manifests[repository, digest])
