"""`fmc add`."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from generator.cli.options import output_options, workspace_options
from generator.cli.verbs import help_of

if TYPE_CHECKING:
    from generator.apps.request import Given
    from generator.cli.options import Where
    from generator.console import Console
    from generator.pipeline.add_app import Added

HELP = """
\b
Examples:
  fmc add app shop
  fmc add app shop --image registry.example.com/shop:1.0.0@sha256:... --secret database-password
  fmc add app docs --image docs:2@sha256:... --env production --host production=handbook
"""


@click.group("add", help=help_of("add", HELP))
def command() -> None:
    """Hold the verbs."""


@command.command("app")
@click.argument("name")
@click.option("--image", metavar="IMAGE", help="NAME:TAG@DIGEST of what it runs; without it fmc asks for everything.")
@click.option("--port", metavar="PORT", help="The port that it listens on.  [default: 8080]")
@click.option("--health", metavar="PATH", help="What answers 200 when it is well.  [default: a connection will do]")
@click.option(
    "--env",
    "environments",
    multiple=True,
    metavar="ENV",
    help="An environment; again for more.  [default: staging, production]",
)
@click.option(
    "--host", "hosts", multiple=True, metavar="ENV=HOST", help="Its name.  [default: NAME-ENV, in production NAME]"
)
@click.option("--replicas", multiple=True, metavar="[ENV=]N", help="Pods of an environment, or of each.  [default: 1]")
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="NAME[=GENERATOR]",
    help="A value that the pods read in /run/secrets/: of password, token or external.  [default: password]",
)
@click.option("--source", is_flag=True, help="Make sources/NAME/, too, with a Dockerfile that begins with the image.")
@click.option("--allow-mutable", is_flag=True, help="Take a tag without a digest, or the tag latest, too.")
@workspace_options
@output_options
@click.pass_obj
def app_command(
    console: Console,
    where: Where,
    name: str,
    image: str | None,
    port: str | None,
    health: str | None,
    environments: tuple[str, ...],
    hosts: tuple[str, ...],
    replicas: tuple[str, ...],
    secrets: tuple[str, ...],
    source: bool,
    allow_mutable: bool,
) -> int:
    """Write the files of a further app, all of them yours: no update of the template touches one.

    In argocd its project, its namespaces, its limits and the entries of its secrets; in apps a folder that looks as the
    sample's does. What holds for the sample holds for it: only its own namespaces, nothing of the cluster's, no host
    but its own, a quota, and no connections but those that are named. Nothing is committed. Run again, the same command
    changes nothing.
    """
    from generator.apps.request import PORT, Given
    from generator.pipeline.add_app import add_app

    given = Given(
        name,
        image or "",
        port or PORT,
        health or "",
        environments,
        hosts,
        replicas,
        secrets,
        source,
        allow_mutable,
    )
    if image is None and sys.stdin.isatty() and sys.stderr.isatty():
        given = _asked(given)
    added = add_app(where.open(console), given, console)
    _show(console, added)
    return 0


def _asked(given: Given) -> Given:
    """Ask for what no option said; what is wrong with it is said afterwards, all at once."""
    from generator.apps.request import ENVIRONMENTS

    def ask(question: str, default: str = "") -> str:
        return str(click.prompt(question, default=default, show_default=bool(default), err=True)).strip()

    image = ask("Image, as NAME:TAG@sha256:...")
    port = ask("Port that it listens on", given.port)
    health = given.health or ask("Path that answers 200 when it is well (Enter: a connection will do)")
    environments = given.environments or tuple(ask("Environments", " ".join(ENVIRONMENTS)).split())
    asked = (
        {name: ask(f"Host in {name} (Enter: called after the app)") for name in environments} if not given.hosts else {}
    )
    hosts = given.hosts or tuple(f"{name}={host}" for name, host in asked.items() if host)
    replicas = given.replicas or tuple(f"{name}={ask(f'Pods in {name}', '1')}" for name in environments)
    secrets = given.secrets or tuple(ask("Secrets, as NAME or NAME=GENERATOR (Enter: none)").split())
    source = given.source or click.confirm("Is it built here, from sources/?", default=False, err=True)
    return replace(
        given,
        image=image,
        port=port,
        health=health,
        environments=environments,
        hosts=hosts,
        replicas=replicas,
        secrets=secrets,
        source=source,
    )


def _show(console: Console, added: Added) -> None:
    from generator.wording import command as shown

    app = added.app
    console.document(
        {
            "app": app.name,
            "changed": bool(added.written),
            "written": [str(path) for path in added.written],
            "environments": [
                {"name": one.name, "namespace": namespace, "host": one.host}
                for one, namespace in zip(app.environments, app.namespaces, strict=True)
            ],
            "secrets": [f"{namespace}/{app.name}" for namespace in app.namespaces if app.secrets],
        }
    )
    if not added.written:
        console.result(f"No change: {app.name} is there already.")
        return
    for path in added.written:
        console.result(f"written: {path}")
    hosts = [one.host for one in app.environments if one.host]
    for host in hosts:
        console.result(f"it will answer at https://{host}")
    seal = "`fmc seal`, " if app.secrets else ""
    commit = shown("git", "commit", "--message", f"Add {app.name}")
    parts = "argocd, apps and infra" if hosts and added.is_named else "argocd and apps"
    console.result(f"Next: {seal}`fmc check`, then in {parts} `git add --all` and {commit}, then `fmc push`")
    if hosts and added.is_named:
        console.result("Then, in infra/ansible, for the name servers: ansible-playbook playbooks/dns.yml")
    elif hosts:
        away = ": the repository infra, which tells the name servers, is not here" if added.has_names else ""
        console.result(f"Then let your DNS know its hosts{away}")
