"""The API server as a program sees it: JSON over HTTPS, with a certificate of one's own."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.e2e.bed.errors import BedError

if TYPE_CHECKING:
    from pathlib import Path

Object = dict[str, Any]
_PATHS = {
    "Application": "apis/argoproj.io/v1alpha1/{scope}applications",
    "ApplicationSet": "apis/argoproj.io/v1alpha1/{scope}applicationsets",
    "ConfigMap": "api/v1/{scope}configmaps",
    "DaemonSet": "apis/apps/v1/{scope}daemonsets",
    "Deployment": "apis/apps/v1/{scope}deployments",
    "Event": "api/v1/{scope}events",
    "Namespace": "api/v1/namespaces",
    "Node": "api/v1/nodes",
    "PersistentVolume": "api/v1/persistentvolumes",
    "PersistentVolumeClaim": "api/v1/{scope}persistentvolumeclaims",
    "Pod": "api/v1/{scope}pods",
    "SealedSecret": "apis/bitnami.com/v1alpha1/{scope}sealedsecrets",
    "Secret": "api/v1/{scope}secrets",
    "Service": "api/v1/{scope}services",
    "ServiceAccount": "api/v1/{scope}serviceaccounts",
    "StatefulSet": "apis/apps/v1/{scope}statefulsets",
    "StorageClass": "apis/storage.k8s.io/v1/storageclasses",
}
_MERGE = "application/merge-patch+json"
_RETRIES = 11


class ApiError(BedError):
    """The API server refused a request; `status` says how."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class _Answer(NamedTuple):
    status: int
    content: bytes
    wait: str | None

    @property
    def retry_after(self) -> int | None:
        """Seconds until the request is to be sent again, or None where it is answered for good."""
        busy = self.status == http.HTTPStatus.TOO_MANY_REQUESTS or self.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR
        return int(self.wait) if busy and self.wait is not None and self.wait.isdecimal() else None


@dataclass
class Api:
    """A client with one connection per thread.

    Attributes:
        host: Name or address, and port, separated by a colon.
        authority: Certificate of the authority that the server's certificate comes from.
        certificate: Certificate and key of the client.
    """

    host: str
    authority: Path
    certificate: tuple[Path, Path]
    _local: threading.local = field(default_factory=threading.local, repr=False)

    def objects(self, kind: str, namespace: str | None = None, **selectors: str) -> list[Object]:
        """Return the objects of a kind; an empty list where the kind is unknown.

        Args:
            kind: Its name, as in a manifest.
            namespace: Those of one namespace alone.
            selectors: `labelSelector`, `fieldSelector`.
        """
        query = f"?{urllib.parse.urlencode(selectors)}" if selectors else ""
        answer = self._request("GET", _path(kind, namespace) + query)
        return [] if answer is None else [{"kind": kind, **item} for item in answer["items"]]

    def get(self, kind: str, namespace: str | None, name: str) -> Object | None:
        """Return an object, or None where there is none."""
        found: Object | None = self._request("GET", _path(kind, namespace, name))
        return found

    def create(self, kind: str, namespace: str | None, manifest: Object) -> bool:
        """Make an object; False if there is one already."""
        try:
            self._request("POST", _path(kind, namespace), manifest)
        except ApiError as error:
            if error.status == 409:
                return False
            raise
        return True

    def patch(self, kind: str, namespace: str | None, name: str, patch: Object, *, status: bool = False) -> None:
        """Merge fields into an object; nothing happens where there is none."""
        self._request("PATCH", _path(kind, namespace, name) + ("/status" if status else ""), patch, _MERGE)

    def delete(self, kind: str, namespace: str | None, name: str) -> None:
        """Ask for the end of an object; nothing happens where there is none."""
        self._request("DELETE", _path(kind, namespace, name))

    def token(self, namespace: str, service_account: str) -> str | None:
        """Return a token with which a pod of a service account speaks to the API server; None without the account."""
        path = _path("ServiceAccount", namespace, service_account) + "/token"
        answer = self._request("POST", path, {"spec": {"expirationSeconds": 86400}})
        return None if answer is None else str(answer["status"]["token"])

    def is_ready(self) -> bool:
        """Tell whether the server answers and calls itself ready."""
        try:
            return self._send("GET", "/readyz", None, "").status == http.HTTPStatus.OK
        except OSError:
            return False

    def _request(self, method: str, path: str, body: Object | None = None, kind: str = "application/json") -> Any:
        try:
            status, content = self._send_patiently(method, path, body, kind)
        except OSError as error:
            raise ApiError(f"the API server does not answer: {error}", 0) from error
        if status == http.HTTPStatus.NOT_FOUND:
            return None
        if status >= http.HTTPStatus.BAD_REQUEST:
            reason = json.loads(content)["message"] if content.startswith(b"{") else content.decode(errors="replace")
            raise ApiError(f"{method} {path}: {reason}", status)
        return json.loads(content)

    def _send_patiently(self, method: str, path: str, body: Object | None, kind: str) -> tuple[int, bytes]:
        """Send a request again where the server asks for that, as every client of Kubernetes does.

        A server that was just started answers 429, "storage is (re)initializing", and calls itself ready all the same.
        The rule is that of client-go (`rest/with_retry.go`): 429 and 5xx with a Retry-After are tried again, ten times
        at most.
        """
        for _ in range(_RETRIES):
            answer = self._send(method, path, body, kind)
            if answer.retry_after is None:
                break
            time.sleep(answer.retry_after)
        return answer.status, answer.content

    def _send(self, method: str, path: str, body: Object | None, kind: str) -> _Answer:
        """Send a request, a second time when the kept connection has ended in the meantime."""
        headers = {"Accept": "application/json", "Content-Type": kind}
        content = None if body is None else json.dumps(body)
        for attempt in (1, 2):
            connection = self._connection()
            try:
                connection.request(method, path, content, headers)
                answer = connection.getresponse()
                return _Answer(answer.status, answer.read(), answer.getheader("Retry-After"))
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                del self._local.connection
                if attempt == 2:
                    raise OSError(str(error)) from error
        raise AssertionError

    def _connection(self) -> http.client.HTTPSConnection:
        if not hasattr(self._local, "connection"):
            context = ssl.create_default_context(cafile=str(self.authority))
            context.load_cert_chain(*map(str, self.certificate))
            self._local.connection = http.client.HTTPSConnection(self.host, timeout=30, context=context)
        connection: http.client.HTTPSConnection = self._local.connection
        return connection


def _path(kind: str, namespace: str | None, name: str | None = None) -> str:
    scope = f"namespaces/{namespace}/" if namespace else ""
    path = "/" + _PATHS[kind].format(scope=scope)
    return f"{path}/{name}" if name else path
