"""What lies in the wheel and in the source distribution, and what they say of themselves."""

from __future__ import annotations

import re
import stat
import tomllib
from email import message_from_bytes
from typing import TYPE_CHECKING

import pytest

from generator import __version__
from generator.checks.schema.bundle import MINORS, bundle_name, make_bundle
from tests.copier.releases import project_files
from tests.packaging.installation import NAME, build, content, copy_work_tree, install, unpack
from tests.pipeline.world import ROOT

if TYPE_CHECKING:
    from email.message import Message
    from pathlib import Path

PREFIX = "generator/_template/"
INFO = f"{NAME.replace('-', '_')}-{__version__}.dist-info/"


@pytest.fixture(scope="module")
def files(wheel: Path) -> dict[str, bytes]:
    return content(wheel)


@pytest.fixture(scope="module")
def metadata(files: dict[str, bytes]) -> Message:
    return message_from_bytes(files[f"{INFO}METADATA"])


def test_the_template_in_the_wheel_is_the_one_that_lies_here(files: dict[str, bytes]) -> None:
    names = project_files("copier.yml", "lib", "templates")
    assert any("#%" in name and " " in name for name in names)
    packaged = {name.removeprefix(PREFIX): data for name, data in files.items() if name.startswith(PREFIX)}
    assert packaged == {name: (ROOT / name).read_bytes() for name in names}


def test_beside_it_lie_the_package_and_the_schemas_alone(files: dict[str, bytes]) -> None:
    schemas = {f"generator/checks/schema/data/{bundle_name(minor)}" for minor in MINORS}
    rest = {name for name in files if not name.startswith((PREFIX, INFO))}
    assert rest == set(project_files("generator")) | schemas
    assert "generator/py.typed" in rest
    assert files[f"generator/checks/schema/data/{bundle_name(MINORS[-1])}"] == make_bundle(MINORS[-1])


def test_the_source_distribution_builds_the_same_wheel(source: Path, wheel: Path, tmp_path: Path) -> None:
    sdist = build(source, "sdist", tmp_path / "sdist")
    again = build(unpack(sdist, tmp_path / "unpacked"), "wheel", tmp_path / "wheel")
    assert again.name == wheel.name
    assert content(again) == content(wheel)
    assert again.read_bytes() == wheel.read_bytes()


def test_a_program_of_the_template_can_be_executed_where_it_is_installed(tmp_path: Path) -> None:
    source = copy_work_tree(tmp_path / "source")
    name = "templates/infra/#% if layout == 'infra' %#run me#% endif %#"
    (source / name).write_text("#!/bin/sh\n")
    (source / name).chmod(0o755)
    install(build(source, "wheel", tmp_path / "wheel"), tmp_path / "installed")
    assert (tmp_path / "installed" / PREFIX / name).stat().st_mode & stat.S_IXUSR
    assert not (tmp_path / "installed" / PREFIX / "copier.yml").stat().st_mode & stat.S_IXUSR


def test_every_version_is_the_same_one(metadata: Message) -> None:
    assert metadata["Version"] == __version__
    # The template's tag is made from it, and Copier compares tags as Python compares versions.
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)


def test_the_metadata_says_whose_it_is_and_what_it_needs(metadata: Message, files: dict[str, bytes]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert metadata["Name"] == NAME
    assert metadata["License-Expression"] == "Apache-2.0"
    assert files[f"{INFO}licenses/{metadata['License-File']}"] == (ROOT / "LICENSE").read_bytes()
    assert metadata["Requires-Python"] == ">=3.11"
    assert len(metadata.get_all("Requires-Dist", [])) == len(project["dependencies"])
    assert metadata.get_payload(decode=True) == (ROOT / "README.md").read_bytes()
    assert files[f"{INFO}entry_points.txt"] == b"[console_scripts]\nfmc = generator.cli.main:main\n"
