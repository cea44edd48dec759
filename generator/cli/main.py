"""The command `fmc`: finds the verb, runs it, and turns errors into messages and exit codes."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import click

from generator import __version__
from generator.cli.verbs import VERBS
from generator.console import Console, silence
from generator.errors import BadInputError, FmcError, InterruptedByUserError
from generator.wording import nearest

HELP = """fmc makes the GitOps repositories of a K3s cluster: rendered, sealed, checked and pushed.

\b
Examples:
  fmc new                                      ask, show the plan, make the repositories
  fmc new --answers examples/ha.yaml --push    the same without questions, and push
  fmc check                                    check the workspace you are in
"""
_EXIT_BAD_INPUT = 2
_WRITABLE_BY_ALL = 0o002


class LazyGroup(click.Group):
    """A group of verbs that are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the verbs in the order of the help."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb; an unknown one ends the command with the nearest known one."""
        if cmd_name in VERBS:
            command: click.Command = import_module(f"generator.cli.{cmd_name}").command
            return command
        near = nearest(cmd_name, VERBS)
        ctx.fail(f"there is no command {cmd_name!r}." + (f" Did you mean {near!r}?" if near else ""))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the verbs by group."""
        for group in dict.fromkeys(group for group, _ in VERBS.values()):
            with formatter.section(group):
                formatter.write_dl([(verb, line) for verb, (of, line) in VERBS.items() if of == group])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help=HELP,
    epilog="Exit codes: 0 done, 1 findings, 2 bad input, 3 a person has to decide, 4 a tool or remote failed, "
    "130 interrupted.",
)
@click.version_option(__version__, message="fmc %(version)s")
def fmc() -> None:
    """Hold the verbs."""


def main() -> None:
    """Run the command and end the process."""
    # It lives for seconds. To look for garbage among what it imports takes a tenth of them, and finds none.
    gc.disable()
    # Ansible drops the configuration of a folder that everybody may write to, and a vault must not lie in one.
    os.umask(os.umask(_WRITABLE_BY_ALL) | _WRITABLE_BY_ALL)
    _open_closed_streams()
    sys.exit(_run(Console()))


def _run(console: Console) -> int:
    try:
        code = fmc.main(prog_name="fmc", standalone_mode=False, obj=console)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.Abort, KeyboardInterrupt):
        error: FmcError = InterruptedByUserError("interrupted", fix="The same command goes on where this one stopped.")
    except click.ClickException as usage:
        if not (console.json_output or _json_is_wanted(sys.argv[1:])):
            usage.show()
            return _EXIT_BAD_INPUT
        console.json_output = True
        error = BadInputError(usage.format_message(), fix=_help_for(usage))
    except FmcError as known:
        error = known
    except OSError as system:
        error = _unforeseen(system)
    except SystemExit:
        # So click ends where nobody reads the help.
        return 0
    console.error(error)
    return error.exit_code


def _open_closed_streams() -> None:
    """Let standard streams that were closed lead nowhere.

    The next file that is opened would take their place, and `print` would write on stdout what stderr can't take.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 (it lives as long as the process)


def _json_is_wanted(arguments: list[str]) -> bool:
    """Tell from the bare command line, for errors that come before the options are read."""
    return "--output=json" in arguments or ("--output", "json") in pairwise(arguments)


def _help_for(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"Read `{context.command_path if context else 'fmc'} --help`."


def _unforeseen(error: OSError) -> FmcError:
    """Return the error for what no room expects: a help text that can't be printed, a process that can't be made."""
    from generator.files import write_error

    if error.filename is None:
        silence(sys.stdout)
        return FmcError(
            f"the system can't go on: {error.strerror or error}",
            fix="Give it what it lacks, then run the same command again.",
        )
    return write_error(Path(error.filename), error)
