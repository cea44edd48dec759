"""A server that fails in the middle of a push: no success that is none, no lost commit, and a rerun completes it.

Pushes are told apart by their place: the run branches come first, then the branches move, the cluster's last. Pushes of
`ci/bump-image` meet the same in tests/image/test_faults.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator.errors import RemoteError
from tests.delivery.conftest import TOKEN
from tests.delivery.gitserver import CUT, MUTE, NOTHING, GitServer
from tests.delivery.workspace import PARTS, Workspace, git

if TYPE_CHECKING:
    from pathlib import Path

PLACES = {"the first run branch": 0, "the last run branch": 2, "the first branch": 3, "the cluster's branch": 5}


@pytest.fixture
def under_way(over_http: Workspace) -> Workspace:
    """A workspace that was delivered over HTTP once, and has a further commit in each of its repositories."""
    over_http.push("first")
    for part in PARTS:
        over_http.edit(part)
    over_http.commit()
    return over_http


@pytest.mark.parametrize("fault", [CUT, MUTE, 401, 403, 500], ids=["cut", "mute", "401", "403", "500"])
@pytest.mark.parametrize("place", PLACES)
def test_what_fails_half_way_is_told_and_the_same_command_completes_it(
    under_way: Workspace, server: GitServer, tmp_path: Path, place: str, fault: int
) -> None:
    """401 is also what a token meets that expires between two pushes."""
    before, heads = under_way.remote_heads(), under_way.heads()
    server.faults = [NOTHING] * PLACES[place] + [fault]
    said = ""
    try:
        under_way.push("second")
    except RemoteError as error:
        said = f"{error.message} {error.where} {error.fix}"
    else:
        # A connection that ends is begun anew, or what the server had taken it says when it is asked.
        assert fault in (CUT, MUTE)
        assert under_way.remote_heads() == heads
    assert server.faults == []
    moved = {part for part, head in under_way.remote_heads().items() if head != before[part]}
    assert "argocd" not in moved or moved == set(PARTS)
    under_way.push("third")
    assert under_way.remote_heads() == heads
    assert under_way.run_branches() == []
    for part in PARTS:
        assert git(under_way.remote(part), "merge-base", "--is-ancestor", before[part], "main") == ""
    assert TOKEN not in said
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or TOKEN.encode() not in file.read_bytes(), file
