"""Which answers `fmc new` goes by, where the repositories go, and who owns answers.yaml (faults B14, E4, E5, E17)."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
from typing import TYPE_CHECKING

import pytest
import yaml

from generator.workspace import PARTS
from tests.pipeline.world import EXAMPLE, FMC, Finished, World, answers, tree

if TYPE_CHECKING:
    from pathlib import Path

COMMENT = "# Chosen with Bo, because the office is there.\n"


def kept(world: World) -> Path:
    return world.workspace / "answers.yaml"


def recorded(world: World, part: str = "argocd") -> dict[str, object]:
    return dict(yaml.safe_load((world.workspace / part / ".copier-answers.yml").read_text()))


def test_workspace_one_stands_in_is_used(pushed: World) -> None:
    """Faults E4: a second cluster was made inside of the first, with a vault and a key of its own."""
    for cwd in (pushed.workspace, pushed.workspace / "infra"):
        done = pushed.fmc("new", "--answers", str(kept(pushed)), "--yes", cwd=cwd)
        assert done.code == 0, done.err
        assert "No change" in done.out
        assert not (cwd / "home").exists()


def test_workspace_of_the_answers_is_used_from_elsewhere(pushed: World) -> None:
    done = pushed.fmc("new", "--answers", "workspace/answers.yaml", "--yes", cwd=pushed.folder)
    assert done.code == 0, done.err
    assert "No change" in done.out
    assert not (pushed.folder / "home" / "vault.age").exists()


def test_answers_of_another_cluster_are_refused_in_a_workspace(pushed: World) -> None:
    before = tree(pushed.workspace)
    done = pushed.fmc("new", "--answers", str(answers(pushed.folder, name="attic")), "--yes", cwd=pushed.workspace)
    assert done.code == 2
    assert "you are in the workspace of the cluster home" in done.err
    assert tree(pushed.workspace) == before


def test_without_a_terminal_nothing_is_written_unless_yes_is_given(world: World) -> None:
    """Faults E17."""
    done = world.fmc("new", "--answers", str(EXAMPLE), "--workspace", str(world.workspace))
    assert done.code == 2
    assert "nobody can be asked here whether to write" in done.err
    assert "--yes" in done.err
    assert not world.workspace.exists()


def test_answers_from_a_pipe_are_kept_as_they_were_read(world: World) -> None:
    """Faults E5: nothing was kept of them, since a pipe can't be read twice."""
    command = f"fmc new --answers <(cat {EXAMPLE}) --workspace {world.workspace} --yes"
    done = world.run("bash", "-c", command, env={"PATH": f"{FMC.parent}:{world.environment['PATH']}"})
    assert done.code == 0, done.err
    assert kept(world).read_bytes() == EXAMPLE.read_bytes()


def test_options_are_written_into_the_kept_answers_and_comments_stay(pushed: World) -> None:
    """Faults E5: what `--set` said was rendered, and forgotten by the next run."""
    kept(pushed).write_text(COMMENT + EXAMPLE.read_text())
    done = pushed.fmc(
        "new", "--answers", str(kept(pushed)), "--set", "timezone=Europe/Rome", "--set", "counts={workers: 4}", "--yes"
    )
    assert done.code == 0, done.err
    expected = COMMENT + EXAMPLE.read_text().replace("timezone: Europe/Madrid", "timezone: Europe/Rome")
    assert kept(pushed).read_text() == f"{expected}counts: {{workers: 4}}\n"
    assert recorded(pushed)["timezone"] == "Europe/Rome"
    again = pushed.fmc("new", "--answers", str(kept(pushed)), "--yes")
    assert "No change" in again.out


def test_answers_edited_in_the_workspace_are_not_overwritten(pushed: World) -> None:
    """Faults E5: the copy beside the workspace won silently. Both remedies are walked."""
    beside = pushed.folder / "answers.yaml"
    beside.write_bytes(EXAMPLE.read_bytes())
    edited = COMMENT + EXAMPLE.read_text().replace("Europe/Madrid", "Europe/Rome")
    kept(pushed).write_text(edited)
    command = ("new", "--answers", "answers.yaml", "--workspace", "workspace", "--yes")
    done = pushed.fmc(*command, cwd=pushed.folder)
    assert done.code == 3
    assert "was changed since the repositories were rendered" in done.err
    assert "says otherwise: timezone" in done.err
    assert f"fmc new --answers {kept(pushed)}" in done.err
    assert kept(pushed).read_text() == edited
    assert recorded(pushed)["timezone"] == "Europe/Madrid"

    taken = pushed.fmc("new", "--answers", str(kept(pushed)), "--yes", cwd=pushed.folder)
    assert taken.code == 0, taken.err
    assert recorded(pushed)["timezone"] == "Europe/Rome"
    kept(pushed).rename(pushed.folder / "away.yaml")
    taken = pushed.fmc(*command, cwd=pushed.folder)
    assert taken.code == 0, taken.err
    assert recorded(pushed)["timezone"] == "Europe/Madrid"
    assert kept(pushed).read_bytes() == beside.read_bytes()


