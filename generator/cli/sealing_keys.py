"""The sealing keys in `fmc keys`: replaced, taken away, listed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from generator.cli.options import author_options, engine_options, output_options, workspace_options
from generator.cli.summary import pushed_document, pushed_lines
from generator.wording import command as shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.cli.options import Where
    from generator.console import Console
    from generator.delivery.model import Author
    from generator.pipeline.rekey import RekeyReport
    from generator.pipeline.steps.gate import Engine
    from generator.secrets.exposure import Exposed

_RESTART = "kubectl --namespace {} rollout restart deployment sealed-secrets-controller"
_WAIT = "kubectl --namespace {} rollout status deployment sealed-secrets-controller"
# Until Argo CD has the commit, the old controller is rolled out as well as ever.
_NAMED = (
    "kubectl --namespace {} wait deployment sealed-secrets-controller --timeout=15m "
    """--for=jsonpath='{{.spec.template.spec.volumes[?(@.name=="sealing-cert")].secret.secretName}}'={}"""
)


@click.command("list")
@workspace_options
@output_options
@click.pass_obj
def list_command(console: Console, where: Where) -> int:
    """Show the sealing keys of the vault: fingerprint, age, end, state, and what in Git needs them.

    The private halves are not shown. A manifest needs a key if no other one of the vault opens it.
    """
    from generator.pipeline.rekey import keys

    rows = keys(where.open())
    console.document(
        {
            "keys": [
                {
                    "name": row.name,
                    "fingerprint": row.fingerprint,
                    "made_at": row.created,
                    "certificate_ends_at": row.ends,
                    "state": row.state,
                    "compromised_at": row.compromised,
                    "needed_by": row.needed_by,
                }
                for row in rows
            ]
        }
    )
    console.table(
        "Sealing keys",
        ("name", "fingerprint", "made", "ends", "state", "needed by"),
        [
            (
                row.name,
                row.fingerprint,
                f"{row.created:%Y-%m-%d}",
                f"{row.ends:%Y-%m-%d}",
                f"{row.state}, compromised" if row.compromised else row.state,
                f"{len(row.needed_by)} manifests",
            )
            for row in rows
        ],
    )
    return 0


@click.command("rekey")
@click.option("--compromised", is_flag=True, help="Somebody else may have the key: list what it gives away, too.")
@click.option("--loaded", is_flag=True, help="The controller has loaded the next key: seal everything to it.")
@workspace_options
@author_options
@engine_options
@output_options
@click.pass_obj
def rekey_command(
    console: Console, where: Where, author: Author | None, engine: Engine, compromised: bool, loaded: bool
) -> int:
    """Replace the sealing key, in two commits, so that the cluster opens everything at each moment.

    The first run makes the next key in the vault and pushes a commit by which the controller restarts as soon as it
    has that key; a command brings it there, from the vault to the API server, and never into Git. With --loaded the
    second run seals everything to it, and pushes that. A run that was stopped is run again: it makes no second key.

    The old key goes on opening what is sealed to it. `fmc keys retire` takes it away when nothing in Git needs it.
    """
    from generator.pipeline.rekey import rekey

    report = rekey(where.open(console), author, engine, console, is_compromised=compromised, is_there=loaded)
    console.document(_document(report))
    for line in _to_do(report):
        console.result(line)
    return 0


@click.command("retire")
@click.argument("key")
@workspace_options
@output_options
@click.pass_obj
def retire_command(console: Console, where: Where, key: str) -> int:
    """Take a sealing key out of the vault that nothing in Git needs any more.

    All repositories are looked at, also their last commits and the remote branches as they were last seen. Older
    commits can't be opened without the key. Its Secret in the cluster is yours to delete, by the command that is shown.
    """
    from generator.pipeline.rekey import retire_key

    session = where.open()
    retired = retire_key(session, key)
    namespace = session.store.catalogue().key_namespace
    delete = shown("kubectl", "--namespace", namespace, "delete", "secret", "--ignore-not-found", key)
    console.document({"retired": key, "fingerprint": retired.fingerprint, "delete": delete.strip("`")})
    console.result(f"{key} ({retired.fingerprint}) is not in the vault any more.")
    console.result(f"Next, where all SealedSecrets are synced: {delete}, then `{_RESTART.format(namespace)}`")
    return 0


@click.command("exposed")
@workspace_options
@output_options
@click.pass_obj
def exposed_command(console: Console, where: Where) -> int:
    """List what whoever has a compromised sealing key knows, and nobody has replaced since.

    That is all that was ever sealed to it: Git's whole history is read. Each value is listed with what replaces it,
    until it is replaced.
    """
    from generator.pipeline.rekey import exposed

    found = exposed(where.open())
    console.document({"exposed": _rows(found)})
    for line in _replace(found):
        console.result(line)
    if not found:
        console.result("Nothing that counts was sealed to a compromised key.")
    return 0


@click.command("reseal")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, dir_okay=False), metavar="[FILE]...")
@workspace_options
@output_options
@click.pass_obj
def reseal_command(console: Console, where: Where, files: tuple[Path, ...]) -> int:
    """Seal your own SealedSecrets, which fmc does not write, to the key in use.

    Without FILE that is every one in the repositories. Any key of the vault opens them; scope, layout and comments
    stay, the sealed texts alone are replaced. Nothing is committed.
    """
    from generator.pipeline.rekey import reseal_files

    done = reseal_files(where.open(), files)
    console.document({"files": [{"file": str(one.file), "changed": one.changed, "closed": one.closed} for one in done]})
    for one in done:
        for value in one.changed:
            console.result(f"sealed anew: {value}, in {one.file}")
        for value in one.closed:
            console.result(f"left as it is: {value}, in {one.file}: no key of the vault opens it in one line")
    console.result("Next: commit it, then fmc push" if any(one.changed for one in done) else "Nothing to do.")
    return 0


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE...")
@workspace_options
@output_options
@click.pass_obj
def import_command(console: Console, where: Where, files: tuple[Path, ...]) -> int:
    """Take the sealing keys of a cluster that is there already into the vault.

    FILE holds Secrets, as `kubectl get secret --output yaml` prints them, or certificates and keys in PEM, and nobody
    but you may be able to read it; /dev/stdin is a pipe. Everything goes on being sealed to the key in use; what the
    others have sealed can be opened from then on: `fmc recover`, `fmc secret import`, `fmc keys reseal`.
    """
    from generator.pipeline.keys import import_files

    report = import_files(where.open(), files)
    console.document({"taken": report.taken, "known": report.known})
    for name in report.taken:
        console.result(f"taken: {name}")
    for name in report.known:
        console.result(f"the vault has it already: {name}")
    return 0


def _to_do(report: RekeyReport) -> Iterator[str]:
    if report.pushed.proposed:
        yield from pushed_lines(report.pushed)
    if not report.sealed:
        yield f"{report.key} ({report.fingerprint}) is in the vault. Nothing is sealed to it yet."
        yield "Next: fmc keys export | kubectl apply --server-side -f -"
        if report.restarts_itself:
            yield f"Then, until Argo CD has delivered that: {_NAMED.format(report.namespace, report.key)}"
        else:
            yield f"Then: {_RESTART.format(report.namespace)}"
        yield f"Then, until it says that it is rolled out: {_WAIT.format(report.namespace)}"
        yield "Then: fmc keys rekey --loaded"
        return
    yield f"Everything that fmc seals is sealed to {report.key} ({report.fingerprint})."
    for file in report.own:
        yield f"sealed to an old key, and not by fmc: {file}"
    if report.own:
        yield "Next: fmc keys reseal, then commit it, then fmc push"
    yield from _replace(report.exposed)
    for key in report.old:
        yield f"When Argo CD has synced: fmc keys retire {key}"


def _replace(found: tuple[Exposed, ...]) -> Iterator[str]:
    for one in found:
        yield f"known to whoever has the old key: {one.secret}: {one.value}: {one.how}"


def _rows(found: tuple[Exposed, ...]) -> list[dict[str, str]]:
    return [{"secret": one.secret, "value": one.value, "how": one.how} for one in found]


def _document(report: RekeyReport) -> dict[str, Any]:
    return {
        "key": report.key,
        "fingerprint": report.fingerprint,
        "sealed": report.sealed,
        "old": report.old,
        "own": report.own,
        "exposed": _rows(report.exposed),
        **pushed_document(report.pushed),
    }


COMMANDS = (list_command, rekey_command, retire_command, exposed_command, reseal_command, import_command)
