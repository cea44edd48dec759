"""`fmc status`: what is due, and whether the remotes have everything."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.pipeline.test_remotes import begin
from tests.pipeline.world import FMC, Finished, World, answers, tree
from tests.remedies.walk import commands

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "argocd/git-credentials: token"
OLD = '{"made": "2026-01-31T00:00:00+00:00"}\n'


@pytest.fixture(scope="module")
def supplied(first_run: tuple[World, Finished], tmp_path_factory: pytest.TempPathFactory) -> World:
    """A machine on which nothing is due: every external value is supplied, and what was sealed with it is pushed."""
    world = first_run[0].copy(tmp_path_factory.mktemp("supplied") / "world")
    for row in status(world)["findings"]:
        follow(world, row["fix"], stdin="a-given-value")
    assert world.fmc("push", cwd=world.workspace).code == 0
    return world


@pytest.fixture
def quiet(supplied: World, tmp_path: Path) -> World:
    return supplied.copy(tmp_path / "world")


def status(world: World, code: int | None = None) -> dict[str, Any]:
    before, references = tree(world.folder), world.references()
    done = world.fmc("status", "--output", "json", cwd=world.workspace)
    assert (tree(world.folder), world.references()) == (before, references)
    found: dict[str, Any] = json.loads(done.out)
    assert done.code == (code if code is not None else bool(found["findings"])), done.all
    return found


def follow(world: World, fix: str, stdin: str = "") -> None:
    """Do what a finding says, as it stands there."""
    for command in commands(fix):
        line = re.sub("^fmc", str(FMC), command)
        done = world.run("bash", "-c", line, cwd=world.workspace, stdin=stdin)
        assert done.code == 0, done.err


def rules(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(row["file"] or row["path"], row["rule"]) for row in found["findings"]]


def states(found: dict[str, Any]) -> dict[str, str]:
    return {row["part"]: row["state"] for row in found["repositories"]}


def test_a_value_that_nobody_has_supplied_is_due_now_and_first(pushed: World) -> None:
    done = pushed.fmc("status", cwd=pushed.workspace)
    assert done.code == 1
    assert f"warning: nobody has supplied {TOKEN} [secrets/pending]" in done.err
    assert "Next: what is named above, then `fmc status`" in done.out
    assert status(pushed)["dates"][0]["due"] is None


def test_a_value_that_machines_wait_for_is_sealed_nowhere(pushed: World, tmp_path: Path) -> None:
    """What a playbook takes from the vault: the remedy names no `fmc seal`, and it is enough."""
    changed = answers(tmp_path, image_mirror="{registry: registry.example.com, user: robot}")
    assert pushed.fmc("new", "--answers", str(changed), "--yes", cwd=pushed.workspace).code == 0
    before = {row["path"]: row["fix"] for row in status(pushed)["findings"]}
    (waiting,) = (path for path in before if path.startswith("machines/"))
    assert "fmc seal" not in before[waiting]
    follow(pushed, before[waiting], stdin="a-given-value")
    assert waiting not in {row["path"] for row in status(pushed)["findings"]}


def test_where_nothing_is_due_it_says_so_and_lists_the_dates_in_their_order(supplied: World) -> None:
    found = status(supplied, code=0)
    assert states(found) == dict.fromkeys(("infra", "apps", "argocd"), "pushed")
    dates = {row["what"]: row["due"] for row in found["dates"]}
    assert list(dates.values()) == sorted(dates.values())
    assert {"backup", "drill", "sealing certificate"} <= dates.keys()
    assert "Nothing is due." in supplied.fmc("status", cwd=supplied.workspace).out


def test_backup_and_drill_are_due_by_their_notes(quiet: World) -> None:
    for name in ("backup", "drill"):
        (quiet.workspace / ".fmc" / f"{name}.json").write_text(OLD)
    found = status(quiet, code=1)
    assert rules(found) == [("backup.json", "backup/due"), ("drill.json", "backup/drill-due")]
    dates = {row["what"]: (row["last"][:10], row["due"][:10]) for row in found["dates"][:2]}
    assert dates == {"backup": ("2026-01-31", "2026-03-02"), "drill": ("2026-01-31", "2026-05-01")}


def test_each_repository_is_compared_with_what_its_remote_has_now(quiet: World) -> None:
    """Not pushed, moved on there, gone: each is told, and none hides the others; the remedies lead out."""
    quiet.commit("infra", {"mine.txt": "mine\n"})
    (quiet.workspace / "infra" / "draft.txt").write_text("not committed\n")
    begin(quiet, "apps", {"theirs.txt": "theirs\n"})
    argocd = quiet.remote("argocd")
    aside = shutil.move(argocd, quiet.folder / "aside.git")
    found = status_asking(quiet)
    assert states(found) == {"infra": "not pushed", "apps": "the remote has more", "argocd": "not known"}
    assert sorted(rules(found)) == [
        ("apps", "delivery/remote"),
        ("argocd", "delivery/remote"),
        ("infra", "delivery/remote"),
        ("infra", "delivery/uncommitted"),
    ]
    shutil.move(aside, argocd)
    (quiet.workspace / "infra" / "draft.txt").unlink()
    fixes = {row["file"]: row["fix"] for row in found["findings"] if row["file"] != "argocd"}
    for part in ("apps", "infra"):
        follow(quiet, fixes[part])
    assert status(quiet, code=0)["findings"] == []


def test_where_both_have_commits_of_their_own_a_person_decides(quiet: World) -> None:
    quiet.commit("apps", {"mine.txt": "mine\n"})
    begin(quiet, "apps", {"theirs.txt": "theirs\n"})
    found = status_asking(quiet)
    assert states(found)["apps"] == "both have commits of their own"
    assert [row["severity"] for row in found["findings"]] == ["error"]
    assert "moved on" in found["findings"][0]["message"]


def test_without_the_vault_it_tells_what_the_repositories_show(quiet: World) -> None:
    quiet.vault.rename(quiet.folder / "elsewhere.age")
    found = status(quiet, code=0)
    assert [row["what"] for row in found["dates"]] == ["sealing certificate"]


def status_asking(world: World) -> dict[str, Any]:
    """As `status`, where commits come from the remote that git did not know here."""
    done = world.fmc("status", "--output", "json", cwd=world.workspace)
    assert done.code == 1, done.all
    found: dict[str, Any] = json.loads(done.out)
    return found