def test_changed_answers_from_elsewhere_are_taken_while_the_kept_ones_are_as_rendered(pushed: World) -> None:
    changed = answers(pushed.folder, timezone="Europe/Rome")
    done = pushed.new("--yes", answers=changed)
    assert done.code == 0, done.err
    assert kept(pushed).read_bytes() == changed.read_bytes()


def test_kept_answers_that_are_spoilt_are_told_and_left_alone(pushed: World) -> None:
    for spoilt in ("name: [\n", "name: Home\n"):
        kept(pushed).write_text(spoilt)
        done = pushed.new("--yes")
        assert done.code == 3, done.err
        assert str(kept(pushed)) in done.err
        assert kept(pushed).read_text() == spoilt


@pytest.fixture
def mine(pushed: World) -> World:
    """A machine that has pulled another time zone, which was changed and delivered on a colleague's."""
    kept(pushed).write_text(COMMENT + kept(pushed).read_text())
    assert pushed.fmc("new", "--yes", cwd=pushed.workspace).code == 0
    colleagues = pushed.folder / "colleagues"
    shutil.copytree(pushed.workspace, colleagues)
    done = pushed.fmc("new", "--set", "timezone=Europe/Rome", "--yes", "--push", cwd=colleagues)
    assert done.code == 0, done.err
    for part in PARTS:
        pushed.git("pull", "--quiet", "--rebase", cwd=pushed.workspace / part)
    return pushed


def test_an_answer_that_a_colleague_changed_is_not_taken_back(mine: World) -> None:
    """Faults E5: the next run on the first machine rendered its own old time zone again, and said nothing."""
    done = mine.fmc("new", "--set", "email=new@example.com", "--yes", "--push", cwd=mine.workspace)
    assert done.code == 0, done.err
    assert f"{kept(mine).name}:11: warning: timezone is" in done.err
    assert '"Europe/Madrid" here, and was changed in the repositories to "Europe/Rome"' in done.err
    assert {"timezone": "Europe/Rome", "email": "new@example.com"}.items() <= recorded(mine).items()
    assert kept(mine).read_text().startswith(COMMENT)
    assert "timezone: Europe/Rome" in kept(mine).read_text()
    # The message says how to have it back all the same, and nothing is said twice.
    back = re.search(r"run `fmc (new --set (timezone=\S+))`", done.err)
    assert back, done.err
    again = mine.fmc("new", "--set", back[2], "--yes", cwd=mine.workspace)
    assert again.code == 0, again.err
    assert "was changed in the repositories" not in again.err
    assert recorded(mine)["timezone"] == "Europe/Madrid"


@pytest.mark.parametrize(("side", "zone"), [("keeps yours", "Europe/Paris"), ("takes", "Europe/Rome")])
def test_an_answer_that_both_changed_is_a_persons_to_decide(mine: World, side: str, zone: str) -> None:
    before = kept(mine).read_text().replace("Europe/Madrid", "Europe/Paris")
    kept(mine).write_text(before)
    done = mine.fmc("new", "--yes", cwd=mine.workspace)
    assert done.code == 3, done.err
    assert 'timezone is "Europe/Paris" here, and "Europe/Rome" there' in done.err
    assert kept(mine).read_text() == before
    option = re.search(rf"`(--set \S+)` {side}", done.err)
    assert option, done.err
    assert mine.fmc("new", *shlex.split(option[1]), "--yes", cwd=mine.workspace).code == 0
    assert recorded(mine)["timezone"] == zone
    assert f"timezone: {zone}" in kept(mine).read_text()


def test_answers_of_a_repository_bring_the_kept_ones_up_to_date(mine: World) -> None:
    file = mine.workspace / "infra" / ".copier-answers.yml"
    done = mine.fmc("new", "--answers", str(file), "--yes", cwd=mine.workspace)
    assert done.code == 0, done.err
    assert kept(mine).read_text().startswith(COMMENT)
    assert "timezone: Europe/Rome" in kept(mine).read_text()
    assert "No change" in mine.fmc("new", "--yes", cwd=mine.workspace).out


