"""What a forked fmc does quicker than a real one, where no test that forks it can tell the difference.

The real ones are seen by tests that don't: of keys (tests/secrets), of writing (tests/test_files.py), of rendering
(tests/copier, tests/template), and by those of the installed wheel, which start processes (tests/packaging).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from functools import partial
from itertools import chain
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import generator.pipeline.new
import generator.template.again
from generator.secrets.vault.keys import generate_sealing_key
from generator.template.render import render_layout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.template.source import TemplateSource

_READ_BY_COPIER = ("copier.yml", "lib", "templates")


def take_shortcuts(folder: Path) -> None:
    """Change this process, and those that are forked from it.

    Args:
        folder: Where renderings are kept.
    """
    # What was rendered before is copied: template, answers and layout alone decide on it.
    rendering = partial(_render_or_copy, folder)
    for module in (generator.pipeline.new, generator.template.again):
        module.render_layout = rendering  # type: ignore[attr-defined]
    # A key of 4096 bits takes ten times as long.
    generate_sealing_key.__defaults__ = (2048,)
    # A killed process loses nothing that was written; a machine without power is out of reach.
    os.fsync = lambda fd: None


def _render_or_copy(
    folder: Path, source: TemplateSource, data: Mapping[str, object], layout: str, destination: Path
) -> None:
    """Do what `render_layout` does; where that fails, or a copy does, it is that which says so."""
    if destination.exists():
        render_layout(source, data, layout, destination)
        return
    kept = folder / _key(source, data, layout)
    try:
        shutil.copytree(kept, destination, symlinks=True, copy_function=shutil.copy)
    except OSError:
        shutil.rmtree(destination, ignore_errors=True)
    else:
        return
    render_layout(source, data, layout, destination)
    if not kept.exists():
        new = Path(mkdtemp(dir=folder)) / "rendering"
        shutil.copytree(destination, new, symlinks=True, copy_function=shutil.copy)
        new.rename(kept)


def _key(source: TemplateSource, data: Mapping[str, object], layout: str) -> str:
    """Return a digest of what decides on a rendering; of the template, when its files were changed."""
    paths = [str(source.root / name) for name in _READ_BY_COPIER]
    paths += [
        f"{root}/{name}" for folder in paths for root, *names in os.walk(folder) for name in chain.from_iterable(names)
    ]
    stamps = [
        (path, found.st_mtime_ns, found.st_size, found.st_mode) for path in sorted(paths) if (found := os.lstat(path))
    ]
    os.umask(mask := os.umask(0))
    text = json.dumps([stamps, source.origin, data, layout, mask], sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()
