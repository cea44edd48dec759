"""The catalogue: which secrets a cluster needs, as the template rendered it into `secrets/catalogue.yaml`.

It holds no secret. `values` are the plaintexts that the vault keeps, each made by a generator; `data` are the keys of
the Kubernetes Secret, each derived from a value, or a constant. What the machines need before there is a cluster has
values alone. `read` reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from generator.errors import BadInputError
from generator.secrets.catalogue.scope import Scope
from generator.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping


CATALOGUE = "secrets/catalogue.yaml"
"""Where it stands, below the folder of the repository part argocd."""
USER_CATALOGUE = "secrets/catalogue.user.yaml"
"""Where a user's own entries stand, below the same folder; it may be absent."""
CERTIFICATE = "secrets/sealing-cert.pem"
"""Where the committed sealing certificate stands, below the same folder."""
RESERVED_VARIABLES = frozenset({"FMC_GIT_TOKEN", "FMC_GIT_USER", "FMC_IDENTITY", "FMC_TEMPLATE_URL", "FMC_TOOLS_DIR"})
"""What fmc itself reads from the environment, and what no secret is made of."""
MOST_SECRET_BYTES = 1 << 20
"""What Kubernetes takes for all values of a Secret together (MaxSecretSize in its pkg/apis/core/types.go)."""
SEALED_SUFFIX = ".sealed.yaml"
"""How the name of every sealed manifest ends."""
MACHINES = "machines"
"""The key of their section, and what stands in front of the name of such a secret elsewhere: `machines/k3s`."""
MINIMUM_PASSWORD = 16
"""Characters; with fewer a password could be guessed offline from its hash."""


class Generator(StrEnum):
    """Where a plaintext comes from."""

    PASSWORD = "password"  # noqa: S105 - the name of a generator
    TOKEN = "token"  # noqa: S105 - the name of a generator
    EXTERNAL = "external"
    SSH_KEY = "ssh-key"
    WIREGUARD_KEY = "wireguard-key"
    CERTIFICATE = "certificate"
    AUTHORITY = "authority"

    @property
    def is_key_pair(self) -> bool:
        """Return whether its values have a public half."""
        return self in (Generator.SSH_KEY, Generator.WIREGUARD_KEY)

    @property
    def is_signed(self) -> bool:
        """Return whether its values are the cluster's own authority, or what that signs."""
        return self in (Generator.CERTIFICATE, Generator.AUTHORITY)

    def is_like(self, other: Generator) -> bool:
        """Return whether the values of the other one do as well: a text stays one, whoever makes the next."""
        return self is other or {self, other} <= {Generator.PASSWORD, Generator.TOKEN, Generator.EXTERNAL}


class Form(StrEnum):
    """How a key of the Secret is derived from a value."""

    RAW = "raw"
    BCRYPT = "bcrypt"
    HTPASSWD = "htpasswd"
    MTIME = "mtime"
    PRIVATE = "private"
    PUBLIC = "public"
    CERT = "cert"
    KEY = "key"
    CA = "ca"
    DOCKERCONFIGJSON = "dockerconfigjson"


_TEXT_FORMS = frozenset({Form.RAW, Form.BCRYPT, Form.HTPASSWD, Form.MTIME})
FORMS: Mapping[Generator, frozenset[Form]] = {
    Generator.PASSWORD: _TEXT_FORMS,
    Generator.TOKEN: _TEXT_FORMS,
    Generator.EXTERNAL: _TEXT_FORMS | {Form.DOCKERCONFIGJSON},
    Generator.SSH_KEY: frozenset({Form.PRIVATE, Form.PUBLIC, Form.MTIME}),
    Generator.WIREGUARD_KEY: frozenset({Form.PRIVATE, Form.PUBLIC, Form.MTIME}),
    Generator.CERTIFICATE: frozenset({Form.CERT, Form.KEY, Form.CA, Form.MTIME}),
    Generator.AUTHORITY: frozenset({Form.KEY, Form.CA, Form.MTIME}),
}
"""Which forms each generator's values have."""


@dataclass(frozen=True)
class Value:
    """A plaintext that the vault keeps.

    Attributes:
        name: Its name within the secret.
        generator: Where it comes from.
        line: Its line in the catalogue.
        length: Characters of a password.
        env: Name of the environment variable that an external value may be given in.
        prompt: What to ask the user for, where it is external.
        comment: Comment of an SSH key.
        names: DNS names of a certificate, at least one.
        days: How long a certificate lasts.
        max_age: Days after which another one is due; 0 where nobody said.
        playbook: Playbook that brings a new value to the machines that need it; "" where none does, and for Secrets.
    """

    name: str
    generator: Generator
    line: int
    length: int = 32
    env: str = ""
    prompt: str = ""
    comment: str = ""
    names: tuple[str, ...] = ()
    days: int = 825
    max_age: int = 0
    playbook: str = ""


