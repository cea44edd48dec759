"""`fmc doctor`: whether this machine and the hypervisors of the plan are ready for what comes next."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.drill.programs import programs
from generator.errors import BadInputError, FmcError
from generator.findings import Flaw
from generator.readiness import ruleset
from generator.readiness.addresses import judge_answers
from generator.readiness.hosts import host_plans, judge_host
from generator.readiness.images import Image, judge_images
from generator.readiness.tools import ANSIBLE, ansible_of, judge_tools, tools_of, version_in
from generator.secrets.vault.identities import identity_path
from generator.strictyaml import load_plain
from generator.template.source import find_template, template_root
from generator.tools.addresses import ask
from generator.tools.hypervisor import is_local, look_at
from generator.tools.install import find_tool
from generator.tools.versions import family, version_of
from generator.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from generator.answers.load import LoadedAnswers
    from generator.findings import Finding
    from generator.readiness.hosts import HostPlan
    from generator.readiness.tools import Tool
    from generator.tools.hypervisor import HostFacts
    from generator.workspace import Repositories

_NEEDED = {"git"}
_OF_DRILLS = "`fmc drill`; without it `fmc drill --level restore`"
_IMAGES = Path("terraform") / "images"
_NAMED_AFTER = 16  # digits of the digest
_PINS = ("versions.yaml", "versions.user.yaml")
_REQUIREMENTS = Path("ansible") / "requirements.txt"
_TABLE = "#% import 'lib/tools.jinja' as t with context %##{ t.tools | to_json }#"


@dataclass(frozen=True)
class Requirement:
    """One thing that was looked for.

    Attributes:
        name: What it is.
        found: Version or place; "" where it is not there.
        wanted: The versions that will do; "" where any will.
        purpose: What it is for.
        needed: Whether fmc does not work without it.
    """

    name: str
    found: str
    wanted: str
    purpose: str
    needed: bool = False

    def as_dict(self) -> dict[str, object]:
        """Return it for `--output json`."""
        return asdict(self)


@dataclass(frozen=True)
class Hypervisor:
    """A hypervisor, and what was seen of it; None where it was not looked at."""

    plan: HostPlan
    facts: HostFacts | None


@dataclass(frozen=True)
class Subject:
    """What is looked at beside this machine's programs.

    Attributes:
        loaded: The answers; None where there are none.
        infra: The folder of the part infra; None where it is not there.
    """

    loaded: LoadedAnswers | None = None
    infra: Path | None = None


@dataclass(frozen=True)
class Examination:
    """What was found.

    Attributes:
        requirements: What was looked for on this machine.
        hosts: The hypervisors of the plan.
        findings: What is not as it has to be.
    """

    requirements: Sequence[Requirement]
    hosts: Sequence[Hypervisor]
    findings: Sequence[Finding]


def subject_of(answers: Path | None, start: Path) -> Subject:
    """Find out what there is to look at.

    Args:
        answers: An answers file; None for the workspace around.
        start: The workspace, or a folder in it, or any other one.

    Raises:
        BadInputError: The answers are wrong, or the repositories around are.
    """
    from generator.answers.load import load
    from generator.workspace import find_repositories, workspace_around

    if answers is not None:
        return Subject(load(answers, template_root()))
    if workspace_around(start) is None:
        return Subject()
    found: Repositories = find_repositories(start, template_root())
    return Subject(found.loaded, found.folders.parts.get("infra"))


def examine(subject: Subject, asked: Collection[str]) -> Examination:
    """Look at everything.

    Args:
        subject: Answers and repositories, if there are any.
        asked: Hypervisors, by name, that are to be looked at wherever they are, and whose addresses are to be tried.

    Raises:
        BadInputError: The plan has no such hypervisor.
    """
    plans = host_plans(subject.loaded.plan_data) if subject.loaded else ()
    _require_known(asked, plans)
    pins = _pins(subject.infra)
    tools = _wanted(subject, pins)
    found = _look_for(tools, subject.infra)
    requirements, findings = _of_fmc()
    requirements += [
        Requirement(tool.name, _shown(found[tool.name]), tool.wanted, tool.purpose, needed=tool.name in _NEEDED)
        for tool in tools
    ]
    requirements += [Requirement(name, place, "", _OF_DRILLS) for name, place in programs().items()]
    findings += judge_tools(tools, found, family())
    if subject.infra is not None:
        findings += judge_images(_digests(subject.infra, pins.get("images", {})))
    hosts = []
    for plan in plans:
        facts = look_at(plan.uri, plan.bridge) if is_local(plan.uri) or plan.name in asked else None
        hosts.append(Hypervisor(plan, facts))
        if facts is not None:
            findings += judge_host(plan, facts)
        if facts is not None and plan.name in asked:
            findings += judge_answers(plan, ask(_targets(plan)), facts.domains)
    return Examination(requirements, hosts, findings)


def _require_known(asked: Collection[str], plans: Sequence[HostPlan]) -> None:
    known = [plan.name for plan in plans]
    for name in asked:
        if name not in known:
            raise BadInputError(
                f"the plan has no hypervisor {name}" if known else "there is no plan here that could have hypervisors",
                fix=did_you_mean(name, known) or "Go to a workspace, or name answers: `fmc doctor --answers FILE`.",
            )


def _targets(plan: HostPlan) -> dict[str, Collection[int]]:
    addresses = [*(machine.address for machine in plan.machines), *plan.vips]
    return {address: plan.ports.get(address, frozenset()) for address in addresses}


def _pins(infra: Path | None) -> dict[str, dict[str, Any]]:
    """Return the tables of the repository's pins, a person's own rows in place of rendered ones."""
    tables: dict[str, dict[str, Any]] = {}
    for name in _PINS if infra else ():
        if infra and (infra / name).is_file():
            for table, rows in (load_plain((infra / name).read_bytes()) or {}).items():
                tables[table] = tables.get(table, {}) | (rows or {})
    return tables


def _wanted(subject: Subject, pins: Mapping[str, Mapping[str, Any]]) -> tuple[Tool, ...]:
    """Return the tools that the repository infra pins, where it lies here; else those that fmc would render."""
    from generator.answers.questionnaire import Questionnaire

    root = template_root()
    rows = pins.get("tools")
    if not rows:
        plan = {"k3s": {"version": ""}}
        known = {**subject.loaded.data, "plan": subject.loaded.plan_data} if subject.loaded else {"plan": plan}
        rows = json.loads(Questionnaire.load(root).render(_TABLE, known))
    if subject.loaded and subject.loaded.plan.existing:
        return tools_of(rows, by_hand=True)
    requirements = (subject.infra or root / "templates" / "infra") / _REQUIREMENTS
    return (ansible_of(requirements.read_text()), *tools_of(rows))


def _digests(infra: Path, images: Mapping[str, Mapping[str, str]]) -> list[Image]:
    """Return the images that were fetched, each with its digest; a file is called after the digest that is pinned."""
    found = []
    for name, row in images.items():
        path = infra / _IMAGES / f"{row['sha512'][:_NAMED_AFTER]}.qcow2"
        if path.is_file():
            with path.open("rb") as file:
                found.append(Image(name, path, row["sha512"], hashlib.file_digest(file, "sha512").hexdigest()))
    return found


def _look_for(tools: Sequence[Tool], infra: Path | None) -> dict[str, str | None]:
    """Return what each tool says, all asked at the same time: some take a second."""

    def told(tool: Tool) -> str | None:
        # `make tools` puts Ansible into the repository.
        own = [infra / ".venv" / "bin" / tool.name] if infra and tool.name == ANSIBLE else []
        places = [str(one) for one in own if one.is_file()] + [tool.name, *tool.instead]
        answers = (version_of(program, tool.arguments) for program in places)
        return next((answer for answer in answers if answer is not None), None)

    with ThreadPoolExecutor() as pool:
        return dict(zip((tool.name for tool in tools), pool.map(told, tools), strict=True))


def _shown(output: str | None) -> str:
    return "" if output is None else version_in(output) or "there"


def _of_fmc() -> tuple[list[Requirement], list[Finding]]:
    """Look for what fmc itself works with; all but the last two has to be there."""
    identity = identity_path(None, os.environ)
    kubeconform = find_tool("kubeconform")
    findings = []
    try:
        template = find_template()
        source = f"{template.root} ({template.version})"
    except FmcError as error:
        source = ""
        findings.append(ruleset.INSTALLATION.finding(Flaw("", 0, error.message, path="template", fix=error.fix or "")))
    version = version_of(str(kubeconform), ["-v"]) if kubeconform else None
    return [
        Requirement("Python", platform.python_version(), "", "runs fmc", needed=True),
        Requirement("template", source, "", "what `fmc new` renders", needed=True),
        Requirement(
            "kubeconform",
            f"{version.strip()} ({kubeconform})" if version else "",
            "",
            "validates manifests; else the built-in engine does",
        ),
        Requirement(
            "age identity",
            str(identity) if identity.is_file() else "",
            "",
            "opens the vault; the first `fmc seal` makes it",
        ),
    ], findings
