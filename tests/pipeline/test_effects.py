"""`fmc new` tells what changed answers destroy, replace or restart, before it writes anything (faults A6)."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

from tests.pipeline.world import answers, tree

if TYPE_CHECKING:
    from tests.pipeline.world import World


def test_a_machine_that_would_be_lost_is_named_and_nothing_is_written(pushed: World) -> None:
    changed = answers(pushed.folder, counts="{workers: 2}")
    before = tree(pushed.folder), pushed.references()
    refused = pushed.new("--push", answers=changed)
    assert refused.code == 3
    assert "worker3: the machine goes, with its disk of 40 GiB and its data disk of 80 GiB" in refused.err
    assert (tree(pushed.folder), pushed.references()) == before
    # The remedy, word by word.
    (options,) = re.findall(r"run the same command with (.*)", refused.err)
    done = pushed.new("--push", *shlex.split(options), answers=changed)
    assert done.code == 0, done.err
    assert "worker3" not in (pushed.workspace / "infra" / "plan.json").read_text()


def test_a_data_disk_that_would_be_lost_is_named(pushed: World) -> None:
    refused = pushed.new(answers=answers(pushed.folder, sizes="{worker: {data_disk_gib: 0}}"))
    assert refused.code == 3
    assert all(f"--allow-destructive 'worker{number}/data'" in refused.err for number in (1, 2, 3))


def test_allowing_one_thing_allows_no_other(pushed: World) -> None:
    refused = pushed.new("--allow-destructive", "worker3", answers=answers(pushed.folder, counts="{workers: 1}"))
    assert refused.code == 3
    assert "worker2: the machine goes" in refused.err
    assert "worker3: the machine goes" not in refused.err


def test_what_restarts_or_replaces_is_told_and_done(pushed: World) -> None:
    changed = answers(pushed.folder, sizes="{worker: {cpus: 6}}", kubernetes="{version: v1.36.5+k3s1}")
    done = pushed.new(answers=changed, env={"COLUMNS": "200"})
    assert done.code == 0, done.err
    assert re.search(r"worker1 +replace +cpus 4 -> 6; takes effect when its generation is raised", done.out)
    assert re.search(r"kubernetes version +restart +v1\.36\.4\+k3s1 -> v1\.36\.5\+k3s1", done.out)


def test_machines_are_told_for_programs_too(pushed: World) -> None:
    done = pushed.new("--output", "json", answers=answers(pushed.folder, counts="{workers: 4}"))
    assert done.code == 0, done.err
    (effect,) = json.loads(done.out)["effects"]
    assert (effect["name"], effect["class"]) == ("worker4", "safe")


def test_a_plan_that_cannot_be_read_stops_with_the_way_to_restore_it(pushed: World) -> None:
    pushed.commit("infra", {"plan.json": "[]\n"})
    refused = pushed.new(answers=answers(pushed.folder, counts="{workers: 4}"))
    assert refused.code == 2
    assert "plan.json" in refused.err
