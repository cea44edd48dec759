"""The images that the bed runs for real: which program each container's command stands for."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from tests.e2e.bed.daemon import is_listening


@dataclass(frozen=True)
class Program:
    """What a container runs.

    Attributes:
        executable: Name in the tools folder.
        ends: It does one thing and ends, instead of serving.
        arguments: Added to the container's: all pods share one loopback, so that no two can have the same port.
        ready: Tells whether it does its work.
    """

    executable: str
    ends: bool = False
    arguments: Sequence[str] = ()
    ready: Callable[[], bool] = bool


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _serving(executable: str, health: str, *arguments: str) -> Program:
    return Program(executable, arguments=arguments, ready=partial(_answers, f"http://127.0.0.1:{health}"))


_BY_COMMAND = {
    "argocd": Program("argocd", ends=True),
    "argocd-application-controller": _serving("argocd", "8082/healthz"),
    "argocd-applicationset-controller": _serving(
        "argocd",
        "18086/metrics",
        "--metrics-addr=127.0.0.1:18086",
        "--probe-addr=127.0.0.1:18087",
        "--webhook-addr=127.0.0.1:18088",
    ),
    "argocd-repo-server": _serving("argocd", "8084/healthz", "--address=127.0.0.1", "--metrics-address=127.0.0.1"),
    "argocd-server": _serving("argocd", "8080/healthz", "--address=127.0.0.1", "--metrics-address=127.0.0.1"),
    "cert-manager-cainjector": _serving("cert-manager-cainjector", "18191/healthz"),
    "cert-manager-controller": _serving("cert-manager-controller", "18190/healthz"),
    "cert-manager-webhook": _serving("cert-manager-webhook", "6080/healthz"),
    "controller": _serving(
        "sealed-secrets-controller",
        "18180/healthz",
        "--listen-addr=127.0.0.1:18180",
        "--listen-metrics-addr=127.0.0.1:18181",
    ),
    "redis-server": Program("redis-server", ready=partial(is_listening, 6379)),
}
# The last part of the image's name, and what its entry point runs when the container has no command.
_IMAGES = {
    "argocd": None,
    "cert-manager-cainjector": "cert-manager-cainjector",
    "cert-manager-controller": "cert-manager-controller",
    "cert-manager-webhook": "cert-manager-webhook",
    "redis": "redis-server",
    "sealed-secrets-controller": "controller",
}


def program_of(image: str, command: Sequence[str], arguments: Sequence[str]) -> tuple[Program, str, list[str]] | None:
    """Return what a container runs, under which name, with which arguments; None if it is simulated.

    Args:
        image: As in the pod.
        command: `command` of the container.
        arguments: `args` of the container.
    """
    name = image.rsplit("@", 1)[0].rsplit("/", 1)[-1].rsplit(":", 1)[0]
    if name not in _IMAGES:
        return None
    words = [*command, *arguments]
    default = _IMAGES[name]
    if default and not command:
        words = [default, *arguments]
    called = words[0].rsplit("/", 1)[-1]
    program = _BY_COMMAND.get(called)
    return None if program is None else (program, called, words[1:])
