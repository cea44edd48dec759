"""What an optional role has set up goes where the answers do without it, by the note that it left on the machine."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.template.argocd_tree import documents
from tests.template.infra_tree import Infra, render_infra

if TYPE_CHECKING:
    from pathlib import Path

    from tests.template.conftest import Ansible, Render

OPTIONAL = {"cloudflare_ddns": "ddns", "wireguard": "vpn_servers"}
# A systemd that knows one unit, and notes what it is told.
SYSTEMCTL = """#!/bin/sh
echo "$*" >>{log}
case "$*" in
  *show*gone*) echo LoadState=not-found ;;
  *show*) echo LoadState=loaded; echo ActiveState=active ;;
  *is-enabled*) echo enabled ;;
esac
"""


@pytest.fixture(scope="module")
def whole(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Infra:
    return render_infra(render, "whole", tmp_path_factory.mktemp("answers"))


def notes(infra: Infra, role: str) -> dict[str, Any]:
    """Return what a role notes."""
    tasks = documents(infra.ansible / "roles" / role / "tasks/main.yml")[0]
    (noted,) = (task for task in tasks if task.get("ansible.builtin.include_role", {}).get("tasks_from") == "note")
    return dict(noted["vars"]["retired_note"])


@pytest.mark.parametrize("role", OPTIONAL)
def test_a_role_notes_its_group_and_every_file_that_it_makes(whole: Infra, role: str) -> None:
    note = notes(whole, role)
    assert (note["role"], note["group"]) == (role, OPTIONAL[role])
    assert OPTIONAL[role] in whole.groups
    tasks = documents(whole.ansible / "roles" / role / "tasks/main.yml")[0]
    order = [task["name"] for task in tasks]
    made = 0
    for task in tasks:
        for module in ("copy", "template"):
            target = task.get(f"ansible.builtin.{module}", {}).get("dest")
            for path in [target.replace("{{ item }}", one) for one in task.get("loop", [""])] if target else ():
                assert any(path == kept or path.startswith(f"{kept}/") for kept in note["files"]), path
                assert order.index("Note what is set up here, for the day when the answers do without it") < (
                    order.index(task["name"])
                )
                made += 1
    assert made


def test_a_note_whose_group_a_machine_has_left_ends_units_and_files_and_goes_last(
    whole: Infra, ansible: Ansible, ansible_python: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(whole.root, tmp_path / "infra") / "ansible"
    kept, here, programs = tmp_path / "notes", tmp_path / "machine", tmp_path / "bin"
    for path in (kept, here, programs):
        path.mkdir()
    for name in ("of-the-old", "of-the-current", "of-nobody"):
        (here / name).mkdir()
        (here / name / "file").touch()
    for role, group in (("old", "left"), ("current", "mine")):
        units = [f"{role}.timer", "gone.service"] if role == "old" else [f"{role}.service"]
        note = {"role": role, "group": group, "units": units, "files": [str(here / f"of-the-{role}")]}
        (kept / f"{role}.json").write_text(json.dumps(note))
    log = tmp_path / "systemctl.log"
    (programs / "systemctl").write_text(SYSTEMCTL.format(log=log))
    (programs / "systemctl").chmod(0o755)
    play = {
        "hosts": "mine",
        "gather_facts": False,
        "environment": {"PATH": f"{programs}:/usr/bin:/bin"},
        "roles": ["retired"],
    }
    (folder / "playbooks/try.yml").write_text(json.dumps([play]))
    (folder / "hosts").write_text("[mine]\nlocalhost ansible_connection=local\n")

    def run(*options: str) -> str:
        given = json.dumps({"retired_folder": str(kept), "ansible_python_interpreter": str(ansible_python)})
        done = ansible(folder, "ansible-playbook", "playbooks/try.yml", "--inventory", "hosts", "-e", given, *options)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("--check")
    assert (here / "of-the-old").exists()
    run()
    assert sorted(path.name for path in here.iterdir()) == ["of-nobody", "of-the-current"]
    assert [path.name for path in kept.iterdir()] == ["current.json"]
    told = log.read_text().splitlines()
    assert {"stop old.timer", "disable old.timer"} <= set(told)
    assert not [line for line in told if "current" in line]
    assert "changed=0" in run()
