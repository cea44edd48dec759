"""The pipelines of the forges as data: which lines run for a push and for a request to merge, with which variables."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FORGES = ("github", "gitlab", "gitea")
LAYOUTS = ("infra", "argocd", "apps", "monorepo")
ANSWERS: dict[str, Any] = {
    **yaml.safe_load((ROOT / "examples/ha.yaml").read_text()),
    "pipeline": {"wait": "rollout", "notify": "webhook"},
}
# It runs whatever became of what ran before.
_ALWAYS = ("!cancelled()", "always()")


@dataclass(frozen=True)
class Line:
    """What a pipeline has a shell do.

    Attributes:
        run: The line, or several.
        env: Its own variables, as they stand there.
        always: Whether it runs after something failed.
        only: The result for which alone it runs; "" for both.
    """

    run: str
    env: dict[str, str] = field(default_factory=dict)
    always: bool = False
    only: str = ""


def files(root: Path) -> list[Path]:
    """Return the files of a rendered repository that a forge reads."""
    patterns = (
        ".github/workflows/*",
        ".gitea/workflows/*",
        ".gitlab-ci.yml",
        "ci/*.gitlab-ci.yml",
        "*/ci/*.gitlab-ci.yml",
    )
    return sorted(path for pattern in patterns for path in root.glob(pattern))


def read(path: Path) -> dict[str, Any]:
    """Return a file of a pipeline."""
    return dict(yaml.safe_load(path.read_text()))


def lines(root: Path, forge: str, *, request: bool) -> list[Line]:
    """Return what the pipeline of the apps does, in order.

    Args:
        root: The rendered repository.
        forge: Whose pipeline it is.
        request: For a request to merge; else for a push to the branch that is rolled out.
    """
    if forge == "gitlab":
        return _of_gitlab(root, request)
    workflow = read(root / f".{forge}/workflows/apps.yml")
    steps = workflow["jobs"]["try" if request else "deliver"]["steps"]
    return [
        Line(step["run"], step.get("env", {}), any(word in step.get("if", "") for word in _ALWAYS))
        for step in steps
        if "run" in step
    ]


def _of_gitlab(root: Path, request: bool) -> list[Line]:
    (child,) = [path for path in files(root) if path.name == "apps.gitlab-ci.yml"]
    document = read(root / ".gitlab-ci.yml" if request else child)
    template = document[".try" if request else ".step"]
    found = []
    for stage in document["stages"]:
        for job in document.values():
            if (
                isinstance(job, dict)
                and job.get("stage") == stage
                and "script" in job
                and "ci/check" not in job["script"]
            ):
                when = (job.get("rules") or template["rules"])[0].get("when", "")
                only = {"on_success": "success", "on_failure": "failure"}.get(when, "")
                script = [line for line in job["script"] if not line.startswith("cd ")]
                found.append(
                    Line(
                        "\n".join(script),
                        {**document["variables"], **job.get("variables", {}), **_scoped(job)},
                        bool(when),
                        only,
                    )
                )
    return found


def _scoped(job: dict[str, Any]) -> dict[str, str]:
    """Return the variables that GitLab gives a job by the name of its environment, as README.md has people set them."""
    scope = job.get("environment", {}).get("name", "")
    return {name: f"${{{{ secrets.{name} }}}}" for name in SCOPES.get(scope, ())}


SCOPES = {
    "ci/build": ("REGISTRY_LOGIN",),
    "ci/scan": ("REGISTRY_LOGIN",),
    "ci/deploy": ("FMC_GIT_TOKEN", "FMC_GIT_USER"),
    "ci/wait": ("ARGOCD_TOKEN",),
    "ci/notify": ("NOTIFY_URL",),
}
