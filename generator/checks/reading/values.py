"""The values that Argo CD's Applications give to their charts, as far as they stand in the trees."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from generator.checks.reading.kubernetes_objects import mapping, pointer, sequence, text
from generator.findings import Flaw

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from generator.checks.reading.applications import Application, ApplicationSource
    from generator.checks.reading.inventory import Inventory
    from generator.checks.reading.source_files import SourceFile
    from generator.checks.reading.yamlgo import Step, YamlDocument
    from generator.findings import Severity


@dataclass(frozen=True)
class ValuesFile:
    """A file with values.

    Attributes:
        file: The file.
        document: What it holds.
    """

    file: SourceFile
    document: YamlDocument

    @property
    def values(self) -> dict[str, Any]:
        """Return its values."""
        return mapping(self.document.value)

    def flaw(self, message: str, *path: Step, fix: str = "", severity: Severity | None = None) -> Flaw:
        """Return what is wrong at a place in it."""
        line = self.document.line_of(path)
        return Flaw(self.file.name, line, message, path=pointer(path), fix=fix, severity=severity)


@dataclass(frozen=True)
class ChartValues:
    """What an Application gives to a chart.

    Attributes:
        app: The Application.
        chart: Name of the chart.
        files: The files that are there, in the order in which later ones win.
        merged: What comes of them.
    """

    app: Application
    chart: str
    files: tuple[ValuesFile, ...]
    merged: Mapping[str, Any] = field(hash=False)

    def get(self, *path: str) -> Any:
        """Return a value; None where there is none."""
        value: Any = self.merged
        for step in path:
            value = mapping(value).get(step)
        return value

    def flaw(self, message: str, *path: Step, fix: str = "", severity: Severity | None = None) -> Flaw:
        """Return what is wrong at a place: in the last file that sets it, else in the first one."""
        setting = [file for file in self.files if _has(file.values, path)]
        return (setting or list(self.files))[-1 if setting else 0].flaw(message, *path, fix=fix, severity=severity)


def chart_values(inventory: Inventory) -> Iterator[ChartValues]:
    """Yield the values of each chart whose values files lie in the trees."""
    by_place = {(file.part, file.path): (file, docs) for file, docs in inventory.contents.others.items()}
    for app in inventory.applications:
        for source in app.sources:
            if not source.is_chart:
                continue
            places = (inventory.locator.locate(*given) for given in _given_files(app, source))
            found = [by_place[place] for place in places if place in by_place]
            files = tuple(ValuesFile(file, document) for file, documents in found for document in documents)
            if files:
                merged: dict[str, Any] = {}
                for file in files:
                    merged = _merge(merged, file.values)
                yield ChartValues(app, text(source.value.get("chart")), files, merged)


def _given_files(app: Application, source: ApplicationSource) -> Iterator[tuple[str, str]]:
    """Yield URL and path of each values file that comes from another source: `$ref/path`."""
    references = {text(other.value.get("ref")): other for other in app.sources if other.value.get("ref")}
    for given in sequence(mapping(source.value.get("helm")).get("valueFiles")):
        name, _, path = text(given).partition("/")
        if name.startswith("$") and name[1:] in references:
            yield references[name[1:]].url, path


def _merge(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Merge as Helm does: mappings key by key, all else is replaced."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(merged.get(key), dict) and isinstance(value, dict)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _has(value: Any, path: tuple[Step, ...]) -> bool:
    for step in path:
        if not isinstance(value, dict) or step not in value:
            return False
        value = value[str(step)]
    return True
