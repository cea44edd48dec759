"""Reading `secrets/catalogue.yaml`: all of its findings at once, each with its line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from generator.errors import BadInputError, CatalogueError
from generator.inputs import read_bounded
from generator.secrets.catalogue.model import (
    CATALOGUE,
    FORMS,
    MINIMUM_PASSWORD,
    Catalogue,
    Constant,
    Derived,
    Form,
    Generator,
    Secret,
    Value,
)
from generator.secrets.catalogue.section import LIMITS, read_document
from generator.wording import did_you_mean

if TYPE_CHECKING:
    from enum import StrEnum
    from pathlib import Path

    from generator.findings import Finding
    from generator.secrets.catalogue.section import Section

    _Name = TypeVar("_Name", bound=StrEnum)

VERSION = 1


class _Syntax(NamedTuple):
    what: str
    pattern: re.Pattern[str]


# kubernetes/apimachinery, pkg/util/validation
_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_NAMESPACE = _Syntax("DNS label (a-z, 0-9, -; at most 63 characters)", re.compile(_LABEL))
_SUBDOMAIN = _Syntax(
    "DNS subdomain (labels of a-z, 0-9, - with dots between them)",
    re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*"),
)
_DATA_KEY = re.compile(r"(?!\.\.?$)[-._a-zA-Z0-9]{1,253}")
_LABEL_VALUE = re.compile(r"|[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_QUALIFIED = re.compile(
    rf"(?=[^/]{{1,253}}/|[^/]*$)({_LABEL}(\.{_LABEL})*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?"
)
_ENVIRONMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WAVE = re.compile(r"-?[0-9]{1,9}")
_DNS_NAME = re.compile(rf"(?=.{{1,253}}$)(\*\.)?{_LABEL}(\.{_LABEL})*")

_SECRET_KEYS = (
    *("namespace", "name", "type", "labels", "annotations", "sync_wave", "description", "consumers"),
    *("values", "data"),
)
_OPTIONS = {
    Generator.PASSWORD: ("length",),
    Generator.EXTERNAL: ("env", "prompt"),
    Generator.SSH_KEY: ("comment",),
    Generator.CERTIFICATE: ("names", "days"),
}
_FORM_OPTIONS = {Form.BCRYPT: ("cost",), Form.HTPASSWD: ("user", "cost")}


def read_catalogue(root: Path) -> Catalogue:
    """Read the catalogue of a repository.

    Args:
        root: Folder that holds `secrets/`.

    Raises:
        BadInputError: There is none, or it can't be read.
        CatalogueError: It has findings.
    """
    path = root / CATALOGUE
    try:
        content = read_bounded(path, LIMITS.bytes)
    except BadInputError as error:
        message = error.message.replace(str(path), "the catalogue of secrets")
        fix = "Render the repository first (fmc new), or restore the file from Git."
        raise BadInputError(message, where=str(path), fix=fix) from error
    return parse_catalogue(content, where=str(path))


def parse_catalogue(text: str | bytes, *, where: str) -> Catalogue:
    """Parse the text of a catalogue.

    Args:
        text: The content of the file.
        where: The file, for messages.

    Raises:
        CatalogueError: It has findings.
    """
    findings: list[Finding] = []
    top = read_document(text.encode() if isinstance(text, str) else text, CATALOGUE, findings)
    catalogue = _catalogue(top) if top else None
    if findings or catalogue is None:
        raise CatalogueError("the catalogue of secrets can't be used", findings, where=where)
    return catalogue


def _catalogue(top: Section) -> Catalogue:
    top.only(("version", "cluster", "sealing_key", "secrets"))
    if top.number("version", 0, 0, 2**31) != VERSION:
        top.report("version", f"version must be {VERSION}, the one that this fmc reads", key="version")
    cluster = _named(top, "cluster", _NAMESPACE)
    key_namespace = key_name = ""
    if key := top.section("sealing_key"):
        key.only(("namespace", "name"))
        key_namespace, key_name = _named(key, "namespace", _NAMESPACE), _named(key, "name", _SUBDOMAIN)
    secrets: dict[str, Secret] = {}
    for section in top.sections("secrets"):
        secret = _secret(section)
        if secret.namespace and secret.name and secret.id in secrets:
            section.report("duplicate", f"{secret.id} is already in line {secrets[secret.id].line}", key="name")
        secrets.setdefault(secret.id, secret)
    return Catalogue(cluster, key_namespace, key_name, tuple(secrets.values()))


def _secret(section: Section) -> Secret:
    section.only(_SECRET_KEYS)
    values = _values(section)
    wave = section.text("sync_wave", "")
    if wave and not _WAVE.fullmatch(wave):
        section.report("sync-wave", f"the wave {wave} is no whole number", key="sync_wave")
    return Secret(
        namespace=_named(section, "namespace", _NAMESPACE),
        name=_named(section, "name", _SUBDOMAIN),
        line=section.line,
        type=section.text("type", "Opaque"),
        labels=_labels(section, "labels", _LABEL_VALUE),
        annotations=_labels(section, "annotations", None),
        sync_wave=wave,
        description=section.text("description", ""),
        consumers=section.texts("consumers"),
        values={name: value for name, value in values.items() if value},
        data=_data(section, values),
    )


def _named(section: Section, key: str, syntax: _Syntax) -> str:
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


def _values(section: Section) -> dict[str, Value | None]:
    """Read the values; None stands for one that has findings, so that its users are not blamed, too."""
    values = section.section("values", optional=True)
    found: dict[str, Value | None] = {}
    for name in values.names() if values else ():
        entry = values.section(name) if values else None
        generator = _one_of(entry, "generator", Generator, "unknown-generator") if entry else None
        found[name] = _value(entry, name, generator) if entry and generator else None
    return found


def _value(entry: Section, name: str, generator: Generator) -> Value:
    entry.only(("generator", *_OPTIONS[generator]))
    env = entry.text("env", "")
    if env and not _ENVIRONMENT.fullmatch(env):
        entry.report("name", f"{env} is no name of an environment variable", key="env")
    names = entry.texts("names")
    if generator is Generator.CERTIFICATE and not names:
        entry.report("missing", "names is missing: a certificate needs at least one DNS name", key="names")
    for dns_name in names:
        if not _DNS_NAME.fullmatch(dns_name):
            entry.report("name", f"{dns_name} is no DNS name", key="names")
    comment = entry.text("comment", "")
    if not comment.isprintable():
        entry.report("name", "the comment must be one printable line", key="comment")
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
    )


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
    return Derived(source, form, _cost(entry, form), _user(entry, form))


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


def _one_of(entry: Section, key: str, names: type[_Name], rule: str, default: _Name | None = None) -> _Name | None:
    given = entry.text(key, default)
    if not given:
        return None
    try:
        return names(given)
    except ValueError:
        entry.report(rule, f"{given} is not known", key=key, fix=did_you_mean(given, [*names]))
        return None
