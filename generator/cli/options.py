"""What the verbs share: the options that mean the same everywhere, given to them as objects."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from generator.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.delivery.model import Author
    from generator.pipeline.steps.gate import Engine
    from generator.pipeline.steps.session import Session

_Command = TypeVar("_Command", bound="Callable[..., Any]")


@dataclass(frozen=True)
class Where:
    """Which workspace a verb works on, and who works.

    Attributes:
        start: The workspace, or a folder in it.
        identity: The operator's age identity; None for the usual place.
    """

    start: Path
    identity: Path | None

    def open(self, console: Console | None = None) -> Session:
        """Find the workspace.

        Args:
            console: Is told about it, where the verb is a sequence of steps.

        Raises:
            BadInputError: There is none.
        """
        from generator.pipeline.steps.session import Session

        with console.step("read the recorded answers") if console else nullcontext():
            return Session.open(self.start, self.identity)


def _set_output(context: click.Context, _parameter: click.Parameter, value: str) -> None:
    context.ensure_object(Console).json_output = value == "json"


def _set_color(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    context.ensure_object(Console).color = not value


def output_options(command: _Command) -> _Command:
    """Add --output and --no-color; they set the console."""
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


def workspace_options(command: _Command) -> _Command:
    """Add --workspace and --identity for verbs that work on what exists; they arrive as `where`."""

    @wraps(command)
    def with_where(*arguments: Any, workspace: Path, identity: Path | None, **options: Any) -> Any:
        return command(*arguments, where=Where(workspace, identity), **options)

    return workspace_option(identity_option(with_where))  # type: ignore[return-value] # the options of a command are its own affair


def workspace_option(command: _Command) -> _Command:
    """Add --workspace."""
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
    """Add --author-name and --author-email; they arrive as `author`, None where git is to say who commits."""

    @wraps(command)
    def with_author(*arguments: Any, author_name: str | None, author_email: str | None, **options: Any) -> Any:
        return command(*arguments, author=_author(author_name, author_email), **options)

    named = click.option("--author-email", metavar="EMAIL", help="Who commits.  [default: git's user.email]")
    return click.option("--author-name", metavar="NAME", help="Who commits.  [default: git's user.name]")(
        named(with_author)
    )  # type: ignore[return-value] # as above


def _author(name: str | None, email: str | None) -> Author | None:
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
    """Add --engine and --kubeconform; they arrive as `engine`."""

    @wraps(command)
    def with_engine(*arguments: Any, engine: str, kubeconform: Path | None, **options: Any) -> Any:
        return command(*arguments, engine=_engine(engine, kubeconform), **options)

    program = click.option(
        "--kubeconform",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="The kubeconform to use.  [default: the one on PATH or in fmc's tools]",
    )
    return click.option(
        "--engine",
        type=click.Choice(["auto", "builtin", "kubeconform"]),
        default="auto",
        show_default=True,
        help="What validates the manifests; auto takes kubeconform where it is found.",
    )(program(with_engine))  # type: ignore[return-value] # as above


def _engine(name: str, kubeconform: Path | None) -> Engine:
    from generator.pipeline.steps.gate import Engine

    return Engine(name, kubeconform)
