"""An ansible-playbook that keeps what it compiles, for the next one of the same tests.

The process of each task compiles all expressions that it meets, and each run packs each of Ansible's modules anew: a
quarter of what a playbook costs. Both depend on nothing but text: Ansible has Jinja evaluate nothing while it compiles.

`playbook.py FOLDER [ARGUMENT...]` runs with the Python of Ansible and keeps it in FOLDER.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import CodeType

# What changes the compiled form of a text, besides the text; a template may set them in its first line.
_SETTINGS = (
    *("block_start_string", "block_end_string", "variable_start_string", "variable_end_string"),
    *("comment_start_string", "comment_end_string", "line_statement_prefix", "line_comment_prefix"),
    *("trim_blocks", "lstrip_blocks", "newline_sequence", "keep_trailing_newline"),
)
_OWN_MODULES = "ansible.modules.*"


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
        kept = folder / hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
        with suppress(FileNotFoundError):
            code: CodeType = marshal.loads(kept.read_bytes())
            return code
        code = compile_anew(environment, source)
        new = folder / f"{kept.name}.{os.getpid()}"
        new.write_bytes(marshal.dumps(code))
        new.rename(kept)
        return code

    Environment.compile = compile_or_find  # type: ignore[method-assign, assignment]


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
    from ansible import constants
    from ansible.cli.playbook import main as run

    keep_expressions(folder)
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
