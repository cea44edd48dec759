"""One row, its real chart, and everything that has to hold between the two."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from generator.mirror.references import images_of
from tests.real_charts import measure
from tests.real_charts.effect import without_effect
from tests.real_charts.render import Definitions, RenderError, parsed, render_text
from tests.template.argocd_tree import documents

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.real_charts.render import Object
    from tests.real_charts.source import Chart
    from tests.template.argocd_tree import Cluster
    from tests.template.components import Row


@dataclass
class Verdict:
    """What was found of one row.

    Attributes:
        row: It.
        chart: The chart that was rendered.
        objects: How many objects it makes at most, with any of the answers.
        leaves: How many values are rendered for it.
        idle: Those without an effect.
        images: The images of all that it makes, and of the manifests beside it.
        faults: What is wrong, one line each.
    """

    row: Row
    chart: Chart
    objects: int = 0
    leaves: int = 0
    idle: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def judge(
    row: Row, chart: Chart, clusters: Mapping[str, Cluster], definitions: Definitions, work: Path, *, effect: bool
) -> Verdict:
    """Render a chart with the values for each set of answers, and look at what comes out.

    Args:
        row: The row of the table.
        chart: Its real chart.
        clusters: What is rendered for each set of answers that has the row.
        definitions: Of all kinds, those that charts bring included.
        work: A folder for files.
        effect: Whether to take each value away in turn, which takes minutes.
    """
    verdict = Verdict(row, chart)
    sets = {name: cluster.values(row["name"]) for name, cluster in clusters.items()}

    def render(values: Mapping[str, Any]) -> str:
        return render_text(row, chart, values, work)

    found: dict[str, list[Object]] = {}
    measured = []
    for name, values in sets.items():
        try:
            text = render(values)
        except RenderError as error:
            verdict.faults.append(f"{name}: helm refuses the values: {error}")
            continue
        if render(values) != text:
            verdict.faults.append(f"{name}: two renderings are not the same")
        objects = parsed(text)
        verdict.objects = max(verdict.objects, len(objects))
        verdict.faults += [f"{name}: {fault}" for fault in definitions.faults(objects, work)]
        measured.append(measure.requests(objects))
        found[name] = objects + manifests_of(row, clusters[name])
    if not found:
        return verdict
    everything = [item for objects in found.values() for item in objects]
    verdict.images = images_of(everything)
    verdict.faults += _against_the_row(row, everything, measure.largest(measured), definitions)
    if effect:
        verdict.leaves, verdict.idle = without_effect(
            {name: sets[name] for name in found}, chart.defaults, _parsed_once(render)
        )
        verdict.faults += [f"{place} has no effect, and is not the chart's default" for place in verdict.idle]
    return verdict


def manifests_of(row: Row, cluster: Cluster) -> list[Object]:
    """Return the objects beside a chart."""
    folder = cluster.argocd / "platform" / row["name"] / "manifests"
    return [item for path in sorted(folder.glob("*.yaml")) for item in documents(path)]


def _parsed_once(render: Callable[[Mapping[str, Any]], str]) -> Callable[[Mapping[str, Any]], str]:
    """Return a rendering without its comments, which say what changed in no object."""

    def bare(values: Mapping[str, Any]) -> str:
        return "\n".join(line for line in render(values).splitlines() if not line.startswith("#"))

    return bare


def _against_the_row(
    row: Row, objects: list[Object], asked: Mapping[str, measure.Pair], definitions: Definitions
) -> list[str]:
    faults = []
    for place, pair in measure.of_row(row).items():
        if pair != asked[place]:
            faults.append(f"requests.{place} is {list(pair)}, the rendered pods ask for {list(asked[place])}")
    kinds = measure.cluster_wide(objects, definitions.scopes)
    faults += [f"kinds lacks {kind}" for kind in sorted(kinds - set(row["kinds"]))]
    faults += [f"kinds has {kind}, which it does not make" for kind in sorted(set(row["kinds"]) - kinds)]
    made = {(item["kind"].lower(), item["metadata"]["name"]) for item in objects}
    faults += [
        f"seen asks for {kind}/{name}, which it does not make"
        for kind, name in measure.named_in(row["seen"]["command"])
        if (kind, name) not in made
    ]
    used = measure.namespaces(objects, row["namespace"], definitions.scopes)
    permitted = {row["namespace"], *row.get("further", {}), *row.get("writes", [])}
    faults += [f"it writes to {name}, which neither further nor writes has" for name in sorted(used - permitted)]
    faults += [f"writes has {name}, where nothing of it lies" for name in sorted(set(row.get("writes", [])) - used)]
    return faults
