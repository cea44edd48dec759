"""Build hook: puts the schemas of Kubernetes into the package, made from the package kubernetes-validate."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class SchemaBuildHook(BuildHookInterface[Any]):
    """Writes `generator/checks/schemas/kubernetes-<minor>.json.xz`, for a wheel and for an editable installation."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Write the files before hatchling collects what goes into the wheel."""
        if self.target_name != "wheel":
            return
        checks = Path(self.root, "generator", "checks")
        # Loaded as a file: the package itself needs libraries that a build doesn't have.
        spec = importlib.util.spec_from_file_location("bundle", checks / "bundle.py")
        if spec is None or spec.loader is None:
            raise FileNotFoundError(checks / "bundle.py")
        bundle = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(bundle)
        bundle.write_bundles(checks / "schemas")
