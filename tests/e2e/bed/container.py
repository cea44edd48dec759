"""A container that runs for real: a process with the arguments, variables, files and account that its pod gives it."""

from __future__ import annotations

import base64
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from generator.files import write_atomic
from generator.tools.command import Command
from tests.e2e.bed.daemon import Daemon
from tests.e2e.bed.programs import Program, program_of
from tests.toolchain.build import shared_files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.e2e.bed.api import Api, Object

# A container sees the account's files where client-go looks for them, and nothing else of /run.
_ACCOUNT = "/run/secrets/kubernetes.io/serviceaccount"
_ENTER = 'mount -t tmpfs tmpfs /run && mkdir -p {account} && mount --bind {files} {account} && exec "$@"'
_VARIABLE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")
# Argo CD looks for its mounts at fixed places of its image, unless these variables name others.
_MOUNTS = {
    "/app/config/gpg/keys": "ARGOCD_GNUPGHOME",
    "/app/config/gpg/source": "ARGOCD_GPG_DATA_PATH",
    "/app/config/ssh": "ARGOCD_SSH_DATA_PATH",
    "/app/config/tls": "ARGOCD_TLS_DATA_PATH",
    "/home/argocd/cmp-server/plugins": "ARGOCD_PLUGINSOCKFILEPATH",
}


