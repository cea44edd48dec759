"""Names of time zones that every machine of a cluster has, out of the IANA database that the package tzdata brings.

Debian 13 moved the old names (`US/Eastern`, `Asia/Calcutta`) to a package of its own, tzdata-legacy, which its cloud
image lacks: cloud-init and timedatectl refuse them. A name stays good as long as it is a zone of the database by
itself, or stands in its list of places (zone.tab, zone1970.tab) although its clock is that of another one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from generator.wording import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

_EXAMPLE = "Use the name of a place, like Europe/Madrid, or Etc/UTC."
# Trees of `zic -b fat`, with and without leap seconds; the same names follow.
_VARIANTS = ("posix/", "right/")
_OFFERED = 3


@dataclass(frozen=True)
class _Database:
    """The names that machines have, and the old names with the name that took their place."""

    names: frozenset[str]
    links: Mapping[str, str]


def time_zone_fault(name: str) -> tuple[str, str]:
    """Return what is wrong with the name of a time zone and what to do; two empty texts for a good one."""
    database = _database()
    if name in database.names:
        return "", ""
    shown = printable(name, 60)
    if name in database.links:
        good = _end(name, database)
        return f"{shown} is an old name of {good}, which not every system of the cluster has", f"Use {good}."
    for variant in _VARIANTS:
        bare = name.removeprefix(variant)
        if bare != name and (bare in database.names or bare in database.links):
            return f"{shown} is a variant of {bare} that the machines do not have", f"Use {_end(bare, database)}."
    near = near_time_zones(name)
    fix = f"Did you mean {' or '.join(near)}?" if near else _EXAMPLE
    return f"there is no time zone {shown}", fix


def near_time_zones(text: str) -> tuple[str, ...]:
    """Return the names that somebody may mean who types a city, a part of a name, or a misspelt one; best first."""
    import difflib

    database = _database()
    wanted = "_".join(text.split()).casefold()[:60]
    if not wanted:
        return ()
    by_place: dict[str, list[str]] = {}
    for name in sorted(database.names | database.links.keys()):
        by_place.setdefault(name.casefold(), []).append(name)
        by_place.setdefault(name.rpartition("/")[2].casefold(), []).append(name)
    exact = by_place.get(wanted, [])
    started = [
        name for place, names in by_place.items() if len(wanted) > 2 and place.startswith(wanted) for name in names
    ]
    misspelt = difflib.get_close_matches(wanted, by_place, n=_OFFERED, cutoff=0.75)
    found = exact or started or [name for place in misspelt for name in by_place[place]]
    return tuple(dict.fromkeys(_end(name, database) for name in found))[:_OFFERED]


def _end(name: str, database: _Database) -> str:
    """Return the good name behind a name; links may lead to links."""
    while name not in database.names and name in database.links:
        name = database.links[name]
    return name


@cache
def _database() -> _Database:
    rules = _text("tzdata.zi")
    zones = re.findall(r"^Z (\S+)", rules, re.MULTILINE)
    links = {name: target for target, name in re.findall(r"^L (\S+) (\S+)", rules, re.MULTILINE)}
    places = re.findall(r"^\w[^\t]*\t[^\t]+\t([^\t\n]+)", _text("zone.tab") + _text("zone1970.tab"), re.MULTILINE)
    # Zones without a place (Factory, EST5EDT) are kept by the database for old settings alone.
    names = frozenset(name for name in (*zones, *places) if "/" in name)
    return _Database(names, {name: target for name, target in links.items() if name not in names})


def _text(file: str) -> str:
    """Return a file of the database; zic(8) and the heads of the tables say what its lines are."""
    return files("tzdata").joinpath("zoneinfo", file).read_text("utf-8")
