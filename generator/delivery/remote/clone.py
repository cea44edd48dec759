"""Getting a repository back that is gone from this disk, and that fmc had delivered to its remote."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from generator.delivery.git.access import network_environment
from generator.delivery.git.command import git_in, run
from generator.delivery.git.failures import remote_error
from generator.delivery.git.messages import shown_url
from generator.delivery.git.parallel import each
from generator.delivery.remote.ask import ask
from generator.files import write_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from generator.delivery.model import Target
    from generator.delivery.state import Delivery

_TIMEOUT = 600.0


def clone_missing(
    targets: Sequence[Target], last: Delivery | None, scratch: Path, progress: Callable[[str], None]
) -> None:
    """Clone the repositories that are not on this disk, as far as the state file tells that they were delivered.

    Rendered anew they would get another history, which their remotes would refuse. What was delivered, and the remote
    does not have any more, is made anew.

    Args:
        targets: The repositories.
        last: What the state file tells; None where there is none.
        scratch: A folder on the same disk; a repository appears by rename.
        progress: Is told what was cloned.

    Raises:
        RemoteError: A remote can't be reached, or refused us.
        WriteError: The disk refused.
    """
    seen = last.seen if last else {}
    missing = [one for one in targets if not one.path.exists() and (one.url, one.branch) in seen]
    for target, cloned in zip(missing, each(partial(_clone, scratch=scratch), missing), strict=True):
        if cloned:
            progress(f"{target.part}: cloned from {shown_url(target.url)}, where it was delivered before")


def _clone(target: Target, scratch: Path) -> bool:
    if ask(target).tip is None:
        return False
    copy = scratch / f"clone-{target.part}"
    git = git_in(scratch)
    done = run(
        git.clone,
        *("--quiet", "--origin=origin", f"--branch={target.branch}", "--config=core.autocrlf=false"),
        "--",
        target.url,
        str(copy),
        variables=network_environment(git, target),
        timeout=_TIMEOUT,
    )
    if done.code:
        raise remote_error(target.url, done)
    try:
        copy.rename(target.path)
    except OSError as error:
        raise write_error(target.path, error) from error
    return True