@dataclass
class Container:
    """The one container of a pod that runs for real.

    Attributes:
        called: Name of its command.
        program: What that is.
        pod: The pod.
        spec: The container in it.
        folder: For its files.
    """

    called: str
    program: Program
    pod: Object
    spec: Object
    folder: Path
    _words: list[str]
    _environment: dict[str, str]
    _tools: Path
    _log: Path
    _daemon: Daemon | None = None

    @classmethod
    def of(cls, pod: Object, folder: Path, environment: Mapping[str, str], tools: Path) -> Container | None:
        """Return the container that a pod wants to run for real, or None if all of it is simulated."""
        for spec in pod["spec"]["containers"]:
            found = program_of(spec["image"], spec.get("command", []), spec.get("args", []))
            if found:
                program, called, words = found
                place = folder / "pods" / f"{called}-{pod['metadata']['uid'][:8]}"
                log = folder / "log" / f"{called}.log"
                return cls(called, program, pod, spec, place, words, dict(environment), tools, log)
        return None

    def prepare(self, api: Api, token: str | None) -> None:
        """Write its files, and find out the values of its variables.

        Args:
            api: Where ConfigMaps and Secrets come from.
            token: For the API server; None when the account is missing.
        """
        namespace = self.pod["metadata"]["namespace"]
        account = self.folder / "account"
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("home", "tmp", "bin"):
            (self.folder / name).mkdir(parents=True)
        write_atomic(account / "token", (token or "").encode(), mode=0o600)
        write_atomic(account / "ca.crt", api.authority.read_bytes())
        write_atomic(account / "namespace", namespace.encode())
        self._environment |= {
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "KUBERNETES_SERVICE_HOST": api.host.split(":")[0],
            "KUBERNETES_SERVICE_PORT": api.host.split(":")[1],
            "HOSTNAME": self.pod["metadata"]["name"],
            "PATH": f"{self.folder / 'bin'}:{self._tools}:{self._environment['PATH']}",
        }
        places = self._mount(api, namespace)
        if self.program.executable == "argocd":
            self._environment |= self._argocd(places)
        else:
            self._words = [_replaced(word, places) for word in self._words]
        for variable in self.spec.get("env", []):
            value = self._value(variable, api, namespace)
            if value is not None:
                self._environment[variable["name"]] = value

    def start(self) -> None:
        """Start it, in a mount namespace of its own."""
        arguments, stdin = [*map(self._expand, self._words), *self.program.arguments], b""
        if self.called == "redis-server":
            # Its password is an argument, which everybody could read.
            arguments, stdin = ["-"], _redis_configuration(arguments)
        script = _ENTER.format(account=_ACCOUNT, files=self.folder / "account")
        self._daemon = Daemon(
            name=self.called,
            command=Command(str(self._tools / self.program.executable), install_hint="Run `make e2e-tools`."),
            arguments=arguments,
            log=self._log,
            environment=self._environment,
            stdin=stdin,
            wrapper=["unshare", "--mount", "bash", "-c", script, self.called],
        )
        self._daemon.start()

    def stop(self) -> None:
        """End it."""
        if self._daemon:
            self._daemon.stop()

    def kill(self) -> None:
        """End it as a crash would."""
        if self._daemon:
            self._daemon.kill()

    @property
    def alive(self) -> bool:
        """Tell whether it runs."""
        return self._daemon is not None and self._daemon.alive

    @property
    def exit_code(self) -> int | None:
        """Return what it ended with; None while it runs."""
        return self._daemon.exit_code if self._daemon else None

    @property
    def memory_mib(self) -> float:
        """Return its resident memory in MiB."""
        return self._daemon.memory_mib if self._daemon else 0.0

    @property
    def pid(self) -> int | None:
        """Return its process id."""
        return self._daemon.pid if self._daemon else None

    def log_tail(self) -> str:
        """Return the end of its log."""
        return self._daemon.log_tail() if self._daemon else ""

    def _mount(self, api: Api, namespace: str) -> dict[str, Path]:
        """Lay out the volumes, with the files of ConfigMaps; return where each is, by the path of its mount."""
        volumes = {volume["name"]: volume for volume in self.pod["spec"].get("volumes", [])}
        places = {}
        for mount in self.spec.get("volumeMounts", []):
            place = places[mount["mountPath"]] = self.folder / "mounts" / mount["name"]
            place.mkdir(parents=True, exist_ok=True)
            name = volumes[mount["name"]].get("configMap", {}).get("name")
            data = ((api.get("ConfigMap", namespace, name) if name else None) or {}).get("data") or {}
            for file, content in data.items():
                (place / file).write_text(content)
        return places

    def _argocd(self, places: Mapping[str, Path]) -> dict[str, str]:
        """Lay out what the image of Argo CD has on PATH, and name the mounts of the pod."""
        for script in shared_files("cluster").glob("*.sh"):
            (self.folder / "bin" / script.name).symlink_to(script)
        for name in ("argocd", "argocd-git-ask-pass"):
            (self.folder / "bin" / name).symlink_to(self._tools / "argocd")
        variables = {
            "ARGOCD_BINARY_NAME": self.called,
            "ARGOCD_ASK_PASS_SOCK": str(self.folder / "ask-pass.sock"),
        }
        mounted = {variable: places[path] for path, variable in _MOUNTS.items() if path in places}
        return variables | {variable: str(place) for variable, place in mounted.items()}

    def _value(self, variable: Object, api: Api, namespace: str) -> str | None:
        source = variable.get("valueFrom")
        if source is None:
            return self._expand(variable.get("value", ""))
        if "fieldRef" in source:
            value: object = self.pod
            for part in source["fieldRef"]["fieldPath"].split("."):
                value = value.get(part, "") if isinstance(value, dict) else ""
            return str(value)
        for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            if field in source:
                data = (api.get(kind, namespace, source[field]["name"]) or {}).get("data") or {}
                text = data.get(source[field]["key"])
                return base64.b64decode(text).decode() if text and kind == "Secret" else text
        return None

    def _expand(self, text: str) -> str:
        return _VARIABLE.sub(lambda match: self._environment.get(match[1], match[0]), text)


def _replaced(word: str, places: Mapping[str, Path]) -> str:
    """Return an argument with the paths of mounts as those where they lie."""
    for path, place in places.items():
        word = word.replace(f"={path}/", f"={place}/")
    return word


def _redis_configuration(arguments: list[str]) -> bytes:
    """Turn `--name value` into the lines of redis.conf, which redis reads from its input."""
    lines = ["bind 127.0.0.1"]
    for word in arguments:
        if word.startswith("--"):
            lines.append(word.removeprefix("--"))
        else:
            lines[-1] += f' "{word}"'
    return "\n".join([*lines, ""]).encode()
