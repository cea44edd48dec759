"""The root module with resources of Terraform itself in place of the provider's, so that real plans need no hypervisor.

What stands is Terraform's own: instances, dependencies, lifecycle, conditions. What is gone is the provider: a resource
is the value of its arguments.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_META = ("count", "for_each", "depends_on", "lifecycle", "provider")
_RESOURCE = re.compile(r'^resource "libvirt_(\w+)" "(\w+)" \{\n(.*?)^\}\n', re.MULTILINE | re.DOTALL)
_ARGUMENT = re.compile(r"^  (\w+)(?: +=|(?= \{)).*?(?=^  \w|\Z)", re.MULTILINE | re.DOTALL)
# What other resources read: a name, or a path made of it.
_READ = re.compile(r"libvirt_(\w+)\.(\w+)((?:\[[^\]]+\])?)\.(name|path)\b")


def without_provider(folder: Path) -> None:
    """Rewrite the root module in a folder, and the modules below it.

    Args:
        folder: The folder `terraform` of a rendered infra part; it is changed.
    """
    (folder / "providers.tf").unlink()
    for path in folder.rglob("*.tf"):
        text = re.sub(r"  required_providers \{\n.*?\n  \}\n", "", path.read_text(), flags=re.DOTALL)
        text = _RESOURCE.sub(_plain, text)
        text = _READ.sub(r"terraform_data.\1_\2\3.input.name", text)
        # The provider ct turns Butane into Ignition; nothing here reads it.
        text = re.sub(r'^data "ct_config" .*?^\}\n', "", text, flags=re.MULTILINE | re.DOTALL)
        text = text.replace("data.ct_config.flatcar[each.key].rendered", "module.butane[each.key].content")
        # Lists of volumes are gone through by name.
        text = re.sub(r"libvirt_(\w+)\.(\w+)\b", r"terraform_data.\1_\2", text)
        text = text.replace("path = volume.path", "path = volume.input.name")
        # No image is fetched.
        text = re.sub(r'\n  provisioner "local-exec" \{\n.*?\n  \}\n', "\n", text, flags=re.DOTALL)
        path.write_text(text)


def _plain(found: re.Match[str]) -> str:
    kind, name, body = found.groups()
    arguments = [(argument[1], argument[0].rstrip() + "\n") for argument in _ARGUMENT.finditer(_bare(body))]
    kept = [text for key, text in arguments if key in _META]
    values = [
        re.sub(r"^", "  ", text, flags=re.MULTILINE).rstrip() + "\n" for key, text in arguments if key not in _META
    ]
    ignored = re.compile(r"ignore_changes = \[(\w+)\]")
    kept = [ignored.sub(r"ignore_changes = [input]", text) for text in kept]
    return f'resource "terraform_data" "{kind}_{name}" {{\n  input = {{\n{"".join(values)}  }}\n{"".join(kept)}}}\n'


def _bare(body: str) -> str:
    """Return a resource's body without whole lines of comment, which would end an argument."""
    return re.sub(r"^ *#[^\n]*\n", "", body, flags=re.MULTILINE)
