"""What Copier puts together anew for each part of each path, put together once: two fifths of its work."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class _Prepared(NamedTuple):
    """What all texts of one rendering are rendered with, and where the answers are recorded."""

    context: dict[str, Any]
    answers_relpath: Path


@contextmanager
def prepared_once() -> Iterator[None]:
    """Have Copier prepare for a rendering once.

    While it renders, the answers stand: what it gathers from them is the same for every text. While it asks, they do
    not, and nothing is kept.
    """
    from copier._main import Worker

    # As data: its methods are replaced.
    kind: Any = Worker
    render, gather, relpath = kind._render_template, kind._render_context, kind.answers_relpath
    prepared: dict[int, _Prepared] = {}

    def render_prepared(worker: Worker) -> None:
        # In this order: to find the path changes the context that it is found with.
        path = worker.answers_relpath
        prepared[id(worker)] = _Prepared(dict(gather(worker)), path)
        try:
            render(worker)
        finally:
            del prepared[id(worker)]

    def gathered(worker: Worker) -> Any:
        known = prepared.get(id(worker))
        return known.context if known else gather(worker)

    def found(worker: Worker) -> Path:
        known = prepared.get(id(worker))
        path: Path = known.answers_relpath if known else relpath.fget(worker)
        return path

    kind._render_template, kind._render_context, kind.answers_relpath = render_prepared, gathered, property(found)
    try:
        yield
    finally:
        kind._render_template, kind._render_context, kind.answers_relpath = render, gather, relpath
