"""What a forked fmc does quicker than a real one, where no test that forks it can tell the difference.

The real ones are seen by tests that don't: of keys (tests/secrets), of writing (tests/test_files.py), of rendering
(tests/copier, tests/template), and by those of the installed wheel, which start processes (tests/packaging).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import bcrypt

import generator.pipeline.new
import generator.template.again
from generator.answers.load import load
from generator.answers.questionnaire import Questionnaire
from generator.answers.remembered import _digest
from generator.secrets.vault.keys import generate_sealing_key
from generator.template import source
from generator.template.render import render_layout
from tests.pipeline.read_ahead import ReadAhead

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from generator.template.source import TemplateSource

_ROOT = Path(__file__).parents[2]
_LOWEST_COST = 4
_READ_BY_COPIER = ("copier.yml", "lib", "templates")


def take_shortcuts(folder: Path) -> ReadAhead:
    """Change this process, and those that are forked from it.

    Args:
        folder: Where renderings are kept, for all processes that are given it.
    """
    # What was rendered before is copied: template, answers and layout alone decide on it.
    rendering = partial(_render_or_copy, folder)
    for module in (generator.pipeline.new, generator.template.again):
        module.render_layout = rendering  # type: ignore[attr-defined]
    # A key of 4096 bits takes ten times as long, a hash at the cost of 10 sixty times as long as at the lowest.
    generate_sealing_key.__defaults__ = (2048,)
    salt = bcrypt.gensalt
    bcrypt.gensalt = lambda rounds=12, prefix=b"2b": salt(min(rounds, _LOWEST_COST), prefix)
    # A killed process loses nothing that was written; a machine without power is out of reach.
    os.fsync = lambda fd: None
    # This work tree stays at its commit, and its template says the same of the same answers.
    source._describe = _known_of(_ROOT, source._describe)  # type: ignore[assignment] # its argument has a name
    Questionnaire._rendered = _once(Questionnaire._rendered)  # type: ignore[method-assign]
    load(_ROOT / "examples" / "ha.yaml", _ROOT)
    return ReadAhead(folder)


def _known_of(place: Path, describe: Callable[[Path], str]) -> Callable[[Path], str]:
    """Return a way to describe checkouts that knows what one of them is."""
    known = describe(place)
    return lambda checkout: known if checkout == place else describe(checkout)


def _once(render: Callable[[Questionnaire, str, Mapping[str, object]], str]) -> Callable[..., str]:
    """Return a way to render a text of the template with answers that renders none twice."""
    known: dict[str, str] = {}

    def rendered(questionnaire: Questionnaire, text: str, answers: Mapping[str, object]) -> str:
        key = _digest((text, dict(answers)))
        if key is None or questionnaire.root != _ROOT:
            return render(questionnaire, text, answers)
        if key not in known:
            known[key] = render(questionnaire, text, answers)
        return known[key]

    return rendered


def _render_or_copy(
    folder: Path, template: TemplateSource, data: Mapping[str, object], layout: str, destination: Path
) -> None:
    """Do what `render_layout` does; where that fails, or a copy does, it is that which says so."""
    if destination.exists():
        render_layout(template, data, layout, destination)
        return
    kept = folder / f"{layout}-{_key(template, data, layout)}"
    try:
        shutil.copytree(kept, destination, symlinks=True, copy_function=shutil.copy)
    except OSError:
        shutil.rmtree(destination, ignore_errors=True)
    else:
        return
    render_layout(template, data, layout, destination)
    folder.mkdir(exist_ok=True)
    new = Path(mkdtemp(dir=folder)) / "rendering"
    shutil.copytree(destination, new, symlinks=True, copy_function=shutil.copy)
    # Somebody may have been faster.
    with suppress(OSError):
        new.rename(kept)


def _key(template: TemplateSource, data: Mapping[str, object], layout: str) -> str:
    """Return a digest of what decides on a rendering; of the template, when its files were changed."""
    paths = [str(template.root / name) for name in _READ_BY_COPIER]
    paths += [
        f"{root}/{name}" for folder in paths for root, *names in os.walk(folder) for name in chain.from_iterable(names)
    ]
    stamps = [
        (path, found.st_mtime_ns, found.st_size, found.st_mode) for path in sorted(paths) if (found := os.lstat(path))
    ]
    os.umask(mask := os.umask(0))
    text = json.dumps([stamps, template.origin, data, layout, mask], sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()
