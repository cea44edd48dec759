"""Restarts by Git: which pods name which Secrets, and the revision that fmc keeps there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from generator.findings import Severity
from generator.secrets.restart_marks import ANNOTATION
from generator.secrets.restarts import (
    differ_in_revisions_alone,
    restarts,
    revisions,
    verify_restarts,
    write_restarts,
)
from generator.secrets.vault.lineage import INITIAL, PENDING
from tests.secrets.conftest import FULL, put

if TYPE_CHECKING:
    from pathlib import Path

    from tests.secrets.conftest import Workspace

TOKEN = "registry/push-token"
POD = f"""\
kind: Deployment
spec:
  template:
    metadata:
      annotations:
        {ANNOTATION}: "{TOKEN}={INITIAL}"  # restarts the pods
    # {ANNOTATION}: nothing
"""


def workloads(workspace: Workspace, text: str = POD, name: str = "apps/shop/deployment.yaml") -> Path:
    """Write a workload, and return the file."""
    file = workspace.folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def folders(workspace: Workspace) -> dict[str, Path]:
    return {"apps": workspace.folder / "apps", "argocd": workspace.root}


def replace_token(workspace: Workspace) -> None:
    """Set and seal another token, in a shell that does not supply the first one."""
    workspace.external = {}
    put(workspace, TOKEN, "token", b"the-second-token")
    workspace.seal()


def revision(workspace: Workspace) -> str:
    return revisions(workspace.root)[TOKEN]


def test_a_replaced_value_is_another_revision_and_the_first_one_is_none(workspace: Workspace) -> None:
    workspace.seal()
    assert set(revisions(workspace.root).values()) == {INITIAL}
    replace_token(workspace)
    second = revision(workspace)
    assert second != INITIAL
    put(workspace, TOKEN, "admin", b"another-password-of-mine")
    workspace.seal()
    both = revision(workspace)
    assert second in both.split(".")
    assert len(both.split(".")) == 2
    # A value that was set back is a further revision: its readers have the one in between.
    put(workspace, TOKEN, "token", b"glpat-4711-external-value")
    workspace.seal()
    assert revision(workspace) not in (INITIAL, second, both)


def test_the_annotation_follows_and_nothing_else_of_the_file_changes(workspace: Workspace) -> None:
    workspace.seal()
    file = workloads(workspace)
    file.chmod(0o600)
    other = workloads(workspace, "kind: ConfigMap\n", "apps/shop/other.yaml")
    assert write_restarts(workspace.root, folders(workspace)) == ()
    replace_token(workspace)
    assert write_restarts(workspace.root, folders(workspace)) == (file,)
    assert file.read_text() == POD.replace(f"={INITIAL}", f"={revision(workspace)}")
    assert file.stat().st_mode & 0o777 == 0o600
    assert write_restarts(workspace.root, folders(workspace)) == ()
    assert other.read_text() == "kind: ConfigMap\n"
    found = restarts(folders(workspace))
    assert [(one.file, one.line, one.secret) for one in found] == [(file, 6, TOKEN)]
    assert differ_in_revisions_alone(POD.encode(), file.read_bytes())
    assert not differ_in_revisions_alone(POD.replace("kind", "king").encode(), file.read_bytes())
    assert not differ_in_revisions_alone(POD.replace(TOKEN, "registry/other").encode(), file.read_bytes())
    assert not differ_in_revisions_alone(b"", other.read_bytes())


@pytest.mark.parametrize(
    "line",
    [
        '{key}: "{name}"',
        "{key}: '{name}'",
        "{key}: {name}",
        "{key}: {name}   # why",
        '"{key}": "{name}"',
        "'{key}' : '{name}={initial}'",
        '{key}: "traefik/dashboard-users  {name}={initial}"',
    ],
)
def test_every_way_to_write_the_annotation_is_kept(workspace: Workspace, line: str) -> None:
    workspace.seal()
    text = line.format(key=ANNOTATION, name=TOKEN, initial=INITIAL) + "\n"
    file = workloads(workspace, text)
    assert verify_restarts(workspace.root, folders(workspace)) == []
    replace_token(workspace)
    (finding,) = verify_restarts(workspace.root, folders(workspace))
    assert (finding.file, finding.line, finding.severity) == ("apps/shop/deployment.yaml", 1, Severity.WARNING)
    write_restarts(workspace.root, folders(workspace))
    assert verify_restarts(workspace.root, folders(workspace)) == []
    assert f"{TOKEN}={revision(workspace)}" in yaml.safe_load(file.read_text())[ANNOTATION].split()
    assert differ_in_revisions_alone(text.encode(), file.read_bytes())


@pytest.mark.parametrize("value", ["[a]", "|\n  x/y=initial", "&anchor x/y", '"a\\"b"', ""])
def test_what_cannot_be_read_is_said(workspace: Workspace, value: str) -> None:
    workspace.seal()
    workloads(workspace, f"a: 1\n{ANNOTATION}: {value}\n")
    (finding,) = verify_restarts(workspace.root, folders(workspace))
    assert (finding.line, finding.severity, finding.rule) == (2, Severity.ERROR, "secrets/restart")
    assert "on one line, in quotes" in finding.fix
    assert write_restarts(workspace.root, folders(workspace)) == ()


def test_a_secret_that_there_is_not_is_said(workspace: Workspace) -> None:
    workspace.seal()
    file = workloads(workspace, f'{ANNOTATION}: "registry/push-tokn={INITIAL}"\n')
    (finding,) = verify_restarts(workspace.root, folders(workspace))
    assert "registry/push-tokn is no secret of the catalogue" in finding.message
    assert finding.fix == f"Did you mean {TOKEN}?"
    assert write_restarts(workspace.root, folders(workspace)) == ()
    assert file.read_text() == f'{ANNOTATION}: "registry/push-tokn={INITIAL}"\n'


def test_a_secret_that_waits_for_its_value_is_pending_and_the_first_one_restarts_its_readers(
    workspace: Workspace,
) -> None:
    token, workspace.external = workspace.external, {}
    workspace.seal()
    file = workloads(workspace)
    (finding,) = verify_restarts(workspace.root, folders(workspace))
    assert "has no value yet, and this pod would not restart with its first one" in finding.message
    assert write_restarts(workspace.root, folders(workspace)) == (file,)
    assert file.read_text() == POD.replace(f"={INITIAL}", f"={PENDING}")
    assert verify_restarts(workspace.root, folders(workspace)) == []
    assert write_restarts(workspace.root, folders(workspace)) == ()
    workspace.external = token
    workspace.seal()
    assert write_restarts(workspace.root, folders(workspace)) == (file,)
    assert file.read_text() == POD
    assert verify_restarts(workspace.root, folders(workspace)) == []


def test_links_binaries_and_git_itself_are_left_alone(workspace: Workspace) -> None:
    workspace.seal()
    outside = workspace.folder / "outside.yaml"
    outside.write_text(POD)
    (workspace.folder / "apps").mkdir()
    (workspace.folder / "apps" / "link.yaml").symlink_to(outside)
    workloads(workspace, POD, "apps/.git/config.yaml")
    replace_token(workspace)
    assert write_restarts(workspace.root, folders(workspace)) == ()
    torn = workloads(workspace, "", "apps/torn.yaml")
    torn.write_bytes(b"\xff\xfe\r\n" + POD.encode() + b"\x80")
    write_restarts(workspace.root, folders(workspace))
    assert torn.read_bytes().startswith(b"\xff\xfe\r\n")
    assert torn.read_bytes().endswith(b"\x80")
    assert os.fsencode(revision(workspace)) in torn.read_bytes()


WAITING = f"""\
metadata:
  annotations:
    {ANNOTATION}: "{TOKEN}={INITIAL}"
