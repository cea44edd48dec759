"""The table of components, and what a component has to consist of: its row, its folder, and its choice."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import jinja2
import yaml
from jinja2_ansible_filters import AnsibleCoreFiltersExtension

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Row = dict[str, Any]

TABLE = "lib/components.jinja"
LEVELS = ("privileged", "baseline", "restricted")
REMOVALS = {"cascade", "confirm", "keep"}
_COMMON: dict[str, type] = {"name": str, "choice": str, "needs": list, "secrets": dict}
_APPLICATION: dict[str, type] = {
    "wave": int,
    "why": str,
    "namespace": str,
    "level": dict,
    "kinds": list,
    "removal": dict,
    "manifests": bool,
    "hosts": dict,
    "requests": dict,
    "seen": dict,
}
_CHART: dict[str, type] = {"chart": str, "repository": str, "version": str}
_BESIDES: dict[str, type] = {"further": dict, "writes": list}
_APP: dict[str, type] = {"environments": dict}


def environment(root: Path) -> jinja2.Environment:
    """Return Jinja as Copier sets it up for a template."""
    settings = yaml.safe_load((root / "copier.yml").read_text())
    options = {**settings["_envops"], "undefined": jinja2.StrictUndefined}
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(root), extensions=[AnsibleCoreFiltersExtension], autoescape=False, **options
    )


def read_table(root: Path) -> list[Row]:
    """Return the rows of a template's table."""
    module: Any = environment(root).get_template(TABLE).module
    return list(json.loads(json.dumps(module.table)))


def is_chart(row: Row) -> bool:
    """Return whether a row has a Helm chart."""
    return "chart" in row


def is_application(row: Row) -> bool:
    """Return whether a row has an Application, and is no app of the repository apps."""
    return "environments" not in row


def is_there(row: Row, answers: Mapping[str, Any]) -> bool:
    """Return whether these answers choose a row."""
    return not row["choice"] or row["choice"] in answers["components"]


def folder(root: Path, row: Row) -> Path:
    """Return the folder of the template that holds a component's files of the repository argocd."""
    condition = f"'{row['choice']}' in components" if row["choice"] else f"'{row['name']}'"
    return root / "templates/argocd" / f"#% if {condition} %#.#% endif %#"


def choices(root: Path) -> list[str]:
    """Return the choices of the question `components`."""
    question = yaml.safe_load((root / "copier.yml").read_text())["components"]
    return list(question["choices"].values())


def incomplete(root: Path) -> Iterator[str]:
    """Yield what each component of a template lacks, one line each; nothing where all of them are complete.

    Args:
        root: The folder that holds copier.yml.
    """
    rows = read_table(root)
    names = [row["name"] for row in rows]
    yield from (f"{TABLE}: {name} stands there twice" for name in sorted({n for n in names if names.count(n) > 1}))
    offered = choices(root)
    for row in rows:
        if faults := list(_fields(row, rows)):
            yield from (f"{TABLE}: {row['name']}: {fault}" for fault in faults)
            continue
        if row["choice"] and row["choice"] not in offered:
            yield f"copier.yml: the question components does not offer {row['choice']}"
        yield from _files(root, row)
    hosts = [host for row in rows for host in _hosts(row)]
    yield from (
        f"{TABLE}: the host {host} stands there twice" for host in sorted({h for h in hosts if hosts.count(h) > 1})
    )
    for name in offered:
        if name not in [row["choice"] for row in rows]:
            yield f"{TABLE}: no row for {name}, which the question components offers"
    for place in sorted((root / "templates/argocd").iterdir()):
        if place.name.endswith(".#% endif %#") and place not in [folder(root, row) for row in rows]:
            yield f"{TABLE}: no row for the folder {place.relative_to(root)}"


