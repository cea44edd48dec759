"""`make docs`: writes docs/commands/, a page for each verb, from what `--help` says, and docs/rules.md."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import click

from generator.cli.main import fmc
from generator.cli.verbs import VERBS
from generator.pipeline.explain import all_rules

FOLDER = Path(__file__).parent / "commands"
RULES = Path(__file__).parent / "rules.md"
_INDEX = "README.md"
_NOTE = "<!-- Written by `make docs` from `fmc --help`. -->\n\n"
_WIDTH = 120
_KINDS = "An error stops `fmc new` and `fmc push`, a warning is shown; some places make an error a warning."
# click's mark for a paragraph whose lines are kept as they are.
_VERBATIM = "\b\n"


def commands() -> dict[str, click.Command]:
    """Return every command by what is typed for it after `fmc`: "" is the program itself."""
    found: dict[str, click.Command] = {"": fmc}
    for verb in VERBS:
        command = fmc.get_command(click.Context(fmc), verb)
        if command is None:
            raise LookupError(verb)
        found[verb] = command
        found |= _inner(verb, command)
    return found


def _inner(typed: str, command: click.Command) -> dict[str, click.Command]:
    """Return the commands of a group, and of the groups in it, by what is typed for each."""
    found: dict[str, click.Command] = {}
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            found[f"{typed} {name}"] = inner
            found |= _inner(f"{typed} {name}", inner)
    return found


def pages() -> dict[str, str]:
    """Return the text of each page by its name in docs/commands/."""
    known = commands()
    made = {_INDEX: _index(known)}
    for verb in VERBS:
        sections = [_section(name, command) for name, command in known.items() if name.split()[:1] == [verb]]
        made[f"{verb}.md"] = _NOTE + "\n".join(sections)
    return made


def write() -> None:
    """Bring docs/commands/ up to date; what has no verb any more is removed."""
    FOLDER.mkdir(exist_ok=True)
    made = pages()
    for name, text in made.items():
        (FOLDER / name).write_text(text)
    for path in FOLDER.iterdir():
        if path.name not in made:
            path.unlink()
    RULES.write_text(rules_page())


def rules_page() -> str:
    """Return the text of docs/rules.md: every rule by its family."""
    rules = all_rules()
    lines = ["<!-- Written by `make docs` from the rules as they are declared. -->\n", "# Rules\n"]
    lines += ["A finding names the rule that is broken in brackets; `fmc explain RULE` says what it demands.", _KINDS]
    for family in dict.fromkeys(rule.id.partition("/")[0] for rule in rules):
        rows = [rule for rule in rules if rule.id.startswith(f"{family}/")]
        lines += [f"\n## {family}\n", "| Rule | Says | |\n|--|--|--|"]
        lines += [f"| `{rule.id}` | {_cell(rule.says)} | {rule.severity} |" for rule in rows]
    return "\n".join(lines) + "\n"


def _index(known: dict[str, click.Command]) -> str:
    """Return the list of all verbs by group, with what is said once for all of them."""
    program = known[""]
    lines = ["# Commands\n", _prose(program.help or "")]
    for group in dict.fromkeys(group for group, _ in VERBS.values()):
        lines += [f"## {group}\n", "| | |\n|--|--|"]
        lines += [f"| [`fmc {verb}`]({verb}.md) | {line} |" for verb, (of, line) in VERBS.items() if of == group]
        lines.append("")
    lines += [_prose(program.epilog or "")]
    return _NOTE + "\n".join(lines)


def _section(name: str, command: click.Command) -> str:
    """Return what the help of one command says, as Markdown."""
    context = click.Context(command, info_name=f"fmc {name}")
    words = " ".join(["fmc", name, *command.collect_usage_pieces(context)])
    parts = ["#" * len(name.split()) + f" fmc {name}\n", f"```text\n{words}\n```\n", _prose(command.help or "")]
    if isinstance(command, click.Group):
        inner = [(f"{name} {verb}", one.get_short_help_str(_WIDTH)) for verb, one in command.commands.items()]
        rows = [(f"[`fmc {words}`](#fmc-{words.replace(' ', '-')})", line) for words, line in inner]
    else:
        options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
        rows = [(f"`{record[0]}`", record[1]) for option in options if (record := option.get_help_record(context))]
    cells = [f"| {_cell(left)} | {_cell(right or '')} |" for left, right in rows]
    return "\n".join([*parts, "| | |\n|--|--|", *cells, ""])


def _prose(text: str) -> str:
    """Return a help text as Markdown: paragraphs are joined, blocks like "Examples:" become code."""
    paragraphs = []
    for paragraph in text.strip().split("\n\n"):
        if paragraph.startswith(_VERBATIM):
            title, _, body = paragraph.removeprefix(_VERBATIM).partition("\n")
            language = "sh" if title == "Examples:" else "text"
            # What stands apart in a line of an example says what it does.
            lines = [
                re.sub(r"(?<=\S)( {3,})(?=\S)", r"\1# ", line[2:]) if language == "sh" else line[2:]
                for line in body.splitlines()
            ]
            paragraphs.append("\n".join([title, "", f"```{language}", *lines, "```"]))
        else:
            paragraphs.append(textwrap.fill(" ".join(paragraph.split()), _WIDTH, break_on_hyphens=False))
    return "\n\n".join(paragraphs) + "\n"


def _cell(text: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(text.split()))


if __name__ == "__main__":
    write()
