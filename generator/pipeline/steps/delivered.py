"""What Git holds of the secrets beside the work tree: the last commit, and the remote branch as it was last seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.delivery.local.committed import committed_elsewhere
from generator.secrets.catalogue.model import SEALED_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from generator.delivery.model import Target


def delivered_secrets(targets: Iterable[Target], argocd: Path) -> tuple[dict[str, bytes], ...]:
    """Return the sealed manifests of commits that the work tree does not have, by path below the part argocd.

    Args:
        targets: The repositories that exist.
        argocd: Folder of the part argocd.

    Raises:
        ToolError: git failed.
    """
    target = next((target for target in targets if argocd.is_relative_to(target.path)), None)
    if target is None:
        return ()
    below = argocd.relative_to(target.path).as_posix()
    prefix = "" if below == "." else f"{below}/"

    def is_sealed(name: str) -> bool:
        return name.startswith(f"{prefix}secrets/") and name.endswith(SEALED_SUFFIX)

    snapshots = committed_elsewhere(target, is_sealed)
    return tuple({name.removeprefix(prefix): content for name, content in each.items()} for each in snapshots)
