"""kubeconform is the same program for users and for tests; both pin it, each in its own form, and alike."""

from __future__ import annotations

from generator.tools.install import CONTENT, MODULE, VERSION
from tests.toolchain.tool import read_tools


def test_users_get_the_kubeconform_that_the_tests_run() -> None:
    tool = read_tools()["kubeconform"]
    assert (tool.spec["module"], tool.spec["version"]) == (MODULE, VERSION)


def test_both_pin_the_same_content_of_every_module() -> None:
    _, sums = read_tools()["kubeconform"].locks
    lines = (line.split() for line in sums.read_text().splitlines())
    # A module's go.mod has a line of its own, and says nothing about what is built.
    content = {name: (version, digest) for name, version, digest in lines if not version.endswith("/go.mod")}
    assert {name: content.get(name) for name in CONTENT} == CONTENT
