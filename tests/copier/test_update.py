"""Plain `copier update` brings a newer template into repositories that people have worked on since."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.copier.person import LAYOUTS, of_sealing, recorded, snapshot
from tests.copier.releases import FIRST, OWNED, SECOND, THIRD
from tests.pipeline.world import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.copier.person import Person

EXISTING = ROOT / "examples" / "existing-cluster.yaml"
TOKEN = "a-token-that-may-read"
CONFLICT = re.compile(rb"(?m)^(<{7}|>{7}) ")


@dataclass(frozen=True)
class Edit:
    """What a person does to a rendered file, and what a newer template does to the same file.

    Attributes:
        file: The file, in its part.
        old: What the person replaces; "" for writing at the end.
        new: By what.
        arrives: What the second version brings.
    """

    file: str
    old: str
    new: str
    arrives: str


EDITS = {
    "infra": Edit("versions.yaml", "", "# Looked at in May.\n", 'version: "99.1.0"'),
    "argocd": Edit("versions.yaml", "", "# Looked at in May.\n", 'version: "99.1.0"'),
    "apps": Edit("apps/hello/base/deployment.yaml", "replicas: 1", "replicas: 3", "memory: 99Mi"),
}


def places(layout: str, root: Path) -> dict[str, Path]:
    """Return the folder of each part of a layout."""
    return {part: root / part for part in EDITS} if layout == "monorepo" else {layout: root}


def owned(root: Path) -> dict[str, Path]:
    """Return the files of a repository that belong to people, by name."""
    return {path.relative_to(root).as_posix(): path for pattern in OWNED for path in root.glob(pattern)}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_people_wrote_stays_and_what_is_new_arrives(person: Person, layout: str) -> None:
    root = person.workspace / "repository"
    person.render(layout, root)
    if layout in ("argocd", "monorepo"):
        assert person.fmc("seal", cwd=root, env={"FMC_GIT_READ_TOKEN": TOKEN}).code == 0
        checked = person.fmc("check", cwd=root)
        assert (checked.code, "0 errors, 0 warnings" in checked.out) == (0, True), checked.all
        assert len(of_sealing(snapshot(root))) > 5
    for part, folder in places(layout, root).items():
        file = folder / EDITS[part].file
        text = file.read_text()
        assert EDITS[part].arrives not in text
        old, new = EDITS[part].old, EDITS[part].new
        file.write_text(text.replace(old, new, 1) if old else text + new)
        assert file.read_text() != text
    for name, path in owned(root).items():
        path.write_text(f"# {name}\n")
    (root / "of-people.md").write_text("# Written here\n")
    person.save(root, "Work")
    before, answers = snapshot(root), recorded(root)

    person.newest = THIRD
    person.update(root)

    after = snapshot(root)
    assert recorded(root) == answers | {"_commit": THIRD}
    for part, folder in places(layout, root).items():
        text = (folder / EDITS[part].file).read_text()
        assert EDITS[part].new in text
        assert EDITS[part].arrives in text
        assert (folder / "NEWS.md").read_text() == "# News of home\n"
    assert [name for name in owned(root) if after[name] != before[name]] == []
    assert bool(owned(root)) == (layout != "apps")
    assert of_sealing(after) == of_sealing(before)
    assert after["of-people.md"] == before["of-people.md"]
    assert [name for name, (_, content) in after.items() if CONFLICT.search(content)] == []
    assert "terraform/modules/topology/README.md" not in {name.removeprefix("infra/") for name in after}

    if layout in ("argocd", "monorepo"):
        person.save(root, "Update the template")
        assert person.fmc("seal", cwd=root).code == 0
        assert person.git("status", "--porcelain", cwd=root) == ""
        checked = person.fmc("check", cwd=root)
        assert (checked.code, "0 errors, 0 warnings" in checked.out) == (0, True), checked.all


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_repository_that_nobody_touched_becomes_a_copy_of_the_new_version(person: Person, layout: str) -> None:
    person.render(layout, person.folder / "updated")
    old = snapshot(person.folder / "updated")
    person.newest = SECOND
    person.render(layout, person.folder / "fresh")
    person.update(person.folder / "updated")
    assert recorded(person.folder / "fresh")["_commit"] == SECOND
    assert snapshot(person.folder / "updated") == snapshot(person.folder / "fresh") != old


def test_a_cluster_that_was_there_already_follows_a_new_version_and_another_address(person: Person) -> None:
    answers = yaml.safe_load(EXISTING.read_text())
    person.render("argocd", person.folder / "updated", EXISTING)
    answers["existing_cluster"]["ingress"] = "203.0.113.99"
    changed = person.folder / "changed.yaml"
    changed.write_text(yaml.safe_dump(answers))
    person.newest = SECOND
    person.render("argocd", person.folder / "fresh", changed)
    given = f"existing_cluster={json.dumps(answers['existing_cluster'])}"
    person.update(person.folder / "updated", "--defaults", "--data", given)
    assert snapshot(person.folder / "updated") == snapshot(person.folder / "fresh")
    assert "203.0.113.99" in (person.folder / "updated" / "README.md").read_text()


def test_an_update_to_the_same_version_changes_nothing(person: Person) -> None:
    person.render("apps", person.folder / "apps")
    person.update(person.folder / "apps")
    assert person.git("status", "--porcelain", cwd=person.folder / "apps") == ""


def test_a_file_of_people_that_was_deleted_comes_back_empty(person: Person) -> None:
    root = person.folder / "argocd"
    person.render("argocd", root)
    values = root / "platform/argocd/values.user.yaml"
    text = values.read_text()
    values.unlink()
    (root / "NOTES.md").write_text("# Without the values\n")
    person.save(root, "Delete a file that an Application names")
    person.newest = SECOND
    person.update(root)
    assert values.read_text() == text


def test_the_readmes_command_changes_an_answer_and_keeps_the_version(person: Person) -> None:
    root = person.folder / "infra"
    person.render("infra", root)
    (command,) = re.findall(r"(?m)^copier update (.*--data .*)$", (root / "README.md").read_text())
    plan = root / "plan.json"
    assert '"memory_mib": 16384' not in plan.read_text()
    person.newest = SECOND
    person.update(root, *shlex.split(command))
    assert '"memory_mib": 16384' in plan.read_text()
    assert (recorded(root)["_commit"], recorded(root)["sizes"]) == (FIRST, {"worker": {"memory_mib": 16384}})
    assert not (root / "NEWS.md").exists()
