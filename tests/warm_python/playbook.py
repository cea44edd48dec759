"""An ansible-playbook that keeps what it compiles, for the next one of the same tests, and loads plugins once.

The process of each task compiles all expressions that it meets, and each run packs each of Ansible's modules anew: a
quarter of what a playbook costs. Both depend on nothing but text: Ansible has Jinja evaluate nothing while it compiles.
A further quarter are plugins, which the process of each task loads for itself.

`playbook.py FOLDER [ARGUMENT...]` runs with the Python of Ansible and keeps it in FOLDER.
"""

from __future__ import annotations

import gc
import hashlib
import marshal
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# What changes the compiled form of a text, besides the text; a template may set them in its first line.
_SETTINGS = (
    *("block_start_string", "block_end_string", "variable_start_string", "variable_end_string"),
    *("comment_start_string", "comment_end_string", "line_statement_prefix", "line_comment_prefix"),
    *("trim_blocks", "lstrip_blocks", "newline_sequence", "keep_trailing_newline"),
)
_OWN_MODULES = "ansible.modules.*"
_ACTIONS = ("assert", "command", "copy", "fail", "include_vars", "normal", "package", "set_fact", "shell", "template")


def keep_expressions(folder: Path) -> None:
    """Have Jinja look for what it compiles in a folder, and put it there."""
    from ansible._internal._templating._jinja_bits import _TemplateCompileContext
    from jinja2 import Environment

    compile_anew = Environment.compile

    def compile_or_find(environment: Environment, source: Any, *names: Any, **options: Any) -> Any:
        if names or options:
            return compile_anew(environment, source, *names, **options)
        context = _TemplateCompileContext.current(optional=True)
        # What is parsed already shows all of itself.
        text = (type(source).__name__, str(source)) if isinstance(source, str) else repr(source)
        settings = [getattr(environment, name) for name in _SETTINGS]
        key = repr((text, settings, context and context.escape_backslashes))
        return kept_or_made(folder, key.encode(errors="surrogatepass"), lambda: compile_anew(environment, source))

    Environment.compile = compile_or_find  # type: ignore[method-assign, assignment]


def keep_documents(folder: Path) -> None:
    """Have Ansible look there for what it reads of its own whenever it starts: two files, an eighth of the start.

    One says what can be set, the other one where its plugins have gone. It is called before settings are read.
    """
    from ansible.config import manager
    from ansible.utils.collection_loader import _collection_finder as finder

    settings, routes = manager.yaml_load, finder._meta_yml_to_dict

    def read_settings(stream: Any) -> Any:
        text = stream.read()
        return kept_or_made(folder, b"settings" + text, lambda: settings(text))

    def read_routes(text: bytes, name: object) -> Any:
        return kept_or_made(folder, b"routes" + text, lambda: routes(text, name))

    manager.yaml_load, finder._meta_yml_to_dict = read_settings, read_routes


def load_ahead() -> None:
    """Have Ansible load what most tasks use before the first of them, so that the process of each one has it."""
    from ansible.executor.task_queue_manager import TaskQueueManager
    from ansible.plugins import loader

    begin = TaskQueueManager.load_callbacks

    def load_and_begin(manager: TaskQueueManager) -> None:
        # To find one filter or test, all of them are loaded.
        loader.filter_loader.get("default")
        loader.test_loader.get("defined")
        for plugins, names in (
            (loader.action_loader, _ACTIONS),
            (loader.connection_loader, ("local", "ssh")),
            (loader.become_loader, ("sudo",)),
            (loader.shell_loader, ("sh",)),
        ):
            for name in names:
                plugins.get(name, class_only=True)
        begin(manager)
        # A collection would touch, and thereby copy, all that a process has in common with this one.
        gc.freeze()

    TaskQueueManager.load_callbacks = load_and_begin


def kept_or_made(folder: Path, key: bytes, make: Callable[[], Any]) -> Any:
    """Return what a folder keeps under a key, else what is made and then kept."""
    kept = folder / hashlib.sha256(key).hexdigest()
    with suppress(FileNotFoundError):
        return marshal.loads(kept.read_bytes())
    made = make()
    new = folder / f"{kept.name}.{os.getpid()}"
    new.write_bytes(marshal.dumps(made))
    new.rename(kept)
    return made


def give(source: Path, target: Path) -> None:
    """Have one folder share with another what it has of Ansible's own modules, packed."""
    target.mkdir(exist_ok=True)
    for packed in source.glob(_OWN_MODULES):
        if packed.suffix != ".lock":
            # It is there already, or lies on another disk.
            with suppress(OSError):
                (target / packed.name).hardlink_to(packed)


def main(folder: Path) -> None:
    """Be ansible-playbook."""
    # Each run has its own.
    assert "ansible.constants" not in sys.modules
    keep_documents(folder)
    from ansible import constants
    from ansible.cli.playbook import main as run

    keep_expressions(folder)
    load_ahead()
    modules, packed = folder / "modules", Path(constants.DEFAULT_LOCAL_TMP) / "ansiballz_cache"
    modules.mkdir(exist_ok=True)
    give(modules, packed)
    try:
        run()
    finally:
        give(packed, modules)


if __name__ == "__main__":
    kept = Path(sys.argv.pop(1))
    sys.argv[0] = str(Path(sys.executable).with_name("ansible-playbook"))
    # Not the folder of this file, where other names stand than Ansible means.
    sys.path.pop(0)
    main(kept)
