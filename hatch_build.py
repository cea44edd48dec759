"""Build hook: puts the schemas of Kubernetes into the package, made from the package kubernetes-validate."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class SchemaBuildHook(BuildHookInterface[Any]):
    """Writes `checks/schema/data/kubernetes-<minor>.json.xz`, for a wheel and for an editable installation."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Write the files before hatchling collects what goes into the wheel."""
        if self.target_name != "wheel":
            return
        schema = Path(self.root, "generator", "checks", "schema")
        # Loaded as a file: the package itself needs libraries that a build doesn't have.
        spec = importlib.util.spec_from_file_location("bundle", schema / "bundle.py")
        if spec is None or spec.loader is None:
            raise FileNotFoundError(schema / "bundle.py")
        bundle = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(bundle)
        bundle.write_bundles(schema / "data")
