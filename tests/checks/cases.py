"""The cases of the checks: small trees, one file each, with the findings that they must give.

A file begins with lines about the case; then come the files of its trees, each behind a line `-- <path> --`, whose
first step is the part.

    # what it shows
    base: argocd                      also the files of base/argocd.txtar; a file of the case wins over one of those
    expect: argocd/x.yaml:3 a/rule    a finding that must be there; there must be no other one
    covers: a/rule, b/rule            the rules that this case comes near to without breaking them
    kubernetes: 1.36                  version of Kubernetes, where it matters
    link: argocd/x.yaml -> ../y       a symbolic link
    plaintext: sample                 name of a sample that the vault is said to hold
    conflict: argocd/x.yaml           a file that git's index of its part has in conflict
    domain: home.example.com          the cluster's domain, where it matters
    folder: apps/x                    an empty folder
    bytes: argocd/x.bin 1234          a file of this size, all zeros
    mended: argocd/x.yaml OLD => NEW  what the findings' remedies say is done: then there is no finding; without OLD the
                                      file is new, and `nothing` as NEW is nothing. Also `PATH removed`
                                      and `PATH renamed PATH`; `mended 2` is another way

A file `-- plan.json --` is no part of a tree: it is the address plan that the recorded answers give.

`<<name>>` stands for a sample: what looks like a secret must not lie in this repository, so it is made here.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from generator.checks.expected import Expected
from generator.checks.run import Report, check_trees

HERE = Path(__file__).parent
PLAN = "plan.json"
_FILE = re.compile(r"^-- (?P<path>.+) --$")
_SAMPLE = re.compile(rb"<<([a-z0-9-]+)>>")
_BODY = base64.b64encode(b"not a key, but of its form. " * 2).decode()


def _pem(kind: str) -> str:
    dashes = "-" * 5
    return f"{dashes}BEGIN {kind}{dashes}\n{_BODY}\n{dashes}END {kind}{dashes}"


SAMPLES: dict[str, bytes] = {
    "private-key": _pem("PRIVATE" + " KEY").replace("\n", "\n    ").encode(),
    "private-key-json": _pem("RSA PRIVATE" + " KEY").replace("\n", "\\n").encode(),
    "private-key-base64": base64.b64encode(_pem("OPENSSH PRIVATE" + " KEY").encode()),
    "private-key-header": (_pem("PRIVATE" + " KEY").split("\n")[0]).encode(),
    "certificate": _pem("CERTIFICATE").replace("\n", "\n    ").encode(),
    "age-identity": ("AGE-SECRET-" + "KEY-1" + "Q" * 58).encode(),
    "age-recipient": ("age1" + "q" * 58).encode(),
    "github-token": ("gh" + "p_" + "a1B2" * 9).encode(),
    "gitlab-token": ("gl" + "pat-" + "a1B2c3" * 4).encode(),
    "k3s-token": ("K" + "10" + "ab" * 32 + "::server:" + "x" * 16).encode(),
    "token-prefix": ("gh" + "p_").encode(),
    "vault-secret": b"n0t-in-" + b"any-list-of-patterns",
    "vault-secret-base64": base64.b64encode(b"n0t-in-" + b"any-list-of-patterns"),
    "latin-1": "é".encode("latin-1"),
    "zero": b"\0",
}


@dataclass
class Case:
    """A case as its file describes it."""

    name: str
    files: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    expected: set[str] = field(default_factory=set)
    covers: set[str] = field(default_factory=set)
    kubernetes: str = "v1.36.4+k3s1"
    plaintexts: list[bytes] = field(default_factory=list)
    plan: dict[str, Any] = field(default_factory=dict)
    domain: str = ""
    mended: dict[str, list[str]] = field(default_factory=dict)

    def mend(self, folder: Path, way: str) -> None:
        """Do in the trees that were written below a folder what one way to mend them says."""
        for edit in self.mended[way]:
            path, _, change = edit.partition(" ")
            _edit(folder, folder / path, change)

    def write(self, folder: Path) -> dict[str, Path]:
        """Write the trees, and return the folder of each part."""
        parts = {path.split("/")[0] for path in (*self.files, *self.links)}
        for path, content in self.files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(_SAMPLE.sub(_sample, content))
        for path, target_name in self.links.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).symlink_to(target_name)
        for path in self.folders:
            (folder / path).mkdir(parents=True)
        for path, size in self.sizes.items():
            (folder / path).touch()
            os.truncate(folder / path, size)
        for path in self.conflicts:
            part, _, place = path.partition("/")
            _in_conflict(folder / part, place)
        return {part: folder / part for part in parts}

    def check(self, folder: Path, engine: str = "builtin", kubeconform: Path | None = None) -> Report:
        """Write the trees below a folder, and check them."""
        return self.judge(self.write(folder), engine, kubeconform)

    def judge(self, trees: dict[str, Path], engine: str = "builtin", kubeconform: Path | None = None) -> Report:
        """Check the trees as they are now."""
        return check_trees(
            trees,
            kubernetes_version=self.kubernetes,
            engine=engine,
            kubeconform=kubeconform,
            plaintexts=self.plaintexts,
            expected=Expected(self.plan, self.domain),
        )


def _edit(folder: Path, file: Path, change: str) -> None:
    """Remove, rename, make or change one file; a folder is renamed into one that is there by moving what it holds."""
    if change == "removed":
        shutil.rmtree(file) if file.is_dir() else file.unlink()
    elif change.startswith("renamed "):
        target = folder / change.removeprefix("renamed ")
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            shutil.copytree(file, target, dirs_exist_ok=True)
            shutil.rmtree(file)
        else:
            file.rename(target)
    else:
        old, _, new = change.replace("\\n", "\n").rpartition("=> ")
        file.parent.mkdir(parents=True, exist_ok=True)
        before = file.read_bytes() if old else b""
        new = "" if new == "nothing" else new
        sought, put = (_SAMPLE.sub(_sample, text.encode()) for text in (old.removesuffix(" "), new))
        assert sought in before, f"{file} has no {old}"
        file.write_bytes(before.replace(sought, put, 1) if old else put + b"\n")


def _sample(match: re.Match[bytes]) -> bytes:
    return SAMPLES[match[1].decode()]


def _in_conflict(folder: Path, place: str) -> None:
    """Make a repository whose index holds two sides of a file, as a merge leaves it."""

    def git(*arguments: str, stdin: bytes = b"") -> bytes:
        return subprocess.run(
            ["git", *arguments],
            cwd=folder,
            check=True,
            capture_output=True,
            input=stdin,
            env={"PATH": os.environ["PATH"]},
        ).stdout.strip()

    git("init", "-q")
    git("add", "--all")
    git("rm", "-q", "--cached", place)
    sides = [(stage, git("hash-object", "-w", "--stdin", stdin=b"side %d" % stage).decode()) for stage in (2, 3)]
    entries = "".join(f"100644 {blob} {stage}\t{place}\n" for stage, blob in sides)
    git("update-index", "--index-info", stdin=entries.encode())


@cache
def cases(kind: str) -> tuple[Case, ...]:
    """Return all cases of a kind: `caught` or `passed`."""
    return tuple(_read(path) for path in sorted((HERE / kind).glob("*.txtar")))


def _read(path: Path) -> Case:
    case = Case(path.stem)
    current: list[str] | None = None
    contents: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        if match := _FILE.match(line):
            current = contents.setdefault(match["path"], [])
        elif current is not None:
            current.append(line)
        elif line and not line.startswith("#"):
            _header(case, *line.split(": ", 1))
    case.files |= {name: ("\n".join(lines) + "\n").encode() for name, lines in contents.items()}
    case.plan = json.loads(case.files.pop(PLAN, b"{}")) or case.plan
    return case


def _header(case: Case, key: str, value: str) -> None:
    match key:
        case "base":
            base = _read(HERE / "base" / f"{value}.txtar")
            case.files |= base.files | case.files
            case.plan |= base.plan
        case "expect":
            case.expected.add(value)
        case "covers":
            case.covers |= set(value.split(", "))
        case "kubernetes" | "domain":
            setattr(case, key, value)
        case "conflict" | "folder":
            getattr(case, f"{key}s").append(value)
        case "bytes":
            name, _, size = value.rpartition(" ")
            case.sizes[name] = int(size)
        case "mended" | "mended 2" | "mended 3":
            case.mended.setdefault(key, []).append(value)
        case "link":
            name, _, target = value.partition(" -> ")
            case.links[name] = target
        case "plaintext":
            case.plaintexts.append(SAMPLES[value])
        case _:
            raise ValueError(f"{case.name}: {key}")
