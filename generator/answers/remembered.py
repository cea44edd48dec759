"""What the template said of the same answers before: to render it again took a sixth of `fmc check`.

The answers that repositories record seldom change, and each verb on a workspace judges them. Kept is each text that was
rendered, and it is found by all that it depends on: the template's files, fmc's own code around Jinja, the versions of
Python, Jinja and its filters, the text that was rendered, and the answers that it was rendered with. No text of the
template asks for the time or for chance, or reads other files (`tests/answers/test_remembered.py`).
"""

from __future__ import annotations

import hashlib
import json
import marshal
import sys
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator import __version__
from generator.caches import code_cache
from generator.errors import WriteError
from generator.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SUFFIX = ".rendered"
MOST = 16
"""Of so many clusters, or states of one, the texts are kept: of those that were written last."""
# Later versions write equal values in different bytes, by how often something refers to them.
_FORMAT = 2
_OWN = ("sandbox.py", "answers/questionnaire.py")


class Remembered:
    """The texts that were rendered with the answers of one cluster, while that is being judged."""

    def __init__(self) -> None:
        self._texts: dict[str, str] | None = None

    @contextmanager
    def about(self, template_root: Path, answers: object) -> Iterator[None]:
        """Remember what is rendered meanwhile, unless it ends with an error.

        Args:
            template_root: The folder that holds copier.yml and lib/.
            answers: As they were read.
        """
        file = _file(template_root, answers)
        self._texts = _read(file) if file else None
        known = len(self._texts or ())
        try:
            yield
            if file and self._texts and len(self._texts) > known:
                _write(file, self._texts)
        finally:
            self._texts = None

    def rendered(self, source: str, answers: Mapping[str, object], render: Callable[[], str]) -> str:
        """Return what a text renders to with answers: what is known of it, or what `render` returns."""
        key = _digest((source, dict(answers))) if self._texts is not None else None
        if self._texts is None or key is None:
            return render()
        if key not in self._texts:
            self._texts[key] = render()
        return self._texts[key]


def _file(template_root: Path, answers: object) -> Path | None:
    """Return where the texts of these answers are kept; None where nothing can be."""
    folder, depends_on = code_cache(), _depends_on(template_root)
    name = _digest((depends_on, answers)) if depends_on else None
    return folder / f"{name}{SUFFIX}" if folder and name else None


def _depends_on(template_root: Path) -> tuple[object, ...] | None:
    """Return what a text depends on besides the answers; None where that can't be told."""
    jinja = find_spec("jinja2")
    if jinja is None or jinja.origin is None:
        return None
    versions = sorted(file.name for file in Path(jinja.origin).parents[1].glob("[jJ]inja2*-info"))
    own = Path(__file__).parents[1]
    try:
        files = [template_root / "copier.yml", *sorted(path for path in (template_root / "lib").rglob("*.jinja"))]
        contents = [(str(file.relative_to(template_root)), file.read_bytes()) for file in files]
        code = [(own / name).read_bytes() for name in _OWN]
    except OSError:
        return None
    return (__version__, sys.implementation.cache_tag, sys.hexversion, versions, contents, code) if versions else None


def _digest(value: Any) -> str | None:
    """Return a digest that tells values apart, their types included; None for one that is not made of plain ones."""
    try:
        return hashlib.sha256(marshal.dumps(value, _FORMAT)).hexdigest()
    except ValueError:
        return None


def _read(file: Path) -> dict[str, str]:
    try:
        texts = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    good = isinstance(texts, dict) and all(isinstance(text, str) for text in texts.values())
    return texts if good else {}


def _write(file: Path, texts: Mapping[str, str]) -> None:
    """Keep texts, and drop the oldest; a disk that is full or read-only costs speed alone."""
    with suppress(WriteError, OSError):
        write_atomic(file, json.dumps(texts).encode())
        kept = sorted(file.parent.glob(f"*{SUFFIX}"), key=lambda one: one.stat().st_mtime)
        for old in kept[:-MOST]:
            old.unlink(missing_ok=True)