spec:
  containers:
    - env:
        - name: REVISION
          valueFrom: {{secretKeyRef: {{name: push-token, key: push-token.{INITIAL}}}}}
    - image: example.com/push-token.initial-setup
"""


def with_key(workspace: Workspace) -> None:
    workspace.write_catalogue(FULL.replace("    name: push-token\n", "    name: push-token\n    revision_key: true\n"))


def test_a_container_waits_for_the_secret_of_its_revision(workspace: Workspace) -> None:
    with_key(workspace)
    workspace.seal()
    manifest = workspace.root / "secrets/registry/push-token.sealed.yaml"
    file = workloads(workspace, WAITING)

    def key() -> dict[str, str]:
        found: dict[str, str] = yaml.safe_load(manifest.read_text())["spec"]["template"]["data"]
        return found

    assert key() == {f"push-token.{INITIAL}": INITIAL}
    assert verify_restarts(workspace.root, folders(workspace)) == []
    replace_token(workspace)
    write_restarts(workspace.root, folders(workspace))
    assert key() == {f"push-token.{revision(workspace)}": revision(workspace)}
    assert file.read_text() == WAITING.replace(f"={INITIAL}", f"={revision(workspace)}").replace(
        f"key: push-token.{INITIAL}", f"key: push-token.{revision(workspace)}"
    )
    assert verify_restarts(workspace.root, folders(workspace)) == []
    assert differ_in_revisions_alone(WAITING.encode(), file.read_bytes())


def test_a_container_that_would_wait_for_ever_is_said(workspace: Workspace) -> None:
    workspace.seal()
    file = workloads(workspace, WAITING)
    (finding,) = verify_restarts(workspace.root, folders(workspace))
    assert (finding.line, "would wait for ever" in finding.message) == (8, True)
    with_key(workspace)
    workspace.seal()
    assert verify_restarts(workspace.root, folders(workspace)) == []
    file.write_text(WAITING.replace(f"push-token.{INITIAL}", "push-token.initia"))
    (finding,) = verify_restarts(workspace.root, folders(workspace))
    assert finding.fix == f"Write `key: push-token.{INITIAL}`."


BLOCK = f"""\
metadata:
  annotations: {{{ANNOTATION}: "{TOKEN}={PENDING}"}}
