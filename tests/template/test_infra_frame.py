"""What frames the infra part (README, linters, Renovate), and every layout: its answers file, its links, its format."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import click
import pytest

from docs.generate import commands
from generator.answers.load import load
from tests.template.argocd_tree import documents
from tests.template.conftest import ROOT
from tests.template.infra_machines import SYSTEMS
from tests.template.infra_tree import CLUSTERS, Infra, files, render_infra

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.template.conftest import Render

LAYOUTS = ("infra", "argocd", "apps", "monorepo")
DELIMITERS = re.compile(r"#\{|\}#|#%|%#|#\||\|#")
LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")
COMMANDS = commands()


@pytest.fixture(scope="module", params=CLUSTERS)
def infra(request: pytest.FixtureRequest, render: Render, tmp_path_factory: pytest.TempPathFactory) -> Infra:
    return render_infra(render, request.param, tmp_path_factory.mktemp("answers"))


@pytest.fixture(scope="module")
def example() -> Callable[[str], dict[str, Any]]:
    return lambda name: dict(documents(ROOT / f"examples/{name}.yaml")[0])


@pytest.fixture(
    scope="module", params=[(name, layout) for name in ("ha", "single") for layout in LAYOUTS], ids="-".join
)
def repository(request: pytest.FixtureRequest, render: Render, example: Callable[[str], dict[str, Any]]) -> Path:
    name, layout = request.param
    return render(example(name), layout)


# -- every layout ------------------------------------------------------------------------------------------------------


def test_nothing_of_the_template_is_left(repository: Path) -> None:
    for path in files(repository):
        assert not DELIMITERS.search(path.relative_to(repository).as_posix()), path
        assert not DELIMITERS.search(path.read_text()), path
        assert path.suffix != ".jinja"


def test_every_text_is_as_the_editorconfig_wants_it(repository: Path) -> None:
    (settings,) = {path.read_text() for path in repository.rglob(".editorconfig") if path.parent == repository}
    assert "insert_final_newline = true" in settings
    for path in files(repository):
        data = path.read_bytes()
        assert b"\r" not in data, path
        assert not re.search(rb"[ \t]+$", data, re.MULTILINE), path
        assert not data or (data.endswith(b"\n") and not data.endswith(b"\n\n")), path
        assert b"\t" not in data or path.name == "Makefile", path


def test_yamllint_finds_nothing(repository: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "yamllint", "--strict", "."], cwd=repository, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def anchors(readme: Path) -> set[str]:
    """Return the anchors that a forge gives the headings of a Markdown file."""
    headings = re.findall(r"(?m)^#+ (.+)$", readme.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_relative_link_leads_to_a_file(repository: Path) -> None:
    readmes = sorted(repository.rglob("*.md"))
    assert repository / "README.md" in readmes
    for readme in readmes:
        for link in LINK.findall(readme.read_text()):
            if "://" in link:
                continue
            target, _, anchor = link.partition("#")
            path = readme.parent / target if target else readme
            assert path.exists(), f"{readme.relative_to(repository)}: {link}"
            assert not anchor or anchor in anchors(path), f"{readme.relative_to(repository)}: {link}"


def test_a_readme_names_commands_that_exist(repository: Path) -> None:
    for readme in sorted(repository.rglob("*.md")):
        for verb, inner in re.findall(r"\bfmc ([a-z]+)(?: ([a-z]+))?", readme.read_text()):
            assert verb in COMMANDS, f"{readme.relative_to(repository)}: fmc {verb}"
            if isinstance(COMMANDS[verb], click.Group):
                assert f"{verb} {inner}" in COMMANDS, f"{readme.relative_to(repository)}: fmc {verb} {inner}"


def test_how_a_machine_takes_up_a_change_is_told_once(infra: Infra) -> None:
    """Faults C3: one README said "change the answers, apply", and another one that this does nothing."""
    told = {
        path.relative_to(infra.root).as_posix(): path.read_text()
        for path in files(infra.root)
        if path.suffix == ".md" and "takes effect only" in path.read_text()
    }
    (text,) = told.values()
    assert list(told) == ["terraform/README.md"]
    assert text.count("takes effect only") == 1
    # The table of everyday changes sends there for each of them.
    rows = [line for line in (infra.root / "README.md").read_text().splitlines() if line.startswith("| a ")]
    (larger,) = (row for row in rows if row.startswith("| a larger or another machine |"))
    assert "[raise its generation](terraform/README.md)" in larger


def test_each_layout_has_one_template_of_the_answers_file() -> None:
    """A second one would be rendered to the same place, over the first one."""
    found = sorted(path.relative_to(ROOT / "templates") for path in (ROOT / "templates").rglob("*answers_file*"))
    folders = {layout: "" if layout == "monorepo" else f"{layout}/" for layout in LAYOUTS}
    wanted = [
        f"{folder}#% if layout == '{layout}' %##{{ _copier_conf.answers_file }}##% endif %#.jinja"
        for layout, folder in folders.items()
    ]
    assert sorted(path.as_posix() for path in found) == sorted(wanted)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["ha", "single"])
def test_the_answers_file_lies_once_at_the_root_and_gives_the_same_repository_again(
    render: Render, example: Callable[[str], dict[str, Any]], name: str, layout: str
) -> None:
    origin = {"_src_path": "https://git.example.com/template.git", "_commit": "v1.2.3"}
    root = render(example(name) | {"template_origin": origin}, layout)
    (path,) = root.rglob("*copier-answers*")
    assert path == root / ".copier-answers.yml"
    (kept,) = documents(path)
    recorded = dict(kept)
    assert {key: recorded.pop(key) for key in origin} == origin
    assert recorded["layout"] == layout
    assert example(name).items() <= recorded.items()
    assert not any(key.startswith("_") for key in recorded)

    again = render(recorded, layout)
    assert [item.relative_to(root) for item in files(root)] == [item.relative_to(again) for item in files(again)]
    for item in files(root):
        if item != path:
            assert item.read_bytes() == (again / item.relative_to(root)).read_bytes()


# -- infra -------------------------------------------------------------------------------------------------------------


def rows(readme: Path) -> Iterator[list[str]]:
    for line in readme.read_text().splitlines():
        if line.startswith("| "):
            yield [cell.strip().strip("`") for cell in line.strip("|").split(" | ")]


def test_the_readme_shows_the_plan(infra: Infra) -> None:
    plan = infra.plan
    shown = {row[0]: row for row in rows(infra.root / "README.md")}
    for node in plan.nodes:
        disks = f"{node.disk_gib} GiB" + (f" + {node.data_disk_gib} GiB" if node.data_disk_gib else "")
        facts = [
            node.name,
            node.role,
            SYSTEMS[node.image],
            node.address,
            str(node.cpus),
            f"{node.memory_mib} MiB",
            disks,
        ]
        assert shown[node.name] == facts
    assert shown[plan.api.host][1] == plan.api.address
    for service in plan.services:
        assert shown[service.host][1] == plan.ingress
    assert f"*.{infra.answers['domain']}" not in (infra.root / "README.md").read_text()
    networks = [
        row for row in rows(infra.root / "README.md") if row[0].startswith(tuple(n.name for n in plan.networks))
    ]
    assert [row[1:] for row in networks] == [[n.bridge, n.cidr, n.gateway] for n in plan.networks]
    text = (infra.root / "README.md").read_text()
    assert f"{sum(node.memory_mib for node in plan.nodes)} MiB of memory" in text
    assert plan.k3s.version in text
    assert plan.k3s.pod_cidr in text


def test_the_readme_goes_into_folders_that_exist(infra: Infra) -> None:
    blocks = re.findall(r"(?s)```sh\n(.*?)```", (infra.root / "README.md").read_text())
    assert len(blocks) >= 4
    visited = set()
    for block in blocks:
        folder = infra.root
        for line in block.splitlines():
            if line.startswith("cd "):
                folder = (folder / line.removeprefix("cd ")).resolve()
                visited.add(folder)
                assert folder.is_dir(), line
            for playbook in re.findall(r"ansible-playbook (\S+)", line):
                assert (folder / playbook).is_file(), line
            for target in re.findall(r"^make ([a-z-]+)", line):
                assert re.search(rf"(?m)^{target}:", (folder / "Makefile").read_text()), line
        assert folder == infra.root.resolve() or folder == infra.root
    assert infra.ansible.resolve() in visited


def test_the_readmes_command_gives_a_mapping_whole_and_is_accepted(infra: Infra, tmp_path: Path) -> None:
    """faults C4: the example replaced the sizes of all other roles by their defaults; in `single` it named no role."""
    (text,) = re.findall(r"--data 'sizes=(\{.*\})'", (infra.root / "README.md").read_text())
    sizes = json.loads(text)
    (role,) = {role for role in sizes if sizes[role].get("memory_mib") == 16384}
    kept = {name: dict(size) for name, size in infra.answers["sizes"].items()}
    assert sizes == kept | {role: kept.get(role, {}) | {"memory_mib": 16384}}
    path = tmp_path / "answers.yaml"
    path.write_text(json.dumps(dict(infra.answers) | {"sizes": sizes}))
    changed = {node.name for node in load(path, ROOT).plan.nodes if node.memory_mib == 16384}
    assert changed & {node.name for node in infra.plan.nodes if node.role == role}


def test_the_readme_says_how_to_reach_the_cluster_from_elsewhere(infra: Infra) -> None:
    """faults C6: the documents ended at the hypervisor."""
    (chapter,) = re.findall(r"(?ms)^## From your computer\n(.*?)^## ", (infra.root / "README.md").read_text())
    modes = {network.key: network.mode for network in infra.plan.networks}
    routes = re.findall(r"ip route add (\S+) via \S+", chapter)
    assert routes == [network.cidr for network in infra.plan.networks if network.mode == "open"]
    assert ("No route leads there" in chapter) == ("nat" in modes.values())
    names = re.findall(r"(?m)^([\d.]+) (\S.*)$", chapter)
    hosts = {name: address for address, all_names in names for name in all_names.split()}
    assert hosts == {
        infra.plan.api.host: infra.plan.api.address,
        **{service.host: infra.plan.ingress for service in infra.plan.services},
    }
    jumped = re.findall(r"(?m)^Host (.+)\n  User core\n  ProxyJump \S+$", chapter)
    behind = [node.address for node in infra.plan.nodes if modes[node.network] != "bridge"]
    assert jumped == ([" ".join(behind)] if behind else [])
    assert "**The authority.**" in chapter


def test_the_makefile_lists_its_targets(infra: Infra) -> None:
    result = subprocess.run(
        ["make", "--no-print-directory"], cwd=infra.root, capture_output=True, text=True, check=True
    )
    listed = {line.split()[0] for line in result.stdout.splitlines()}
    makefile = (infra.root / "Makefile").read_text()
    (phony,) = re.findall(r"(?m)^\.PHONY: (.+)$", makefile)
    assert listed == set(phony.split())
    assert set(re.findall(r"(?m)^([a-z-]+):", makefile)) == listed


def test_ansible_and_the_linters_are_pinned_with_their_digests(infra: Infra) -> None:
    lock = (infra.ansible / "requirements.txt").read_text()
    pinned = re.findall(r"(?m)^([a-z0-9-]+==[^ ]+)(?: ;.*?)? \\\n +--hash=sha256:[0-9a-f]{64}", lock)
    assert len(pinned) == len(re.findall(r"(?m)^[a-z]", lock)) > 10
    wanted = [line for line in (infra.ansible / "requirements.in").read_text().splitlines() if not line.startswith("#")]
    assert set(wanted) <= set(pinned)
    assert all("==" in line for line in wanted)


def test_renovate_and_pre_commit_speak_of_files_that_exist(infra: Infra) -> None:
    names = [path.relative_to(infra.root).as_posix() for path in files(infra.root)]
    renovate = json.loads((infra.root / "renovate.json").read_text())
    patterns = [manager["managerFilePatterns"] for manager in renovate.values() if "managerFilePatterns" in manager]
    assert patterns
    for pattern in (pattern for group in patterns for pattern in group):
        assert any(re.search(pattern.strip("/"), name) for name in names), pattern
    (hooks,) = documents(infra.root / ".pre-commit-config.yaml")
    makefile = (infra.root / "Makefile").read_text()
    for hook in (hook for repo in hooks["repos"] for hook in repo["hooks"]):
        if "files" in hook:
            assert any(re.search(hook["files"], name) for name in names), hook
        if "entry" in hook:
            assert re.search(rf"(?m)^{hook['entry'].removeprefix('make ')}:", makefile), hook


def test_the_same_hook_has_the_same_version_in_every_repository(
    render: Render, example: Callable[[str], dict[str, Any]]
) -> None:
    pins = []
    for layout in LAYOUTS:
        (settings,) = documents(render(example("ha"), layout) / ".pre-commit-config.yaml")
        pins.append({repo["repo"]: repo["rev"] for repo in settings["repos"] if "rev" in repo})
        text = (render(example("ha"), layout) / ".pre-commit-config.yaml").read_text()
        assert re.findall(r"rev: (.*)", text) == re.findall(r"rev: ([0-9a-f]{40}  # frozen: v\d+\.\d+\.\d+)\n", text)
    for one, other in pairwise(pins):
        assert one == other
