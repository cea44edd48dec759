"""Reads a value out of the vault with `fmc secret show`, on the machine that runs Ansible.

Use: `lookup('fmc_secret', 'machines/k3s', 'token', workspace=FOLDER)`. The value comes through a pipe; set `no_log` where it is used. `query` takes
several values of a secret.
"""

from __future__ import annotations

import subprocess
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

DOCUMENTATION = """
name: fmc_secret
short_description: Reads a value out of the vault of this cluster
description: Runs `fmc secret show` on the machine that runs Ansible. Set no_log where the value is used.
options:
  _terms:
    description: Name of the secret, such as machines/k3s, and of its value, or of several.
    required: true
  workspace:
    description: The folder of the workspace, or of a repository in it.
    type: path
    required: true
  public:
    description: Whether the public half of a key pair is meant, which is no secret.
    type: bool
    default: false
"""


class LookupModule(LookupBase):
    """The lookup."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """Return the values, in their order.

        Args:
            terms: Name of the secret, and of its values.
            variables: Ansible's.
            kwargs: The options.

        Raises:
            AnsibleError: fmc is not there, or has no such value; its own message says what to do.
        """
        self.set_options(var_options=variables, direct=kwargs)
        secret, *values = terms
        return [self._show(secret, value) for value in values]

    def _show(self, secret: str, value: str) -> str:
        command = ["fmc", "secret", "show", secret, value, "--workspace", self.get_option("workspace")]
        command += ["--public"] if self.get_option("public") else []
        try:
            shown = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        except OSError as error:
            raise AnsibleError(f"fmc does not run here: {error.strerror}. Install it, and put it on PATH.") from error
        if shown.returncode != 0:
            raise AnsibleError(f"The vault gives no {value} of {secret}. {' '.join(shown.stderr.split())}")
        return shown.stdout.strip()
