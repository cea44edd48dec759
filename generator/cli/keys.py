"""`fmc keys`."""

from __future__ import annotations

import sys
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.cli.options import output_options, workspace_option, workspace_options
from generator.cli.plaintext import keep_from_others
from generator.cli.sealing_keys import COMMANDS
from generator.cli.verbs import help_of
from generator.errors import BadInputError
from generator.wording import command as shown

if TYPE_CHECKING:
    from generator.cli.options import Where
    from generator.console import Console

HELP = """
\b
Examples:
  fmc keys ssh --cluster home
  fmc keys ssh --file ~/.ssh/lab --passphrase
  fmc keys export | kubectl apply --server-side -f -
  fmc keys list
  kubectl -n kube-system get secret sealed-secrets-key4x8zn -o yaml | fmc keys import /dev/stdin
  fmc keys rekey
  fmc keys rekey --loaded
  fmc keys retire sealed-secrets-key-1
  fmc keys vpn laptop | ssh root@laptop "umask 77; cat > /etc/wireguard/home.conf"
  fmc keys vpn phone --qr
  kubeseal --recovery-unseal --recovery-private-key <(fmc keys export) < FILE.sealed.yaml
"""


@click.group("keys", help=help_of("keys", HELP))
def command() -> None:
    """Hold the verbs."""


for _sealing in COMMANDS:
    command.add_command(_sealing)


@command.command("export")
@workspace_options
@output_options
@click.pass_obj
def export_command(console: Console, where: Where) -> int:
    """Print the sealing keys as Kubernetes Secrets, into a pipe.

    They are private: they go to `kubectl apply --server-side -f -`, never to a terminal, and --server-side keeps
    kubectl from storing a second copy in an annotation. Nothing is printed unless the repository argocd is sealed to
    the key that the cluster would get.
    """
    from generator.pipeline.keys import export

    if sys.stdout.isatty():
        raise BadInputError(
            "the sealing keys are private, and are not shown on a terminal",
            fix="Give them to the cluster: `fmc keys export | kubectl apply --server-side -f -`.",
        )
    keep_from_others(console)
    console.verbatim(export(where.open()).reveal().decode())
    return 0


@command.command("ssh")
@click.option("--cluster", metavar="NAME", help="Whose key it is.  [default: the workspace's]")
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where the private half lies.  [default: ~/.ssh/id_ed25519_NAME]",
)
@click.option("--passphrase", is_flag=True, help="Ask for a passphrase that a new key is encrypted with.")
@workspace_option
@output_options
@click.pass_obj
def ssh_command(console: Console, cluster: str | None, path: Path | None, passphrase: bool, workspace: Path) -> int:
    """Make the SSH key that is the way into the machines, or show the one that is there.

    It is an Ed25519 pair in OpenSSH's format: the private half in FILE, for you alone (0600), the public one in
    FILE.pub and on stdout. It belongs into the answer ssh_public_key. A key that is there is never overwritten; one
    that lacks its public half gets it. A passphrase is typed at a prompt, and never an argument; Ansible then needs
    the key in an agent (`ssh-add FILE`).
    """
    from generator.pipeline.keys import ssh_key, ssh_key_file

    if path is None:
        path, name = ssh_key_file(cluster, workspace)
    else:
        path, name = path.expanduser(), cluster or path.name
    if passphrase and not sys.stdin.isatty():
        raise BadInputError(
            "nobody can be asked for a passphrase here: this is no terminal",
            fix="Run `fmc keys ssh --passphrase` in a terminal, or encrypt the key later: `ssh-keygen -p -f FILE`.",
        )
    typed = ""
    if passphrase and not path.exists():
        typed = click.prompt(f"Passphrase of {path}", hide_input=True, confirmation_prompt=True, err=True)
    key = ssh_key(path, name, typed.encode())
    console.note(f"{'Made' if key.made else 'Is there already, and stays'}: {key.path}")
    if key.is_open:
        console.note(f"Others can read it, so that ssh refuses it: run {shown('chmod', '600', str(key.path))}.")
    console.note("Its public half, for the answer ssh_public_key:")
    console.result(key.public)
    console.document({"path": str(key.path), "public_key": key.public, "answer": "ssh_public_key", "made": key.made})
    return 0


@command.command("vpn")
@click.argument("peer")
@click.option("--qr", is_flag=True, help="As a QR code, which the app on a phone reads from the terminal.")
@click.option("--yes", is_flag=True, help="Don't ask before the key is shown on a terminal.")
@workspace_options
@click.pass_obj
def vpn_command(console: Console, where: Where, peer: str, qr: bool, yes: bool) -> int:
    """Print what a peer of the VPN needs: its key, where the server is, and what is reached through it.

    PEER is its name in the answer vpn. Whoever has this is let in, so that a file that it goes to becomes readable for
    you alone, and on a terminal fmc asks first. `wg-quick up ./laptop.conf` takes the file, and so do the apps.
    """
    from generator.pipeline.keys import vpn_file

    content = vpn_file(where.open(), peer).reveal().decode()
    if sys.stdout.isatty() and not yes:
        click.confirm(f"Show the key of {peer} in the clear, here?", abort=True, err=True)
    keep_from_others(console)
    console.verbatim((_qr_code(content) if qr else content).rstrip("\n"))
    return 0


def _qr_code(text: str) -> str:
    """Return a QR code in half blocks, on a terminal black on white, whatever its own colours are."""
    import segno

    drawn = StringIO()
    segno.make_qr(text, error="l").terminal(drawn, compact=True)
    lines = drawn.getvalue().splitlines()
    if sys.stdout.isatty():
        # A block is drawn in the colour of the text, which stands for white.
        lines = [f"\033[97;40m{line}\033[0m" for line in lines]
    return "\n".join(lines)
