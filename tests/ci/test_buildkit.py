"""What BuildKit itself says of our Dockerfile, and of the arguments that `ci/build-image` gives to its client."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.conftest import require_tool
from tests.template.conftest import ROOT
from tests.toolchain.tool import read_tools

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ci.conftest import Checkout

# Where no builder listens: the client looks at all of its arguments before it asks one.
NOWHERE = {"BUILDKIT_HOST": "unix:///nonexistent/buildkitd.sock"}


def lint(dockerfile: Path) -> list[str]:
    """Return the rules that a Dockerfile breaks."""
    said = subprocess.check_output([require_tool("dockerfile-lint"), dockerfile], text=True)
    return [warning["rule"] for warning in json.loads(said)]


def test_the_linter_has_nothing_to_say_of_the_sample(checkout: Checkout) -> None:
    assert lint(checkout.folder / "sources/hello/Dockerfile") == []


def test_the_linter_finds_what_is_wrong(tmp_path: Path) -> None:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("FROM scratch\nENV DB_PASSWORD=x\nCMD shop\n")
    assert lint(dockerfile) == ["SecretsUsedInArgOrEnv", "JSONArgsRecommended"]


@pytest.mark.parametrize(
    "settings", [{}, {"BUILD_SBOM": "", "BUILD_PROVENANCE": "min", "BUILD_CACHE": "no"}], ids=["usual", "less"]
)
@pytest.mark.parametrize("options", [(), ("--push",)], ids=["build", "push"])
def test_the_client_takes_what_it_is_given(
    checkout: Checkout, options: tuple[str, ...], settings: dict[str, str]
) -> None:
    path = f"{require_tool('buildctl').parent}:{checkout.variables['PATH']}"
    done = checkout.run("ci/build-image", "hello", *options, PATH=path, **NOWHERE, **settings)
    assert done.returncode == 4
    assert "connect: no such file or directory" in done.stderr
    assert "Incorrect Usage" not in done.stderr


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--metadata", "x"], "flag provided but not defined: -metadata"),
        (["--opt", "attest"], "invalid opt"),
        (["--output", "image"], "invalid value image"),
        (["--local", "context=sources/nowhere"], "invalid local"),
    ],
)
def test_the_client_refuses_other_things_before_it_asks_anybody(wrong: list[str], said: str) -> None:
    command = [str(require_tool("buildctl")), "build", *wrong]
    done = subprocess.run(command, env=NOWHERE, capture_output=True, text=True, check=False)
    assert said in done.stdout + done.stderr


def test_it_is_the_release_that_agents_run() -> None:
    pins = (ROOT / "lib/ci/pins.jinja").read_text()
    assert f"'docker.io/moby/buildkit:{read_tools()['buildkit'].version}-rootless@sha256:" in pins