def test_answers_of_a_repository_replace_kept_ones_that_are_refused_by_now(pushed: World) -> None:
    """They were fmc's own. The run ended only when the vault was written, and half of it was done."""
    refused = b"profile: of-an-older-template\n"
    kept(pushed).write_bytes(refused)
    last = pushed.workspace / ".fmc" / "answers.json"
    last.write_text(json.dumps(json.loads(last.read_text()) | {"written": hashlib.sha256(refused).hexdigest()}))
    file = pushed.workspace / "infra" / ".copier-answers.yml"
    done = pushed.fmc("new", "--answers", str(file), "--yes", cwd=pushed.workspace)
    assert done.code == 0, done.err
    assert "No change" in pushed.fmc("new", "--yes", cwd=pushed.workspace).out


@pytest.fixture
def second(pushed: World) -> World:
    """A second machine: clones of the repositories, and the vault and identity that the operator has brought over."""
    shutil.copy(pushed.vault, pushed.folder / "vault.age")
    shutil.rmtree(pushed.workspace)
    for part in PARTS:
        url = f"{pushed.base_url}{part}.git"
        pushed.git("clone", "--quiet", url, str(pushed.workspace / part))
    shutil.copy(pushed.folder / "vault.age", pushed.vault)
    return pushed


def test_second_machine_starts_from_clones(second: World) -> None:
    """Faults B14: answers.yaml lies in no repository, and nobody else has it."""
    done = second.fmc("new", "--yes", cwd=second.workspace)
    assert done.code == 0, done.err
    assert "No change" in done.out
    found = yaml.safe_load(kept(second).read_text())
    given = yaml.safe_load(EXAMPLE.read_text())
    assert {name: found[name] for name in given} == given
    assert found["layout"] == "parts"
    changed = second.fmc("new", "--set", "timezone=Europe/Rome", "--yes", "--push", cwd=second.workspace)
    assert changed.code == 0, changed.err
    assert yaml.safe_load(kept(second).read_text())["timezone"] == "Europe/Rome"


def test_what_a_repository_records_is_taken_as_answers(second: World) -> None:
    """Faults B14."""
    file = second.workspace / "infra" / ".copier-answers.yml"
    assert second.fmc("check", "--answers", str(file)).code == 0
    done = second.fmc("new", "--answers", str(file), "--yes", cwd=second.folder)
    assert done.code == 0, done.err
    assert "No change" in done.out
    assert kept(second).is_file()


def test_missing_clone_is_named_with_the_command_that_gets_it(second: World) -> None:
    shutil.rmtree(second.workspace / "apps")
    done = second.fmc("new", "--yes", cwd=second.workspace)
    assert done.code == 2
    command = f"git clone {second.base_url}apps.git {second.workspace / 'apps'}"
    assert f"Clone what is missing: `{command}`." in done.err
    second.git(*command.split()[1:])
    assert second.fmc("new", "--yes", cwd=second.workspace).code == 0


def test_folder_that_can_not_be_a_workspace_is_bad_input(world: World) -> None:
    """Faults E19: it was exit code 4 and "free some space"."""
    (world.folder / "file").touch()
    (world.folder / "loop").symlink_to("loop")
    for name in ("file", "file/below", "loop", "loop/below", "/proc/nowhere"):
        done = world.fmc("new", "--answers", str(EXAMPLE), "--workspace", name, "--yes")
        assert done.code == 2, done.err
        assert "Choose another" in done.err
        assert "space" not in done.err.replace("workspace", "")


def test_folder_of_a_checkout_is_not_recorded_silently(first_run: tuple[World, Finished]) -> None:
    """Faults B3."""
    _, done = first_run
    assert "a folder of this computer: `copier update` works nowhere else" in done.out


def test_advice_on_the_address_of_the_template_leads_out(pushed: World) -> None:
    """Faults B3."""
    before = pushed.fmc("push", cwd=pushed.workspace)
    assert "a folder of this computer" in before.err
    command = re.search(r"`fmc (new --answers \S+ --template-url URL)` records another one", before.err)
    assert command, before.err
    arguments = command[1].replace("URL", "https://git.example.com/fmc.git").split()
    assert pushed.fmc(*arguments, "--yes").code == 0
    assert recorded(pushed)["_src_path"] == "https://git.example.com/fmc.git"
    after = pushed.fmc("push", cwd=pushed.workspace)
    assert after.code == 0, after.err
    assert "computer" not in after.err
