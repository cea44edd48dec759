"""What Jinja compiles while Copier renders, kept from one rendering to the next: compiling is half of its work."""

from __future__ import annotations

import hashlib
import marshal
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from generator.caches import code_cache
from generator.errors import WriteError
from generator.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import CodeType

    from jinja2 import Environment

# A rendering needs about 300; what older templates left is forgotten with everything else.
_MOST = 3000
# What changes the compiled form of a text, besides the text.
_ENVIRONMENT = (
    *("block_start_string", "block_end_string", "variable_start_string", "variable_end_string"),
    *("comment_start_string", "comment_end_string", "line_statement_prefix", "line_comment_prefix"),
    *("trim_blocks", "lstrip_blocks", "newline_sequence", "keep_trailing_newline"),
    *("undefined", "optimized", "finalize", "autoescape", "sandboxed", "is_async"),
)


@contextmanager
def compiled_once(layout: str) -> Iterator[None]:
    """Have Jinja keep what it compiles, in the user's cache and in this process.

    A compiled template depends on its source, its name and its environment alone, and all environments of Copier's for
    one template are alike.

    Args:
        layout: What is rendered; each layout has a file of its own in the cache.
    """
    from jinja2 import Environment

    kept = _Kept(code_cache(), layout)
    compile_anew, from_string = Environment.compile, Environment.from_string
    Environment.compile = kept.compiling(compile_anew)  # type: ignore[method-assign]
    Environment.from_string = _made_once(from_string)  # type: ignore[method-assign]
    try:
        yield
    finally:
        Environment.compile, Environment.from_string = compile_anew, from_string  # type: ignore[method-assign]
        kept.write()


def _made_once(from_string: Any) -> Any:
    """Return Jinja's `from_string`, which then makes one template of each text.

    Copier asks for each part of each path whenever it meets it, a thousand times for a hundred files.
    """
    made: dict[tuple[int, str], Any] = {}

    def make(environment: Environment, source: str, *rest: Any, **options: Any) -> Any:
        if rest or options:
            return from_string(environment, source, *rest, **options)
        key = (id(environment), source)
        if key in made:
            # What Jinja does before it compiles: Copier's tag `yield`, which loops over file names, starts anew there.
            environment.preprocess(source)
        else:
            made[key] = from_string(environment, source)
        return made[key]

    return make


class _Kept:
    """Compiled templates of one layout, by a digest of what they depend on."""

    def __init__(self, folder: Path | None, layout: str) -> None:
        from importlib.metadata import version

        self._file = folder / f"{layout}.compiled" if folder else None
        self._format = f"{sys.implementation.cache_tag} {sys.hexversion} {version('jinja2')} {version('copier')}"
        self._codes = self._read()
        self._known = len(self._codes)

    def compiling(self, compile_anew: Any) -> Any:
        """Return Jinja's `compile`, which then compiles what is not kept yet."""

        def compile_or_find(
            environment: Environment, source: Any, name: str | None = None, filename: str | None = None, **rest: Any
        ) -> Any:
            if rest or not isinstance(source, str):
                return compile_anew(environment, source, name, filename, **rest)
            key = _key(environment, source, name)
            if (code := self._codes.get(key)) is None:
                self._codes[key] = code = compile_anew(environment, source, name, filename)
                return code
            environment.preprocess(source, name, filename)
            # Where the template lay when it was compiled is no part of it.
            return code.replace(co_filename=filename) if filename else code

        return compile_or_find

    def write(self) -> None:
        """Keep what was compiled anew; a disk that is full or read-only costs speed alone."""
        if self._file is None or len(self._codes) == self._known:
            return
        with suppress(WriteError):
            write_atomic(self._file, marshal.dumps({self._format: self._codes}))

    def _read(self) -> dict[bytes, CodeType]:
        if self._file is None:
            return {}
        try:
            codes: dict[bytes, CodeType] = marshal.loads(self._file.read_bytes())[self._format]  # noqa: S302 - of the user alone
        except (OSError, EOFError, KeyError, TypeError, ValueError):
            return {}
        return codes if len(codes) < _MOST else {}


def _key(environment: Environment, source: str, name: str | None) -> bytes:
    settings = [getattr(environment, field) for field in _ENVIRONMENT]
    return hashlib.sha256(repr((settings, sorted(environment.extensions), name, source)).encode()).digest()