def _fields(row: Row, rows: list[Row]) -> Iterator[str]:
    """Yield what is wrong with a row; its sense is looked at where all fields are of their types."""
    wanted = _COMMON | (_APPLICATION if is_application(row) else _APP) | (_CHART if is_chart(row) else {})
    wanted |= {name: kind for name, kind in _BESIDES.items() if name in row}
    faults = [f"the field {name} is {'unknown' if name in row else 'missing'}" for name in row.keys() ^ wanted.keys()]
    faults += [f"{name} is no {kind.__name__}" for name, kind in wanted.items() if not isinstance(row.get(name), kind)]
    if faults:
        yield from sorted(faults)
        return
    yield from _needs(row, rows)
    if is_application(row):
        yield from _settings(row)


def _hosts(row: Row) -> Iterator[str]:
    hosts = row.get("hosts", {}) if is_application(row) else row["environments"].values()
    yield from hosts


def _needs(row: Row, rows: list[Row]) -> Iterator[str]:
    for need in row["needs"]:
        of_choice = [other for other in rows if other["choice"] == need]
        if not of_choice:
            yield f"needs {need}, of which there is no row"
        elif is_application(row) and min(other["wave"] for other in of_choice) >= row["wave"]:
            yield f"needs {need}, which does not come in an earlier wave"


def _settings(row: Row) -> Iterator[str]:
    if row["level"] and sorted(row["level"]) != ["ha", "single"]:
        yield "level names other profiles than ha and single"
    levels = [*row["level"].values(), *row.get("further", {}).values()]
    yield from (f"{level} is no pod security level" for level in levels if level not in LEVELS)
    if sorted(row["removal"]) != ["private", "public"] or not set(row["removal"].values()) <= REMOVALS:
        yield f"removal is not one of {', '.join(sorted(REMOVALS))} for each exposure, private and public"
    yield from (f"{kind} is not group/Kind" for kind in row["kinds"] if kind.count("/") != 1)
    if not row["why"].strip():
        yield "why is empty"
    if sorted(row["requests"]) != ["node", "once", "worker"] or any(
        len(pair) != 2 for pair in row["requests"].values()
    ):
        yield "requests is not a pair of CPU and memory for each of once, node, worker"
    if sorted(row["seen"].keys() - {"there"}) != ["command", "what"] or not row["seen"]["command"].startswith(
        "kubectl "
    ):
        yield "seen does not say which command of kubectl shows that it works, and what"
    for host, service in row["hosts"].items():
        if sorted(service) != ["password", "user", "what"] or bool(service["user"]) is not bool(service["password"]):
            yield f"the host {host} does not say what is there, who logs in, and with which password"


def _files(root: Path, row: Row) -> Iterator[str]:
    """Yield the files of a component's folder that are missing, or not announced in its row."""
    name, place = row["name"], folder(root, row)
    shown = place.relative_to(root)
    if not place.is_dir():
        yield f"there is no folder {shown}"
        return
    if is_application(row):
        wanted = [f"applications/{name}.yaml.jinja"]
        wanted += [f"platform/{name}/values.user.yaml"] if is_chart(row) else []
        wanted += [f"namespaces/{name}.yaml.jinja"] if row["level"] or row.get("further") else []
        if is_chart(row) and not list(place.glob(f"platform/{name}/values.yaml*")):
            yield f"there is no {shown}/platform/{name}/values.yaml"
        manifests = place / f"platform/{name}/manifests"
        if manifests.is_dir() is not row["manifests"]:
            found = "there is" if manifests.is_dir() else "there is no"
            yield f"{TABLE}: {name}: manifests is {row['manifests']}, and {found} {manifests.relative_to(root)}"
    else:
        wanted = [f"{kind}/{name}.yaml.jinja" for kind in ("projects", "namespaces", "limits")]
        app = root / "templates/apps/apps" / f"#% if '{name}' in components %#{name}#% endif %#"
        if not app.is_dir():
            yield f"there is no folder {app.relative_to(root)}"
    wanted += ["secrets.part"] if row["secrets"] else []
    yield from (f"there is no {shown}/{file}" for file in wanted if not (place / file).is_file())


def matches(secret: str, row: Row) -> bool:
    """Return whether a row names a Secret, `namespace/name`."""
    return any(fnmatchcase(secret, pattern) for pattern in row["secrets"])
