"""Commands in documents: that there is the verb, the option, the target, the folder and the file that they name."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import click

from docs.generate import commands
from tests.docs.places import looks_like_a_path, with_wildcards

if TYPE_CHECKING:
    from collections.abc import Iterator

# What a reader is told to have, or has.
PROGRAMS = {
    *(
        "ansible-playbook",
        "bash",
        "cd",
        "cp",
        "copier",
        "curl",
        "docker",
        "git",
        "helm",
        "kubectl",
        "kubeseal",
        "less",
        "mkdir",
        "openssl",
    ),
    *("pass", "pip", "pre-commit", "printf", "python3", "rm", "ssh", "ssh-keygen", "ssh-keyscan", "terraform", "virsh"),
    *(".", "age", "base64", "diff", "export", "install", "ip", "jq", "nft", "python", "read", "set", "systemctl"),
    *("awk", "tar"),
}
_SEPARATORS = {"|", "||", "&&", ";", "&", "(", ")", "<(", "$(", "{", "}", "!"}
_TARGET = re.compile(r"(?m)^([a-z0-9][a-z0-9. -]*):(?!=)")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*")


@dataclass(frozen=True)
class Fault:
    """What is wrong with a command.

    Attributes:
        command: The words.
        why: What there is not.
    """

    command: str
    why: str


def functions(block: str) -> set[str]:
    """Return the names of the functions that a block defines."""
    return set(re.findall(r"(?m)^(\w+)\(\)", block))


def faults(block: str, folders: list[Path], functions: set[str]) -> Iterator[Fault]:
    """Yield what is wrong in a block of shell commands.

    Args:
        block: The lines.
        folders: Where its reader may stand; each `cd` leads all of them on.
        functions: Names of functions that are defined in this block or before.
    """
    made: set[str] = set()
    for line in _whole_lines(block):
        for words in simple_commands(line):
            if words[0] == "mkdir":
                made |= set(words[1:])
            elif words[0] == "cd":
                folders = [folder / words[1] for folder in folders if words[1] in made or (folder / words[1]).is_dir()]
                if not folders:
                    yield Fault(" ".join(words), "there is no such folder")
                    return
            elif words[0] not in functions and (why := _fault(words, folders)):
                yield Fault(" ".join(words), why)


def _whole_lines(block: str) -> Iterator[str]:
    """Yield the lines of a block; those that a backslash or a quotation mark joins are one."""
    waiting = ""
    for line in block.replace("\\\n", " ").splitlines():
        waiting += line
        try:
            shlex.split(waiting, comments=True)
        except ValueError:
            waiting += "\n"
        else:
            yield waiting
            waiting = ""


def simple_commands(line: str) -> list[list[str]]:
    """Split a line into its commands; variables before a command, comments and redirections are left out."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;()<>")
    lexer.whitespace_split = True
    found: list[list[str]] = [[]]
    skip = False
    for word in lexer:
        if word in _SEPARATORS or set(word) <= set("|&;()"):
            found.append([])
        elif set(word) <= set("<>("):
            skip = word in {"<", ">", ">>"}
            if "(" in word:
                found.append([])
        elif skip:
            skip = False
        elif found[-1] or not (word == "sudo" or _ASSIGNMENT.fullmatch(word)):
            found[-1].append(word)
    return [words for words in found if words]


def fault_of_mention(text: str, folders: list[Path]) -> str:
    """Return what is wrong with a command that a sentence names without all that it needs; "" where nothing is."""
    # What it is piped into has options of its own.
    words = text.partition(" | ")[0].split()
    match words[0]:
        case "fmc":
            return _fault_of_fmc(words[1:], whole=False)
        case "make" if len(words) > 1:
            return _fault_of_make(words[1:], folders)
        case "copier":
            return _fault_of_copier(words[1:])
        case _:
            return ""


def _fault(words: list[str], folders: list[Path]) -> str:
    program = words[0].rpartition("/")[2]
    match program:
        case "fmc":
            return _fault_of_fmc(words[1:], whole=True)
        case "make":
            return _fault_of_make(words[1:], folders)
        case "copier":
            return _fault_of_copier(words[1:])
        case _ if "/" in words[0] and _is_there(words[0], folders):
            # A program of the repository; what it is called with is looked at by its own tests.
            return ""
        case _ if program not in PROGRAMS:
            return f"{program} is no program that a reader is told to have"
        case "pass":
            return ""
        case "python" | "python3" if words[1] == "-m":
            there = words[2] in {"pip", "unittest", "venv"} or _is_there(words[2].replace(".", "/"), folders)
            return "" if there else f"there is no module {words[2]}"
        case _:
            missing = [word for word in words[1:] if looks_like_a_path(word) and not _is_there(word, folders)]
            return f"there is no {missing[0]}" if missing else ""


def _fault_of_fmc(words: list[str], *, whole: bool) -> str:
    known = commands()
    name = max((name for name in known if words[: len(name.split())] == name.split()), key=len)
    command = known[name]
    rest = words[len(name.split()) :]
    if isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        return f"there is no command fmc {name} {rest[0]}".replace("  ", " ")
    if not whole:
        options = {text for parameter in command.params for text in parameter.opts} | {"--help", "-h"}
        missing = [word for word in rest if word.startswith("--") and word.partition("=")[0] not in options]
        return f"fmc {name} has no {missing[0]}" if missing else ""
    try:
        command.make_context(name, rest, resilient_parsing=False)
    except click.exceptions.Exit:
        return ""
    except click.ClickException as error:
        return error.format_message()
    return ""


def _fault_of_make(words: list[str], folders: list[Path]) -> str:
    for flag in ("-C", "--directory"):
        if flag in words:
            place = words.index(flag)
            folders = [folder / words[place + 1] for folder in folders]
            words = words[:place] + words[place + 2 :]
    targets = {
        target
        for folder in folders
        if (folder / "Makefile").is_file()
        for names in _TARGET.findall((folder / "Makefile").read_text())
        for target in names.split()
    }
    missing = [word for word in words if not _ASSIGNMENT.fullmatch(word) and word not in targets]
    return f"no Makefile here has a target {missing[0]}" if missing else ""


def _fault_of_copier(words: list[str]) -> str:
    if not words or words[0].startswith("-"):
        return ""
    options = _options_of_copier(words[0])
    if "--quiet" not in options:
        return f"there is no command copier {words[0]}"
    missing = [word for word in words if word.startswith("-") and word.partition("=")[0] not in options]
    return f"copier {words[0]} has no {missing[0]}" if missing else ""


@cache
def _options_of_copier(command: str) -> frozenset[str]:
    """Return the options that the help of one of Copier's commands names."""
    program = Path(sys.executable).with_name("copier")
    told = subprocess.run([program, command, "--help"], capture_output=True, text=True, check=False, timeout=60).stdout
    return frozenset(re.findall(r"(?<!\S)--?[a-z][\w-]*", told))


def _is_there(path: str, folders: list[Path]) -> bool:
    return any(next(folder.glob(with_wildcards(path)), None) for folder in folders if folder.is_dir())
