"""What the verbs share: the console of this run, and the options that mean the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from generator.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.delivery.model import Author

_Command = TypeVar("_Command", bound="Callable[..., Any]")
_console = Console()


def console() -> Console:
    """Return the console of this run."""
    return _console


def _set_output(_context: click.Context, _parameter: click.Parameter, value: str) -> None:
    _console.json_output = value == "json"


def _set_color(_context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    _console.color = not value


def output_options(command: _Command) -> _Command:
    """Add --output and --no-color."""
    command = click.option(
        "--no-color",
        is_flag=True,
        expose_value=False,
        callback=_set_color,
        is_eager=True,
        help="No colours; so does the variable NO_COLOR.",
    )(command)
    return click.option(
        "--output",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        expose_value=False,
        callback=_set_output,
        is_eager=True,
        help="How results are printed on stdout.",
    )(command)


def workspace_option(command: _Command) -> _Command:
    """Add --workspace for verbs that work on what exists."""
    return click.option(
        "--workspace",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(),
        metavar="DIR",
        help="Folder that holds the repositories, or one of them.  [default: where you are]",
    )(command)


def identity_option(command: _Command) -> _Command:
    """Add --identity."""
    return click.option(
        "--identity",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Your age identity.  [default: $FMC_IDENTITY, or ~/.config/fmc/identity.txt]",
    )(command)


def author_options(command: _Command) -> _Command:
    """Add --author-name and --author-email."""
    command = click.option("--author-email", metavar="EMAIL", help="Who commits.  [default: git's user.email]")(command)
    return click.option("--author-name", metavar="NAME", help="Who commits.  [default: git's user.name]")(command)


def author(name: str | None, email: str | None) -> Author | None:
    """Return who commits, as far as the options say; None leaves it to git."""
    if not name and not email:
        return None
    from generator.delivery.model import Author

    return Author(name or "", email or "")


def template_option(command: _Command) -> _Command:
    """Add --template-url."""
    return click.option(
        "--template-url",
        metavar="URL",
        help="Git address of the template, recorded for `copier update`.  [default: $FMC_TEMPLATE_URL, or fmc's own]",
    )(command)


def engine_options(command: _Command) -> _Command:
    """Add --engine and --kubeconform."""
    command = click.option(
        "--kubeconform",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="The kubeconform to use.  [default: the one on PATH or in fmc's tools]",
    )(command)
    return click.option(
        "--engine",
        type=click.Choice(["auto", "builtin", "kubeconform"]),
        default="auto",
        show_default=True,
        help="What validates the manifests; auto takes kubeconform where it is found.",
    )(command)
