"""Every secret of the catalogue replaced one after the other; `test_3_rotation.py` judges what was seen."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from generator.secrets.catalogue.model import Constant, Form, Generator
from tests.e2e.bed.waiting import wait_for
from tests.e2e.doors import ARGOCD, is_in, log_in
from tests.e2e.rotation import Rotation, catalogue_of, moment_of, rotate, vault_of

if TYPE_CHECKING:
    from generator.secrets.catalogue.model import Secret
    from tests.e2e.rollout import Rollout

GIT, OWN = "argocd/git-credentials", "hello-production/builder"
BAD_INPUT = 2
_OVERLAY = Path("apps/hello/overlays/production")
_ENTRY = """secrets:
  - namespace: hello-production
    name: builder
    description: Key with which the builder reads a repository elsewhere
    consumers:
      - Deployment/builder
    revision_key: true
    values:
      key: {generator: ssh-key, comment: builder}
    data:
      sshPrivateKey: {from: key, as: private}
"""
_BUILDER = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: builder
  labels: {app.kubernetes.io/name: builder}
spec:
  replicas: 1
  selector:
    matchLabels: {app.kubernetes.io/name: builder}
  template:
    metadata:
      labels: {app.kubernetes.io/name: builder}
      annotations:
        flatcar-microcloud.local/restart-with: "hello-production/builder=initial"
    spec:
      automountServiceAccountToken: false
      securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: builder
          image: hello
          env:
            - name: BUILDER_REVISION
              valueFrom: {secretKeyRef: {name: builder, key: builder.initial}}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
          resources:
            requests: {cpu: 10m, memory: 32Mi}
            limits: {memory: 96Mi}
"""


@dataclass
class Course:
    """What came of the entries.

    Attributes:
        rotations: Of each entry that can be replaced, by `namespace/name`.
        refused: What fmc said of the others.
        step: The first of the two steps of a key: the rotation, and whether its Secret stayed what it was.
        session: Whether a session of before was still one when Argo CD's password had been replaced.
        token: How often Argo CD came with the Git token of before and with the new one, from the moment on at which
            the one of before was revoked.
    """

    rotations: dict[str, Rotation] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    step: tuple[Rotation, bool] | None = None
    session: bool | None = None
    token: tuple[int, int] | None = None


def add_an_entry_of_ones_own(rollout: Rollout) -> None:
    """Add a key whose other half is elsewhere, and a workload that restarts with it: the answers of the bed have none.

    The steps are those of `catalogue.user.yaml` and of the runbook `rotate-a-secret.md`.
    """
    user = rollout.user
    catalogue = user.workspace / "argocd/secrets/catalogue.user.yaml"
    catalogue.write_text(catalogue.read_text().replace("secrets: []\n", _ENTRY))
    user.do("fmc", "seal")
    user.commit("argocd", "A key for the builder", {})
    path = _OVERLAY / "kustomization.yaml"
    text = (user.workspace / "apps" / path).read_text().replace("resources:\n", "resources:\n  - builder.yaml\n", 1)
    user.commit("apps", "A builder", {_OVERLAY / "builder.yaml": _BUILDER, path: text})
    rollout.wait_until_done()


def rotate_each(rollout: Rollout) -> Course:
    """Replace each entry of the catalogue, one after the other.

    Raises:
        BedError: A command failed, or the cluster did not get what it pushed.
    """
    course = Course()
    for secret in catalogue_of(rollout).secrets:
        if is_left_alone(secret):
            done = rollout.user.run("fmc", "rotate", secret.id)
            assert done.code == BAD_INPUT, done.all
            course.refused[secret.id] = done.err
        elif secret.id == OWN:
            before = moment_of(rollout, OWN)
            course.step = rotate(rollout, OWN), moment_of(rollout, OWN) == before
            course.rotations[OWN] = rotate(rollout, OWN, "--registered")
        elif secret.id == GIT:
            _replace_the_git_token(rollout, course)
        elif secret.id == ARGOCD:
            session = log_in(vault_of(rollout).values[ARGOCD]["admin"].secret.reveal().decode())
            assert is_in(session)
            course.rotations[ARGOCD] = rotation = rotate(rollout, ARGOCD)
            wait_for("the new password", partial(log_in, rotation.password(ARGOCD, "admin")[1]))
            course.session = is_in(session)
        else:
            issued = {value.env: _issue(secret) for value in secret.values.values() if value.env}
            course.rotations[secret.id] = rotate(rollout, secret.id, environment=issued)
    return course


def is_left_alone(secret: Secret) -> bool:
    """Return whether an entry is one that nothing can replace: it holds no value, or the cluster's authority."""
    return not secret.values or any(value.generator is Generator.AUTHORITY for value in secret.values.values())


def _issue(secret: Secret) -> str:
    """Return what somebody else issues: another value, of the form that its readers need."""
    text = secrets.token_urlsafe(24)
    forms = {datum.form for datum in secret.data.values() if not isinstance(datum, Constant)}
    return f"robot:{text}" if Form.DOCKERCONFIGJSON in forms else text


def _replace_the_git_token(rollout: Rollout, course: Course) -> None:
    """Issue another token first, give it to `fmc rotate`, and revoke the one of before when Argo CD has delivered."""
    forge = rollout.bed.forge
    old = forge.read_token
    new = forge.issue()
    course.rotations[GIT] = rotate(rollout, GIT, stdin=new)
    wait_for("Argo CD to come with the new token", lambda: forge.asked_with(new), report=rollout.report)
    forge.revoke(old)
    before = forge.asked_with(old), forge.asked_with(new)
    wait_for("another fetch", lambda: forge.asked_with(new) > before[1], report=rollout.report)
    course.token = forge.asked_with(old) - before[0], forge.asked_with(new) - before[1]
