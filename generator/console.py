"""What the user sees: progress on stderr, results on stdout, JSON for machines, colours only where they are wanted.

rich is imported when something is printed, so that `--help` and the validation of answers do not pay for it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from generator.errors import WriteError
from generator.wording import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console as RichConsole

    from generator.errors import FmcError
    from generator.findings import Finding


# Columns of a table that goes to a file or a pipe: nothing of it is folded.
_WIDTH_OF_A_FILE = 200


def _write(stream: TextIO, text: str) -> None:
    """Print a line at once; that its reader has left (`fmc check | head`) stops neither the work nor its verdict."""
    try:
        print(text, file=stream, flush=True)
    except OSError as error:
        silence(stream)
        if stream is sys.stdout and not isinstance(error, BrokenPipeError):
            reason = error.strerror or error
            raise WriteError(
                f"can't write the output: {reason}", fix="Free some space there, or send it elsewhere."
            ) from error


def _fitting(text: str) -> str:
    """Return lines of ours in which nothing steers the terminal, whatever they quote."""
    return visible(text.expandtabs(4), lines=True)


def silence(stream: TextIO) -> None:
    """Drop what a stream holds and all that follows; Python would complain about it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@dataclass(frozen=True)
class Timing:
    """How long one step took."""

    step: str
    seconds: float


@dataclass
class Console:
    """The two streams of one command, and the steps that it went through.

    Attributes:
        json_output: Print one JSON document on stdout instead of text.
        color: False switches colours off; the environment variable NO_COLOR does, too.
        timings: The finished steps, in order.
    """

    json_output: bool = False
    color: bool = True
    timings: list[Timing] = field(default_factory=list)

    def _rich(self) -> RichConsole:
        from rich.console import Console as RichConsole

        plain = not self.color or bool(os.environ.get("NO_COLOR"))
        width = None if sys.stdout.isatty() else _WIDTH_OF_A_FILE
        return RichConsole(no_color=plain, highlight=False, width=width)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Announce a step on stderr, and record how long it took."""
        self.note(f"  {title} ...")
        started = time.perf_counter()
        yield
        self.timings.append(Timing(title, time.perf_counter() - started))

    def note(self, text: str) -> None:
        """Print progress or advice on stderr."""
        _write(sys.stderr, _fitting(text))

    def result(self, text: str) -> None:
        """Print text on stdout; nothing with `--output json`."""
        if not self.json_output:
            _write(sys.stdout, _fitting(text))

    def verbatim(self, text: str) -> None:
        """Print what is a document by itself on stdout, with `--output json` and without."""
        _write(sys.stdout, text)

    def document(self, value: dict[str, Any]) -> None:
        """Print the one JSON document of this run; nothing without `--output json`."""
        if self.json_output:
            _write(sys.stdout, json.dumps(value, indent=2, sort_keys=True, default=str))

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print a table on stdout; nothing with `--output json`."""
        if self.json_output:
            return
        from rich import box
        from rich.table import Table

        table = Table(
            title=visible(title),
            title_justify="left",
            title_style="bold",
            box=box.SIMPLE_HEAD,
            pad_edge=False,
            expand=False,
        )
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*map(visible, row))
        rich = self._rich()
        with rich.capture() as captured:
            rich.print(table)
        _write(sys.stdout, captured.get().removesuffix("\n"))

    def findings(self, findings: Sequence[Finding]) -> None:
        """Print findings on stderr, each with its place, its reason, its owner and its fix."""
        for finding in sorted(findings):
            where = f"{finding.where}: " if finding.where else ""
            # A line break that a file brings in could begin what looks like a finding.
            self.note(visible(f"{where}{finding.severity}: {finding.message} [{finding.rule}]"))
            if finding.path and finding.path != finding.where:
                self.note(f"    at     {visible(finding.path)}")
            if finding.owner:
                self.note(f"    owner  {visible(finding.owner)}")
            if finding.fix:
                self.note(f"    fix    {visible(finding.fix)}")

    def error(self, error: FmcError) -> None:
        """Print an error: what, where, and what to do next."""
        findings = getattr(error, "findings", ())
        if self.json_output:
            self.document(
                {
                    "error": error.message,
                    "where": error.where,
                    "fix": error.fix,
                    "findings": [finding.as_dict() for finding in findings],
                    "exit_code": error.exit_code,
                }
            )
            return
        self.findings(findings)
        where = f" ({error.where})" if error.where and error.where not in error.message else ""
        self.note(f"fmc: {error.message}{where}")
        if error.fix:
            self.note(f"  {error.fix}")
