"""The rules, a module for each subject; loading this package loads them all, so that a new module needs no list."""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
