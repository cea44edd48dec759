"""What is wrong with an app as somebody describes it: everything at once, each with a remedy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from generator.apps import ruleset
from generator.apps.request import ENVIRONMENTS, GENERATORS, LAST, App, Environment, Given, OwnSecret, namespace_of
from generator.errors import BadInputError, RequestError
from generator.findings import Finding
from generator.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from writeback.image import Image

    from generator.apps.surroundings import Surroundings
    from generator.findings import Rule

# RFC 1035, as Kubernetes wants the names of Services; those of everything else are less strict.
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST_NAMESPACE = 63
_PATH = re.compile(r"/[A-Za-z0-9._~/-]*")
_LAST_PORT = 65535
# With more, limits/NAME.yaml has no room for the pods that come first when others are replaced: a quarter, of 256 MiB.
_MOST_REPLICAS = 12


def is_name(text: str) -> bool:
    """Tell whether an app may be called so."""
    return _NAME.fullmatch(text) is not None


def read_request(given: Given, around: Surroundings, read_image: Callable[[str], Image]) -> App:
    """Return the app that somebody describes.

    Args:
        given: The description.
        around: What others have already.
        read_image: Reads an image, and refuses what pipelines refuse.

    Raises:
        RequestError: Something is wrong; it holds every finding.
    """
    judge = _Judge(given, around)
    image = judge.image(read_image)
    judge.name()
    port = judge.port()
    names = judge.environments()
    hosts, replicas = judge.hosts(names), judge.replicas(names)
    secrets = judge.secrets()
    if judge.findings:
        raise RequestError(f"{given.name} can't be added as it is described; nothing was written", judge.findings)
    environments = tuple(Environment(name, hosts.get(name, ""), replicas.get(name, 1), image) for name in names)
    return App(given.name, port, given.health, environments, secrets, str(image) if given.source else "")


class _Judge:
    """Reads one description, and keeps what is wrong with it."""

    def __init__(self, given: Given, around: Surroundings) -> None:
        self._given, self._around = given, around
        self.findings: list[Finding] = []

    def _wrong(self, rule: Rule, path: str, message: str, fix: str) -> None:
        self.findings.append(Finding("", 0, rule.id, message, path=path, fix=fix))

    def name(self) -> None:
        """Judge the app's name."""
        name = self._given.name
        if not is_name(name):
            message = f"{name!r} is no name that a Service may have"
            fix = "Begin with a letter; use lower-case letters, digits and dashes, like shop or shop-api."
            self._wrong(ruleset.NAME, "NAME", message, fix)
        elif name in self._around.names:
            message = f"{name} is what the template calls something of its own, now or with other answers"
            self._wrong(ruleset.NAME, "NAME", message, "Choose another name.")

    def image(self, read_image: Callable[[str], Image]) -> Image | None:
        """Judge the image, by the one rule that pipelines have."""
        try:
            return read_image(self._given.image)
        except BadInputError as error:
            self._wrong(ruleset.IMAGE, "--image", error.message, error.fix or "")
            return None

    def port(self) -> int:
        """Judge the port, and the path that is asked there."""
        given = self._given
        number = int(given.port) if re.fullmatch(r"[0-9]{1,5}", given.port) else 0
        if not 1 <= number <= _LAST_PORT:
            message = f"{given.port!r} is no port"
            self._wrong(ruleset.PORT, "--port", message, f"Give a number from 1 to {_LAST_PORT}.")
        if given.health and not _PATH.fullmatch(given.health):
            message = f"{given.health!r} is no path"
            self._wrong(ruleset.PORT, "--health", message, "Begin with a slash, like /healthz.")
        return number

    def environments(self) -> tuple[str, ...]:
        """Judge the environments, and their namespaces."""
        names = tuple(dict.fromkeys(self._given.environments or ENVIRONMENTS))
        for name in names:
            namespace = namespace_of(self._given.name, name)
            if not _LABEL.fullmatch(name):
                message = f"{name!r} is no name of an environment"
                fix = "Use lower-case letters, digits and dashes, like staging."
            elif len(namespace) > _LONGEST_NAMESPACE:
                message = f"the namespace {namespace} would have {len(namespace)} characters"
                fix = f"Choose shorter names: Kubernetes takes {_LONGEST_NAMESPACE} of both and the dash."
            elif namespace in self._around.namespaces:
                message = f"the namespace {namespace} is in {self._around.namespaces[namespace]} already"
                fix = "Call app or environment otherwise."
            else:
                continue
            self._wrong(ruleset.ENVIRONMENT, "--env", message, fix)
        return names

    def hosts(self, names: tuple[str, ...]) -> dict[str, str]:
        """Judge the host of each environment."""
        given = self._by_environment(ruleset.HOST, "--host", self._given.hosts, names)
        if not self._around.ingress:
            if given:
                message = "there is no ingress that could lead to a host"
                fix = "Leave --host out, or add traefik to the answer `components` and run `fmc new` first."
                self._wrong(ruleset.HOST, "--host", message, fix)
            return {}
        named = {name: self._given.name if name == LAST else namespace_of(self._given.name, name) for name in names}
        # What is wrong with a name was said already.
        usual = {name: label for name, label in named.items() if _LABEL.fullmatch(label)}
        domain = self._around.domain
        hosts = {name: host if "." in host else f"{host}.{domain}" for name, host in {**usual, **given}.items()}
        for name, host in hosts.items():
            self._host(host, [one for one in hosts if one != name and hosts[one] == host])
        return hosts

    def _host(self, host: str, also: list[str]) -> None:
        label, _, rest = host.partition(".")
        example = f"like {_example(self._given.name)}.{self._around.domain}"
        if rest != self._around.domain or not _LABEL.fullmatch(label):
            message = f"{host} is not one name below {self._around.domain}: no certificate of the ingress is for it"
            self._wrong(ruleset.HOST, "--host", message, f"Give a name below that domain, {example}.")
        elif host in self._around.hosts:
            message = f"{host} belongs to {self._around.hosts[host]} already"
            self._wrong(ruleset.HOST, "--host", message, "Give another one with `--host ENVIRONMENT=NAME`.")
        elif also:
            message = f"{host} would belong to two environments, {also[0]} for one"
            self._wrong(ruleset.HOST, "--host", message, "Give each of them a host of its own.")

    def replicas(self, names: tuple[str, ...]) -> dict[str, int]:
        """Judge the number of pods of each environment."""
        for_all = [text for text in self._given.replicas if "=" not in text]
        some = [text for text in self._given.replicas if "=" in text]
        texts = {name: text for text in for_all for name in names}
        texts |= self._by_environment(ruleset.REPLICAS, "--replicas", some, names)
        numbers = {name: int(text) if re.fullmatch(r"[0-9]{1,3}", text) else 0 for name, text in texts.items()}
        for name, number in numbers.items():
            if not 1 <= number <= _MOST_REPLICAS:
                message = f"{texts[name]} is no number of pods for {name}"
                fix = f"Give one from 1 to {_MOST_REPLICAS}; for more, raise limits/{self._given.name}.yaml afterwards."
                self._wrong(ruleset.REPLICAS, "--replicas", message, fix)
        return numbers

    def secrets(self) -> tuple[OwnSecret, ...]:
        """Judge the secrets."""
        found: dict[str, OwnSecret] = {}
        for text in self._given.secrets:
            name, is_told, generator = text.partition("=")
            generator = generator if is_told else GENERATORS[0]
            if not _LABEL.fullmatch(name) or name in found:
                message = f"{name!r} is no name of a secret" if name not in found else f"{name} is there twice"
                fix = "Use lower-case letters, digits and dashes, each name once, like database-password."
                self._wrong(ruleset.SECRET, "--secret", message, fix)
            if generator not in GENERATORS:
                message = f"{generator!r} makes no text"
                self._wrong(ruleset.SECRET, "--secret", message, did_you_mean(generator, GENERATORS))
            found[name] = OwnSecret(name, generator)
        return tuple(found.values())

    def _by_environment(self, rule: Rule, option: str, texts: Iterable[str], names: tuple[str, ...]) -> dict[str, str]:
        """Read `ENVIRONMENT=VALUE`."""
        found: dict[str, str] = {}
        for text in texts:
            name, sign, value = text.partition("=")
            if not sign or not value or name not in names:
                message = f"{text!r} names none of the environments {', '.join(names)}"
                self._wrong(rule, option, message, f"Write it as `{option} {names[-1]}=VALUE`.")
            found[name] = value
        return {name: value for name, value in found.items() if name in names and value}


def _example(name: str) -> str:
    return name if _LABEL.fullmatch(name) else "shop"
