"""One entry of the catalogue: a Secret with its values and keys, or what machines need; what is wrong with it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from generator.secrets.catalogue.model import (
    FORMS,
    MINIMUM_PASSWORD,
    RESERVED_VARIABLES,
    Constant,
    Derived,
    Form,
    Generator,
    MachineSecret,
    Secret,
    Value,
)
from generator.secrets.catalogue.scope import Scope
from generator.wording import did_you_mean

if TYPE_CHECKING:
    from enum import StrEnum

    from generator.secrets.catalogue.section import Section

    _Name = TypeVar("_Name", bound=StrEnum)


class Syntax(NamedTuple):
    """How a name is written, and what such a name is called."""

    what: str
    pattern: re.Pattern[str]


# kubernetes/apimachinery, pkg/util/validation
_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
NAMESPACE = Syntax("DNS label (a-z, 0-9, -; at most 63 characters)", re.compile(_LABEL))
SUBDOMAIN = Syntax(
    "DNS subdomain (labels of a-z, 0-9, - with dots between them)",
    re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*"),
)
_DATA_KEY = re.compile(r"(?!\.\.?$)[-._a-zA-Z0-9]{1,253}")
_LABEL_VALUE = re.compile(r"|[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_QUALIFIED = re.compile(
    rf"(?=[^/]{{1,253}}/|[^/]*$)({_LABEL}(\.{_LABEL})*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?"
)
# Others (PATH, AWS_SECRET_ACCESS_KEY, …) belong to other programs, and no catalogue may send them to a cluster.
_ENVIRONMENT = re.compile(r"FMC_[A-Z0-9_]+")
# What the API server demands of Secrets of these types (ValidateSecret in its pkg/apis/core/validation).
_TYPE_KEYS = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
}
_WAVE = re.compile(r"-?[0-9]{1,9}")
_DNS_NAME = re.compile(rf"(?=.{{1,253}}$)(\*\.)?{_LABEL}(\.{_LABEL})*")
_REGISTRY = re.compile(rf"(?=.{{1,253}}(:|$)){_LABEL}(\.{_LABEL})*(:[0-9]{{1,5}})?")

_SECRET_KEYS = (
    *("namespace", "name", "type", "labels", "annotations", "sync_wave", "description", "consumers"),
    *("values", "data", "revision_key", "noticed", "scope", "immutable"),
)
_OPTIONS = {
    Generator.PASSWORD: ("length", "max_age"),
    Generator.TOKEN: ("max_age",),
    Generator.EXTERNAL: ("env", "prompt", "max_age"),
    Generator.SSH_KEY: ("comment", "max_age"),
    Generator.WIREGUARD_KEY: ("max_age",),
    Generator.CERTIFICATE: ("names", "days"),
    Generator.AUTHORITY: (),
}
_LONGEST_AGE = 3650  # days
_PLAYBOOK = re.compile(r"[a-z0-9][-a-z0-9]*\.yml")
_FORM_OPTIONS = {Form.BCRYPT: ("cost",), Form.HTPASSWD: ("user", "cost"), Form.DOCKERCONFIGJSON: ("registry",)}


def read_secret(section: Section) -> Secret:
    """Read an entry; what is wrong with it becomes findings of the section."""
    section.only(_SECRET_KEYS)
    values = _values(section)
    wave = section.text("sync_wave", "")
    if wave and not _WAVE.fullmatch(wave):
        section.report("sync-wave", f"the wave {wave} is no whole number", key="sync_wave")
    secret = Secret(
        namespace=read_name(section, "namespace", NAMESPACE),
        name=read_name(section, "name", SUBDOMAIN),
        line=section.line,
        type=section.text("type", "Opaque"),
        labels=_labels(section, "labels", _LABEL_VALUE),
        annotations=_labels(section, "annotations", None),
        sync_wave=wave,
        description=section.text("description", ""),
        consumers=section.texts("consumers"),
        values={name: value for name, value in values.items() if value},
        data=_data(section, values),
        file=section.file,
        revision_key=section.flag("revision_key"),
        noticed=section.text("noticed", ""),
        scope=_one_of(section, "scope", Scope, "value", Scope.STRICT) or Scope.STRICT,
        immutable=section.flag("immutable"),
    )
    _require_keys(section, secret)
    return secret


def read_machine_secret(section: Section) -> MachineSecret:
    """Read an entry of the machines; what is wrong with it becomes findings of the section."""
    section.only(("name", "description", "consumers", "values"))
    values = _values(section, further=("playbook",))
    if not values:
        section.report("empty", "values is empty: nothing would be kept", key="values")
    return MachineSecret(
        name=read_name(section, "name", NAMESPACE),
        line=section.line,
        description=section.text("description", ""),
        consumers=section.texts("consumers"),
        values={name: value for name, value in values.items() if value},
        file=section.file,
    )


def _require_keys(section: Section, secret: Secret) -> None:
    """Report what the API server would refuse a Secret of its type for."""
    missing = [key for key in _TYPE_KEYS.get(secret.type, ()) if key not in secret.data]
    if secret.type == "kubernetes.io/basic-auth" and not {"username", "password"} & set(secret.data):
        missing = ["username or password"]
    if missing and secret.data:
        names = " and ".join(missing)
        section.report("type-keys", f"a Secret of the type {secret.type} needs the key {names}", key="data")


def read_name(section: Section, key: str, syntax: Syntax) -> str:
    """Read a name, and report one that Kubernetes would refuse."""
    name = section.text(key)
    if name and not syntax.pattern.fullmatch(name):
        section.report("name", f"{name} is no {syntax.what}", key=key)
    return name


def _labels(section: Section, key: str, syntax: re.Pattern[str] | None) -> dict[str, str]:
    labels = section.labels(key)
    for name, value in labels.items():
        if not _QUALIFIED.fullmatch(name):
            section.report("name", f"{name} is no name that Kubernetes takes for one of the {key}", key=key)
        if syntax and not syntax.fullmatch(value):
            section.report("name", f"{value} is no value that Kubernetes takes for one of the {key}", key=key)
    return labels


def _values(section: Section, further: tuple[str, ...] = ()) -> dict[str, Value | None]:
    """Read the values, with further options; None stands for one that has findings: its users are not blamed, too."""
    values = section.section("values", optional=True)
    found: dict[str, Value | None] = {}
    for name in values.names() if values else ():
        if values and not _DATA_KEY.fullmatch(name):
            values.report(
                "name", f"{name} is no name of a value (letters, digits, dots, dashes, underscores)", key=name
            )
        entry = values.section(name) if values else None
        generator = _one_of(entry, "generator", Generator, "unknown-generator") if entry else None
        found[name] = _value(entry, name, generator, further) if entry and generator else None
    return found


def _value(entry: Section, name: str, generator: Generator, further: tuple[str, ...]) -> Value:
    entry.only(("generator", *_OPTIONS[generator], *further))
    env = entry.text("env", "")
    if env and not _ENVIRONMENT.fullmatch(env):
        entry.report(
            "environment",
            f"{env} is no variable that supplies a secret: those begin with FMC_, in capital letters",
            key="env",
            fix=f"Call it {_variable(env)}.",
        )
    if env in RESERVED_VARIABLES:
        entry.report("environment", f"{env} is one of fmc's own variables, and no secret of a cluster", key="env")
    names = entry.texts("names")
    if generator is Generator.CERTIFICATE and not names:
        entry.report("missing", "names is missing: a certificate needs at least one DNS name", key="names")
    for dns_name in names:
        if not _DNS_NAME.fullmatch(dns_name):
            entry.report("name", f"{dns_name} is no DNS name", key="names")
    comment = entry.text("comment", "")
    if not comment.isprintable():
        entry.report("name", "the comment must be one printable line", key="comment")
    playbook = entry.text("playbook", "")
    if playbook and not _PLAYBOOK.fullmatch(playbook):
        entry.report("name", f"{playbook} is no file of infra/ansible/playbooks/", key="playbook")
    return Value(
        name=name,
        generator=generator,
        line=entry.line,
        # bcrypt refuses more than 72 bytes.
        length=entry.number("length", 32, MINIMUM_PASSWORD, 64),
        env=env,
        prompt=entry.text("prompt", ""),
        comment=comment,
        names=names,
        # What clients accept of private authorities, too.
        days=entry.number("days", 825, 1, 825),
        max_age=entry.number("max_age", 0, 0, _LONGEST_AGE),
        playbook=playbook,
    )


def _variable(env: str) -> str:
    """Return a name for a variable that supplies a secret, like one that can't be it, and none of fmc's own."""
    name = re.sub("[^A-Z0-9]+", "_", env.upper()).removeprefix("FMC_").strip("_") or "SECRET"
    return f"FMC_{name}" if f"FMC_{name}" not in RESERVED_VARIABLES else f"FMC_SECRET_{name}"


def _data(section: Section, values: dict[str, Value | None]) -> dict[str, Constant | Derived]:
    data = section.section("data")
    found: dict[str, Constant | Derived] = {}
    if data is None:
        return found
    for key in data.names():
        if not _DATA_KEY.fullmatch(key):
            data.report("name", f"{key} is no key of a Secret (letters, digits, dots, dashes, underscores)", key=key)
        entry = data.section(key)
        datum = _datum(entry, values) if entry else None
        if datum:
            found[key] = datum
    if data.is_empty():
        section.report("empty", "data is empty: a Secret without keys serves nobody", key="data")
    return found


def _datum(entry: Section, values: dict[str, Value | None]) -> Constant | Derived | None:
    if entry.has("text"):
        entry.only(("text",))
        return Constant(entry.text("text"))
    source = entry.text("from")
    form = _one_of(entry, "as", Form, "unknown-form", Form.RAW)
    if form is None:
        return None
    entry.only(("from", "as", *_FORM_OPTIONS.get(form, ())))
    value = values.get(source)
    if value is None:
        if source and source not in values:
            entry.report("unknown-value", f"no value is called {source}", key="from", fix=did_you_mean(source, values))
        return None
    if form not in FORMS[value.generator]:
        known = ", ".join(sorted(FORMS[value.generator]))
        entry.report(
            "form",
            f"the generator {value.generator} of {source} has no form {form}",
            key="as" if entry.has("as") else "from",
            fix=f"Known for {value.generator}: {known}.",
        )
    return Derived(source, form, _cost(entry, form), _user(entry, form), _registry(entry, form))


def _cost(entry: Section, form: Form) -> int:
    # Argo CD hashes at log-in, a proxy with htpasswd at each request.
    return entry.number("cost", 8 if form is Form.HTPASSWD else 10, 4, 15)


def _user(entry: Section, form: Form) -> str:
    if form is not Form.HTPASSWD:
        return ""
    user = entry.text("user")
    if ":" in user or not user.isprintable():
        entry.report("name", "the user of an htpasswd line has no colon and no line break", key="user")
    return user


def _registry(entry: Section, form: Form) -> str:
    if form is not Form.DOCKERCONFIGJSON:
        return ""
    registry = entry.text("registry")
    if registry and not _REGISTRY.fullmatch(registry):
        entry.report(
            "name", f"{registry} is no host of a registry, like docker.io or registry.example.com:5000", key="registry"
        )
    return registry


def _one_of(entry: Section, key: str, names: type[_Name], rule: str, default: _Name | None = None) -> _Name | None:
    given = entry.text(key, default)
    if not given:
        return None
    try:
        return names(given)
    except ValueError:
        entry.report(rule, f"{given} is not known", key=key, fix=did_you_mean(given, [*names]))
        return None