env:
  - name: REVISION
    valueFrom:
      secretKeyRef:
        name: push-token
        key: "push-token.{PENDING}"
        optional: true
  - name: TOKEN
    valueFrom:
      secretKeyRef: {{name: push-token, key: token, optional: true}}
"""
BRACES = BLOCK.replace(
    f"""
        name: push-token
        key: "push-token.{PENDING}"
        optional: true
""",
    f" {{name: push-token, key: push-token.{PENDING}, optional: true}}\n",
)


@pytest.mark.parametrize("text", [BLOCK, BRACES], ids=["block", "braces"])
def test_a_container_that_starts_without_the_secret_waits_for_its_first_value(workspace: Workspace, text: str) -> None:
    """Each reference that the catalogue's key stands in becomes wanted, and no other one."""
    token, workspace.external = workspace.external, {}
    with_key(workspace)
    workspace.seal()
    file = workloads(workspace, text)
    assert write_restarts(workspace.root, folders(workspace)) == ()
    assert verify_restarts(workspace.root, folders(workspace)) == []
    workspace.external = token
    workspace.seal()
    write_restarts(workspace.root, folders(workspace))
    revision_variable, other = yaml.safe_load(file.read_text())["env"]
    reference = {"name": "push-token", "key": f"push-token.{INITIAL}", "optional": False}
    assert revision_variable["valueFrom"]["secretKeyRef"] == reference
    assert other["valueFrom"]["secretKeyRef"]["optional"] is True
    assert verify_restarts(workspace.root, folders(workspace)) == []
    assert differ_in_revisions_alone(text.encode(), file.read_bytes())
    replace_token(workspace)
    write_restarts(workspace.root, folders(workspace))
    assert yaml.safe_load(file.read_text())["env"][0]["valueFrom"]["secretKeyRef"]["optional"] is False


@pytest.mark.parametrize("is_pending", [True, False])
def test_a_container_that_would_not_wait_or_for_ever_is_said(workspace: Workspace, *, is_pending: bool) -> None:
    if is_pending:
        workspace.external = {}
    with_key(workspace)
    workspace.seal()
    file = workloads(workspace, BLOCK)
    write_restarts(workspace.root, folders(workspace))
    right, wrong = ("true", "false") if is_pending else ("false", "true")
    file.write_text(file.read_text().replace(f"\n        optional: {right}", f"\n        optional: {wrong}", 1))
    (finding,) = verify_restarts(workspace.root, folders(workspace))
    assert (finding.line, finding.fix) == (8, f"Write `optional: {right}`, as `fmc seal` does.")
    write_restarts(workspace.root, folders(workspace))
    assert verify_restarts(workspace.root, folders(workspace)) == []


_NAMES = st.from_regex(r"[a-z]{1,5}/[a-z]{1,5}", fullmatch=True)
_ENTRIES = st.lists(st.tuples(_NAMES, st.sampled_from(["", "=initial", "=aB3-_x.yZ"])), min_size=1, max_size=3)


@given(st.text(alphabet="ab:\"'# \n{}", max_size=30), _ENTRIES, st.text(alphabet='xy\n: "#', max_size=30))
def test_only_revisions_ever_differ(before: str, entries: list[tuple[str, str]], after: str) -> None:
    names = " ".join(name for name, _ in entries)
    texts = [
        f'{before}\n{ANNOTATION}: "{" ".join(name + tail for name, tail in one)}"\n{after}'.encode()
        for one in (entries, [(name, "=another") for name, _ in entries])
    ]
    assert differ_in_revisions_alone(*texts)
    assert not differ_in_revisions_alone(texts[0], texts[1].replace(names.split()[0].encode(), b"Q/Q", 1))
