"""The peer of rendering: the same files through plain jinja2. Usage: ROOT DATA.json LAYOUT=FOLDER ..."""

from __future__ import annotations

import json
import re
import shutil
import sys
from fnmatch import fnmatch
from pathlib import Path

import jinja2
import yaml
from jinja2_ansible_filters import AnsibleCoreFiltersExtension

SUFFIX = ".jinja"
YIELD = re.compile(r"#% yield (\w+) from ([\w.]+) %#")


def render(root: Path, data: dict[str, object], layout: str, destination: Path) -> None:
    """Render one layout, names and contents, as Copier would."""
    settings = yaml.safe_load((root / "copier.yml").read_text())
    options = {**settings["_envops"], "undefined": jinja2.StrictUndefined}
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(root), extensions=[AnsibleCoreFiltersExtension], **options
    )
    context = {
        **data,
        "layout": layout,
        "template_origin": {},
        "_copier_answers": {**data, "layout": layout},
        "_copier_conf": {"answers_file": ".copier-answers.yml"},
    }
    context["tree"] = yaml.safe_load(environment.from_string(settings["tree"]["default"]).render(context))
    top = root / environment.from_string(settings["_subdirectory"]).render(context)
    for source in sorted(top.rglob("*")):
        if any(fnmatch(source.name, pattern) for pattern in settings["_exclude"]):
            continue
        for name in names(environment, source.relative_to(top).as_posix(), context):
            write(environment, root, source, name, destination, context)


def names(environment: jinja2.Environment, pattern: str, context: dict[str, object]) -> list[str]:
    """Return what the name of a file comes to; Copier's tag `yield` makes several of it."""
    loop = YIELD.search(pattern)
    values = (environment.compile_expression(loop[2])(**context) or []) if loop else [None]
    variable = loop[1] if loop else "_"
    bare = YIELD.sub("", pattern).replace("#% endyield %#", "")
    return [environment.from_string(bare).render({**context, variable: value}) for value in values]


def write(
    environment: jinja2.Environment, root: Path, source: Path, name: str, destination: Path, context: dict[str, object]
) -> None:
    """Write one file, unless a part of its name vanishes."""
    if source.is_file() and all(name.split("/")) and Path(name).name != SUFFIX:
        target = destination / name.removesuffix(SUFFIX)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.name.endswith(SUFFIX):
            template = environment.get_template(source.relative_to(root).as_posix())
            target.write_text(template.render(context))
        else:
            shutil.copyfile(source, target)


if __name__ == "__main__":
    values = json.loads(Path(sys.argv[2]).read_text())
    for part in sys.argv[3:]:
        chosen, folder = part.split("=", 1)
        render(Path(sys.argv[1]), values, chosen, Path(folder))
