"""Rendering once more what was rendered before, from the answers that were recorded with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from generator.errors import BadInputError
from generator.files import write_error
from generator.template.render import render_layout
from generator.template.source import TemplateSource, recordable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# A template that has to be fetched must not ask anybody for a password.
_UNATTENDED = {"GIT_TERMINAL_PROMPT": "0", "GCM_INTERACTIVE": "never", "SSH_ASKPASS": ""}


def render_again(source: TemplateSource, recorded: Mapping[str, object], destination: Path) -> None:
    """Render what Copier recorded.

    The template of this fmc is taken where it is of the recorded version, else the recorded one is fetched.

    Args:
        source: The template of this fmc.
        recorded: The recorded answers, with Copier's own entries.
        destination: The folder to make.

    Raises:
        BadInputError: The template can't be had; the message says why.
        WriteError: The disk refused.
    """
    url, version, layout = (str(recorded.get(name) or "") for name in ("_src_path", "_commit", "layout"))
    data = {name: value for name, value in recorded.items() if not name.startswith("_")}
    if version == source.version:
        render_layout(TemplateSource(source.root, url, version), data, layout, destination)
        return
    address = recordable(url or source.url)
    if not address:
        raise BadInputError(f"it is of the template's version {version or '(none)'}, and no address of it is recorded")
    data["template_origin"] = {"_src_path": url, "_commit": version}
    _fetch_and_render(address, version, data, destination)


def _fetch_and_render(address: str, version: str, data: Mapping[str, object], destination: Path) -> None:
    import copier
    from copier.errors import CopierError
    from jinja2 import TemplateError
    from plumbum import ProcessExecutionError

    os.environ.update(_UNATTENDED)
    os.environ.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
    try:
        copier.run_copy(
            address,
            destination,
            data={**data, "checked": True},
            vcs_ref=version or None,
            defaults=True,
            overwrite=True,
            quiet=True,
            settings=copier.Settings(),
        )
    except (CopierError, TemplateError, ValueError, ProcessExecutionError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        reason = said[-1] if said else type(error).__name__
        message = f"it is of the template's version {version}, which can't be had from {address}: {reason}"
        raise BadInputError(message) from None
    except OSError as error:
        raise write_error(destination, error) from None
