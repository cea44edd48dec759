"""What Copier does slowly, whatever it renders: a questionnaire read without libyaml, attributes and git looked up."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def quickened() -> Iterator[None]:
    """Have Copier read copier.yml with libyaml, and look up attributes as `generator.sandbox` does, and git once.

    PyYAML's reader in Python takes a tenth of a rendering for that one file. Git is looked for on PATH, which stands
    meanwhile, for each file that is written.
    """
    import yaml
    from copier import _main, _template
    from copier._jinja_ext import SandboxedEnvironment

    from generator.sandbox import judging_once, looking_up

    # As data: their members are replaced.
    sandbox: Any = SandboxedEnvironment
    template: Any = _template
    worker: Any = _main
    reader: Any = yaml
    look_up, judge, load = sandbox.getattr, sandbox.is_safe_attribute, template.load_template_config
    find_git = worker.is_git_available

    def load_quickly(path: Path, quiet: bool = False) -> Any:
        slow = reader.SafeLoader
        # Copier derives its loader from this name whenever it reads. Without libyaml only speed is lost.
        reader.SafeLoader = getattr(reader, "CSafeLoader", slow)
        try:
            return load(path, quiet)
        finally:
            reader.SafeLoader = slow

    sandbox.getattr, sandbox.is_safe_attribute = looking_up(look_up), judging_once(judge)
    template.load_template_config, worker.is_git_available = load_quickly, cache(find_git)
    try:
        yield
    finally:
        sandbox.getattr, sandbox.is_safe_attribute, template.load_template_config = look_up, judge, load
        worker.is_git_available = find_git
