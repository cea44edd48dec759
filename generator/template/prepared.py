"""What Copier puts together anew for each part of each path, put together once: half of its work."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class _Prepared(NamedTuple):
    """What all texts of one rendering are rendered with, where the answers are recorded, and names by their texts."""

    context: dict[str, Any]
    answers_relpath: Path
    names: dict[str, str]


@contextmanager
def prepared_once() -> Iterator[None]:
    """Have Copier prepare for a rendering once.

    While it renders, the answers stand: what it gathers from them is the same for every text, and so is the name of a
    folder, which it asks for with each file below. While it asks, they do not, and nothing is kept.
    """
    from copier._jinja_ext import get_yield_context
    from copier._main import Worker

    # As data: its methods are replaced.
    kind: Any = Worker
    render, gather, relpath = kind._render_template, kind._render_context, kind.answers_relpath
    render_string = kind._render_string
    prepared: dict[int, _Prepared] = {}

    def render_prepared(worker: Worker) -> None:
        # In this order: to find the path changes the context that it is found with.
        path = worker.answers_relpath
        prepared[id(worker)] = _Prepared(dict(gather(worker)), path, {})
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

    def named(worker: Worker, text: str, extra_context: dict[str, Any] | None = None) -> str:
        known = prepared.get(id(worker))
        if known is None or extra_context:
            name: str = render_string(worker, text, extra_context)
        elif text in known.names:
            # What Jinja does before it renders: Copier's tag `yield`, which loops over file names, starts anew there.
            worker.jinja_env.preprocess(text)
            name = known.names[text]
        else:
            name = render_string(worker, text, extra_context)
            if get_yield_context(worker.jinja_env).yield_name is None:
                known.names[text] = name
        return name

    kind._render_template, kind._render_context, kind.answers_relpath = render_prepared, gathered, property(found)
    kind._render_string = named
    try:
        yield
    finally:
        kind._render_template, kind._render_context, kind.answers_relpath = render, gather, relpath
        kind._render_string = render_string
