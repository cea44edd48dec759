"""The rules on an app that is to be added, each with its sentence; they are judged in this room."""

from __future__ import annotations

from generator.findings import declare

NAME = declare("app/name", "An app has a name that Services may have, and that the template uses for nothing else.")
IMAGE = declare("app/image", "An app runs an image with a digest, so that Git tells what runs.")
PORT = declare(
    "app/port", "An app listens on a port from 1 to 65535, and may have a path that tells whether it is well."
)
ENVIRONMENT = declare("app/environment", "An app has environments, each with a namespace that nobody else has.")
HOST = declare("app/host", "A host of an app is one name below the cluster's domain, and nobody else's.")
REPLICAS = declare("app/replicas", "An app has as many pods as its limits let in.")
SECRET = declare("app/secret", "A secret of an app has a name of its own, and a generator that makes a text.")
