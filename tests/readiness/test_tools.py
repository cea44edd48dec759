"""The programs that an operator needs, compared with what is wanted of them."""

from __future__ import annotations

import pytest

from generator.readiness.tools import Tool, ansible_of, judge_tools, tools_of, version_in
from tests.pipeline.world import ROOT
from tests.remedies.walk import commands

TERRAFORM = Tool("terraform", "makes the machines", ("version",), "1.15.7", "1.9", "2", instead=("tofu",))
HELM = Tool("helm", "renders the charts", ("version",), "4.2.4")
HTPASSWD = Tool("htpasswd", "makes entries", packages={"Debian": "apache2-utils", "RedHat": "httpd-tools"})


@pytest.mark.parametrize(
    ("tool", "output", "rule"),
    [
        (TERRAFORM, "Terraform v1.9.0\non linux_amd64\n", None),
        (TERRAFORM, "OpenTofu v1.12.6\n", None),
        (TERRAFORM, "Terraform v1.8.5\n", "doctor/tool-version"),
        (TERRAFORM, "Terraform v2.0.0\n", "doctor/tool-version"),
        (TERRAFORM, None, "doctor/tool"),
        (HELM, "v4.2.9+gabc", None),
        (HELM, "v3.21.0+gabc", "doctor/tool-untested"),
        (HELM, "a build without a number", None),
        (HTPASSWD, "", None),
        (HTPASSWD, None, "doctor/tool"),
    ],
)
def test_what_is_there_is_compared_with_what_is_wanted(tool: Tool, output: str | None, rule: str | None) -> None:
    found = judge_tools([tool], {tool.name: output}, "Debian")
    assert [finding.rule for finding in found] == ([rule] if rule else [])
    assert all(finding.fix and finding.path == tool.name for finding in found)


@pytest.mark.parametrize(
    ("tool", "family", "said"),
    [
        (HTPASSWD, "Debian", "sudo apt-get install apache2-utils"),
        (HTPASSWD, "RedHat", "sudo dnf install httpd-tools"),
        (HELM, "", "make admin"),
        (Tool("ansible-playbook", "sets up"), "", "make tools"),
    ],
)
def test_what_is_missing_is_named_with_the_command_that_brings_it(tool: Tool, family: str, said: str) -> None:
    """Where a distribution is not known, the package is named; once the program is there, nothing is said."""
    (finding,) = judge_tools([tool], {tool.name: None}, family)
    assert commands(finding.fix)[0] == said
    assert judge_tools([tool], {tool.name: tool.version}, family) == []
    (unknown,) = judge_tools([HTPASSWD], {"htpasswd": None}, "")
    assert "apache2-utils" in unknown.fix


@pytest.mark.parametrize("output", ["Terraform v1.8.5", "Terraform v1.15.7"])
def test_another_version_is_replaced_by_the_playbook(output: str) -> None:
    found = judge_tools([TERRAFORM], {"terraform": output}, "Debian")
    assert [commands(finding.fix) for finding in found] == ([["make admin"]] if "1.8" in output else [])
    (untested,) = judge_tools([HELM], {"helm": "v4.1.0"}, "Debian")
    assert (commands(untested.fix), untested.severity.value) == (["make admin"], "warning")


def test_ansible_is_wanted_as_the_repository_pins_it() -> None:
    tool = ansible_of((ROOT / "templates/infra/ansible/requirements.txt").read_text())
    assert version_in("ansible-playbook [core 2.19.14]\n  config file = None") == tool.version
    assert judge_tools([tool], {tool.name: "[core 2.20.1]"}, "")[0].rule == "doctor/tool-untested"


def test_rows_are_read_as_yaml_has_them() -> None:
    """A person who pins `version: 1.20` in versions.user.yaml has written a number."""
    (tool,) = tools_of({"terraform": {"arguments": ["version"], "version": 1.2, "url": "https://example.com"}})
    assert (tool.version, tool.wanted, tool.packages) == ("1.2", "1.2", None)
