"""Rendering one layout of the template through Copier, without git."""

from __future__ import annotations

from traceback import extract_tb
from typing import TYPE_CHECKING

from generator.errors import BadInputError, FmcError
from generator.files import write_error
from generator.template.compiled import compiled_once
from generator.template.imported import imported_once
from generator.template.prepared import prepared_once
from generator.template.quickened import quickened

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from generator.template.source import TemplateSource

# plumbum, through which Copier runs git, looks for it here. Without git Copier renders a folder as it lies, and saves
# one `git config` for every file that it writes.
_NO_GIT = "/nonexistent"


def warm_up() -> None:
    """Import Copier, which takes longer than most of what follows, for all processes that are forked from this one."""
    import copier  # noqa: F401


def render_layout(source: TemplateSource, data: Mapping[str, object], layout: str, destination: Path) -> None:
    """Render one layout of the template.

    Args:
        source: The template.
        data: A value for every question, all of them checked; `layout` is replaced.
        layout: What is rendered.
        destination: The folder to make.

    Raises:
        BadInputError: The template can't be rendered with these answers.
        WriteError: The disk refused.
    """
    import copier
    from copier.errors import CopierError
    from jinja2 import TemplateError
    from plumbum import ProcessExecutionError, local

    try:
        with local.env(PATH=_NO_GIT), compiled_once(layout), prepared_once(), imported_once(), quickened():
            # Default settings: those of the user could change answers.
            copier.run_copy(
                str(source.root),
                destination,
                data={**data, "layout": layout, "template_origin": source.origin, "checked": True},
                defaults=True,
                overwrite=True,
                quiet=True,
                settings=copier.Settings(),
            )
    except (CopierError, TemplateError, ValueError, ProcessExecutionError) as error:
        raise _unusable(source.root, layout, error) from None
    except OSError as error:
        raise write_error(destination, error) from None


def _unusable(root: Path, layout: str, error: Exception) -> FmcError:
    return BadInputError(
        f"the template can't be rendered as {layout}: {error}",
        where=_place(root, error),
        fix="If the template is your own, correct it there; otherwise report this with your answers file.",
    )


def _place(root: Path, error: Exception) -> str:
    """Return the line of the template that failed, which Jinja puts into the traceback."""
    inside = [frame for frame in extract_tb(error.__traceback__) if frame.filename.startswith(f"{root}/")]
    return f"{inside[-1].filename}:{inside[-1].lineno}" if inside else str(root)
