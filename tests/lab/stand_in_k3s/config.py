"""config.yaml, as K3s reads it: keys are flags, an unknown one is skipped by a server and ends an agent."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.stand_in_k3s import paths


class ConfigError(Exception):
    """K3s does not start with this; the text is what it logs."""


@dataclass(frozen=True)
class Config:
    """What a server or an agent was told.

    Attributes:
        values: By key of config.yaml.
        token: The cluster's token as it was given, "" for none; None where a token file is named and missing.
        agent_token: The agents' token; that of the servers where none is given.
        defaults: Of what all servers must have in common.
    """

    values: dict[str, Any]
    token: str | None
    agent_token: str
    defaults: dict[str, Any]

    @property
    def name(self) -> str:
        """Return the name of the Node."""
        return str(self.values.get("node-name") or Path("/proc/sys/kernel/hostname").read_text().strip())

    @property
    def address(self) -> str:
        """Return the Node's own address."""
        return str(self.values.get("node-ip") or "127.0.0.1")

    @property
    def server(self) -> str:
        """Return the URL to join by; "" to join nothing."""
        return str(self.values.get("server") or "")

    @property
    def critical(self) -> dict[str, Any]:
        """Return what all servers must have in common."""
        disabled = self.values.get("disable") or []
        return {
            **{key: self.values.get(key, default) for key, default in self.defaults.items()},
            "servicelb": "servicelb" not in disabled,
        }


def read(kind: str, flags: dict[str, Any]) -> Config:
    """Read config.yaml.

    Args:
        kind: `server` or `agent`.
        flags: flags.json.

    Raises:
        ConfigError: It can't be read, or an agent has a key that agents don't know.
    """
    file = paths.ETC / "config.yaml"
    values = parse(file.read_text()) if file.is_file() else {}
    for key in [key for key in values if key.rstrip("+") not in flags[kind]]:
        if kind == "agent":
            raise ConfigError(f"flag provided but not defined: -{key}")
        print(f"Warning: Unknown flag --{key} found in config.yaml, skipping", file=sys.stderr)
        del values[key]
    token = _token(values, "token")
    return Config(values, token, _token(values, "agent-token") or token or "", flags["equal"])


def _token(values: dict[str, Any], key: str) -> str | None:
    if key in values:
        return str(values[key])
    if f"{key}-file" not in values:
        return ""
    file = paths.ROOT / str(values[f"{key}-file"]).lstrip("/")
    return file.read_text().strip() if file.is_file() else None


def parse(text: str) -> dict[str, Any]:
    """Parse what such a file needs of YAML: scalars, and lists of scalars in block or flow style.

    Raises:
        ConfigError: There is more.
    """
    values: dict[str, Any] = {}
    key = ""
    for line in text.splitlines():
        content = line.strip()
        if not content or content.startswith("#"):
            continue
        if content.startswith("- ") and isinstance(values.get(key), list):
            values[key].append(_scalar(content[2:]))
        elif line[0] not in " -" and ":" in content:
            key, _, rest = content.partition(":")
            values[key] = _scalar(rest.strip()) if rest.strip() else []
        else:
            raise ConfigError(f"config.yaml: can't parse {content!r}")
    return values


def _scalar(text: str) -> Any:
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    try:
        return json.loads(text)
    except ValueError:
        return text
