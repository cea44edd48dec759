"""Where the repositories say that newer versions of their template come from; `copier update` depends on it alone."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from generator.wording import visible

if TYPE_CHECKING:
    from generator.workspace import Workspace


def origin_notes(workspace: Workspace) -> tuple[str, ...]:
    """Return what is worth knowing about the recorded address of the template; nothing where it is one for everybody.

    Args:
        workspace: The workspace, with its repositories in it.
    """
    addresses = {found.template for found in workspace.rendered().values()}
    command = f"fmc new --answers {shlex.quote(str(workspace.answers))} --template-url URL"
    notes = []
    if "" in addresses:
        notes.append(
            "No address of the template is recorded, since this fmc was built without one: `copier update` can't work "
            f"in the repositories. `{command}` records the one of your copy."
        )
    notes += [
        f"The recorded address of the template is {visible(address)}, a folder of this computer: `copier update` works "
        f"nowhere else. `{command}` records another one."
        for address in sorted(addresses)
        if Path(address).is_absolute()
    ]
    return tuple(notes)
