"""What is asked for when an app is added: as it was given, and as it is once everything about it is right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from writeback.image import Image

ENVIRONMENTS = ("staging", "production")
"""The environments of an app where nobody says which, in the order in which an image goes through them."""
LAST = ENVIRONMENTS[-1]
"""The one whose host is called after the app alone."""
PORT = "8080"
GENERATORS = ("password", "token", "external")
"""What makes a text; the first one where nobody says which."""


@dataclass(frozen=True)
class Given:
    """An app as a person describes it, in texts.

    Attributes:
        name: Name of the app.
        image: The image that it runs.
        port: The port that it listens on.
        health: The path that says whether it is well; "" where a connection says it.
        environments: The environments; none for the usual ones.
        hosts: `ENVIRONMENT=HOST`; a host without a dot is one below the cluster's domain.
        replicas: `ENVIRONMENT=NUMBER`, or a number for all.
        secrets: `NAME` or `NAME=GENERATOR`.
        source: Whether it is built here, from a folder whose Dockerfile begins with the image.
        mutable: Whether the image may be another one tomorrow.
    """

    name: str
    image: str
    port: str = PORT
    health: str = ""
    environments: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    replicas: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    source: bool = False
    mutable: bool = False


@dataclass(frozen=True)
class Environment:
    """One environment of an app.

    Attributes:
        name: Its name; the namespace is called after app and environment.
        host: What it answers for; "" where nothing leads in.
        replicas: Number of pods.
        image: What it runs; None where nothing says so any more.
    """

    name: str
    host: str
    replicas: int = 1
    image: Image | None = None


@dataclass(frozen=True)
class OwnSecret:
    """A file of the app's Secret, by its name, and what makes its value."""

    name: str
    generator: str


@dataclass(frozen=True)
class App:
    """An app of which everything is known.

    Attributes:
        name: Name of the app.
        port: The port that it listens on.
        health: The path that says whether it is well; "" where a connection says it.
        environments: Its environments, at least one.
        secrets: What its pods read in /run/secrets/.
        source: What the Dockerfile of its source begins with; "" where it is built elsewhere.
    """

    name: str
    port: int
    health: str
    environments: tuple[Environment, ...]
    secrets: tuple[OwnSecret, ...] = ()
    source: str = ""

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Return the namespace of each environment."""
        return tuple(namespace_of(self.name, environment.name) for environment in self.environments)


def namespace_of(app: str, environment: str) -> str:
    """Return the namespace of an environment, which is what its Application is called, too."""
    return f"{app}-{environment}"
