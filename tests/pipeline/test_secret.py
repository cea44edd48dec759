"""`fmc secret history`, `edit` and `rename`, by the command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from generator.secrets.catalogue.model import USER_CATALOGUE
from tests.pipeline.world import FMC, World, tree

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "argocd/git-credentials"
OWN = "version: 1\nsecrets:\n  - namespace: hello-staging\n    name: mail\n    consumers: [Deployment/hello]\n"
OWN += "    values: {key: {generator: external}}\n    data: {key: {from: key}}\n"


def put(world: World, secret: str, value: str) -> None:
    assert world.fmc("secret", "set", secret, cwd=world.workspace, stdin=value).code == 0


def test_the_versions_of_a_value_without_a_plaintext(pushed: World) -> None:
    for value in ("the-first-token", "the-second-token"):
        put(pushed, TOKEN, value)
    done = pushed.fmc("secret", "history", TOKEN, "--output", "json", cwd=pushed.workspace)
    assert [one["version"] for one in json.loads(done.out)["versions"]] == [0, 1]
    table = pushed.fmc("secret", "history", TOKEN, cwd=pushed.workspace)
    assert table.out.splitlines()[0].strip() == f"{TOKEN}: token"
    shown = pushed.run(str(FMC), "secret", "show", TOKEN, "--version", "1", cwd=pushed.workspace)
    assert shown.out == "the-first-token\n"


@pytest.mark.parametrize("editor", ["changes", "leaves"])
def test_an_editor_gets_a_file_in_memory_that_is_gone_afterwards(pushed: World, tmp_path: Path, editor: str) -> None:
    put(pushed, TOKEN, "line one\nline two\n")
    script = tmp_path / "editor"
    change = "sed -i 's/one/1/' \"$1\"" if editor == "changes" else "true"
    script.write_text(f'#!/bin/sh\nstat -c "%n %a" "$1" > {tmp_path}/seen\n{change}\n')
    script.chmod(0o755)
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    before = pushed.vault.read_bytes()
    environment = {"VISUAL": str(script), "XDG_RUNTIME_DIR": str(runtime)}
    done = pushed.fmc("secret", "edit", TOKEN, cwd=pushed.workspace, env=environment)
    assert done.code == 0, done.err
    seen, mode = (tmp_path / "seen").read_text().split()
    assert (seen.startswith(str(runtime)), mode, list(runtime.iterdir())) == (True, "600", [])
    shown = pushed.run(str(FMC), "secret", "show", TOKEN, cwd=pushed.workspace).out
    assert shown == ("line 1\nline two\n" if editor == "changes" else "line one\nline two\n")
    assert (pushed.vault.read_bytes() == before) == (editor == "leaves")


def test_what_is_no_text_is_not_edited(pushed: World) -> None:
    done = pushed.run("sh", "-c", f"printf '\\377\\376x' | {FMC} secret set {TOKEN}", cwd=pushed.workspace)
    assert done.code == 0, done.err
    refused = pushed.fmc("secret", "edit", TOKEN, cwd=pushed.workspace, env={"VISUAL": "false"})
    assert (refused.code, "`fmc secret set` through a pipe" in refused.err) == (2, True)


def test_a_secret_of_ones_own_is_renamed_with_its_value(pushed: World) -> None:
    catalogue = pushed.workspace / "argocd" / USER_CATALOGUE
    deployment = "apps/hello/overlays/staging/mail.yaml"
    catalogue.write_text(OWN)
    put(pushed, "hello-staging/mail", "the-key-of-the-mail-server")
    assert pushed.fmc("seal", cwd=pushed.workspace).code == 0
    pushed.commit("argocd", {})
    (pushed.workspace / "apps" / deployment).write_text("env:\n  secretName: mail\n")
    done = pushed.fmc("secret", "rename", "hello-staging/mail", "hello-staging/mail-relay", cwd=pushed.workspace)
    assert done.code == 0, done.err
    assert f"the old name stands in apps/{deployment}:2" in done.out.splitlines()
    (pushed.workspace / "apps" / deployment).unlink()
    sealed = pushed.fmc("seal", cwd=pushed.workspace)
    assert "made: hello-staging/mail-relay" in sealed.out
    assert "deleted: secrets/hello-staging/mail.sealed.yaml" in sealed.out
    shown = pushed.run(str(FMC), "secret", "show", "hello-staging/mail-relay", cwd=pushed.workspace)
    assert shown.out == "the-key-of-the-mail-server\n"
    pushed.commit("argocd", {})
    assert pushed.fmc("push", cwd=pushed.workspace).code == 0
    before = tree(pushed.folder)
    again = pushed.fmc("secret", "rename", "argocd/argocd-secret", "argocd/other", cwd=pushed.workspace)
    assert (again.code, "the template names it" in again.err) == (2, True)
    assert tree(pushed.folder) == before