@dataclass(frozen=True)
class Constant:
    """A key of the Secret whose content is no secret."""

    text: str


@dataclass(frozen=True)
class Derived:
    """A key of the Secret that is derived from a value.

    Attributes:
        source: Name of the value.
        form: How it is derived.
        cost: Logarithmic cost of bcrypt.
        user: User name of an htpasswd line.
        registry: Host of a registry of images, with its port where it has one.
    """

    source: str
    form: Form
    cost: int = 10
    user: str = ""
    registry: str = ""


@dataclass(frozen=True)
class Secret:
    """One Kubernetes Secret.

    Attributes:
        namespace: Where it will be.
        name: What it will be called; sealed values are bound to both.
        line: Its line in the file that has it.
        type: Kubernetes type of the Secret.
        labels: Labels of the Secret.
        annotations: Annotations of the Secret.
        sync_wave: Argo CD's wave of the sealed manifest; "" for none.
        description: What it is for, for people.
        consumers: Who reads it, for people.
        values: By name.
        data: By key of the Secret.
        file: The file that has it, below the folder of the repository part argocd: the catalogue, or the user's own.
        revision_key: Whether the Secret has a further key whose name has the revision, for pods to wait for.
        noticed: When its readers take a new value where no restart by Git is needed, for people: `within seconds`.
        scope: What its sealed values are bound to.
        immutable: Whether Kubernetes lets nobody change the Secret: a new value then needs a new name.
    """

    namespace: str
    name: str
    line: int
    type: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    sync_wave: str
    description: str
    consumers: tuple[str, ...]
    values: Mapping[str, Value]
    data: Mapping[str, Constant | Derived]
    file: str = CATALOGUE
    revision_key: bool = False
    noticed: str = ""
    scope: Scope = Scope.STRICT
    immutable: bool = False

    @property
    def id(self) -> str:
        """Return `namespace/name`, by which the vault knows it."""
        return f"{self.namespace}/{self.name}"

    @property
    def label(self) -> bytes:
        """Return what its sealed values are bound to, see `Scope.label`."""
        return self.scope.label(self.namespace, self.name)

    @property
    def manifest_path(self) -> str:
        """Return the path of its sealed manifest below the folder of the catalogue's repository part."""
        return f"secrets/{self.namespace}/{self.name}{SEALED_SUFFIX}"


@dataclass(frozen=True)
class MachineSecret:
    """What machines need, such as the token by which they join: the vault keeps it, and it is sealed nowhere.

    Ansible reads it from the vault, on the operator's machine, when a role needs it.

    Attributes:
        name: What it is for, as one word.
        line: Its line in the file that has it.
        description: What it is for, for people.
        consumers: Who reads it, for people.
        values: By name.
        file: The file that has it, below the folder of the repository part argocd.
    """

    name: str
    line: int
    description: str
    consumers: tuple[str, ...]
    values: Mapping[str, Value]
    file: str = CATALOGUE

    @property
    def id(self) -> str:
        """Return `machines/name`, by which the vault knows it."""
        return f"{MACHINES}/{self.name}"


Entry: TypeAlias = Secret | MachineSecret


@dataclass(frozen=True)
class Catalogue:
    """All secrets of a cluster.

    Attributes:
        cluster: Name of the cluster.
        key_namespace: Namespace of the sealing key's Secret: that of the controller.
        key_name: Name of the sealing key's Secret, which is also its name in the vault.
        secrets: In the order of the files, the user's own last.
        machines: What its machines need, in the same order.
    """

    cluster: str
    key_namespace: str
    key_name: str
    secrets: tuple[Secret, ...]
    machines: tuple[MachineSecret, ...] = ()

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Return all that the vault keeps values of."""
        return (*self.secrets, *self.machines)

    def entry(self, secret_id: str) -> Entry:
        """Return the entry of that id.

        Args:
            secret_id: `namespace/name` of a Secret, or `machines/name`.

        Raises:
            BadInputError: There is none.
        """
        entries = {entry.id: entry for entry in self.entries}
        if secret_id not in entries:
            raise BadInputError(f"the catalogue has no secret {secret_id}", fix=did_you_mean(secret_id, entries))
        return entries[secret_id]
