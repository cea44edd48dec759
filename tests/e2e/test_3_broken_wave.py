"""What is broken in a lower wave holds the later ones; a fix in Git lets them go on, without hands.

Four faults at a time, each below a root of its own that is the product's but for name and folder.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.applications import applications, complaints, wait_until_done
from tests.e2e.bed.waiting import wait_for
from tests.e2e.probe import NAMESPACE, Manifest, child_of, config_map, dump, root_of, write
from tests.e2e.rollout import Rollout
from tests.e2e.user import User

ATTEMPTS = 2
"""Failed ones of each root, or of the Application that it waits for, before the fix: a retry knows what is there."""
RECOVERS_IN = 300
_CHART = {"chart": "probe", "helm": {"releaseName": "low-chart", "valuesObject": {"deployment": {"enabled": True}}}}
Files = dict[Path, str | None]


@dataclass(frozen=True)
class Fault:
    """A fault in the lower of two waves.

    Attributes:
        name: Of the case.
        says: A part of what Argo CD says of it.
        broken: The lower Application and its files.
        fixed: The same after the fix.
    """

    name: str
    says: str
    broken: Callable[[User], tuple[Manifest, Files]]
    fixed: Callable[[User], tuple[Manifest, Files]]


def _folder(name: str) -> str:
    return f"probe/{name}/low"


def _plain(name: str, *manifests: Manifest) -> Callable[[User], tuple[Manifest, Files]]:
    return lambda user: (
        child_of(user, f"low-{name}", -3, path=_folder(name)),
        write(_folder(name), objects=dump(*manifests)),
    )


def _chart(version: str) -> Callable[[User], tuple[Manifest, Files]]:
    def files(user: User) -> tuple[Manifest, Files]:
        mirror = user.yaml("argocd", "versions.yaml")["charts"]["traefik"]["repository"]
        return child_of(user, "low-chart", -3, repoURL=mirror, targetRevision=version, **_CHART), {}

    return files


def _sealed(certificate: Callable[[User], Path]) -> Callable[[User], tuple[Manifest, Files]]:
    def files(user: User) -> tuple[Manifest, Files]:
        plain = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "probe", "namespace": NAMESPACE},
            "stringData": {"key": "no secret"},
        }
        text = user.do("kubeseal", "--format=yaml", f"--cert={certificate(user)}", stdin=json.dumps(plain))
        return child_of(user, "low-seal", -3, path=_folder("seal")), write(_folder("seal"), objects=text)

    return files


def _foreign_certificate(user: User) -> Path:
    path = user.workspace / "foreign.pem"
    if not path.exists():
        make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=foreign", "-days", "2"]
        user.do(*make, "-keyout", "/dev/null", "-out", str(path))
    return path


def _kustomization(resource: str) -> Callable[[User], tuple[Manifest, Files]]:
    def files(user: User) -> tuple[Manifest, Files]:
        folder = _folder("manifest")
        return child_of(user, "low-manifest", -3, path=folder), write(
            folder, kustomization=dump({"resources": [resource]}), present=dump(config_map("low-manifest"))
        )

    return files


_UNKNOWN = {"apiVersion": "nowhere.example/v1", "kind": "Nothing", "metadata": {"name": "nothing"}}
FAULTS = [
    Fault("chart", "not found", _chart("9.9.9"), _chart("1.0.0")),
    Fault("manifest", "absent.yaml", _kustomization("absent.yaml"), _kustomization("present.yaml")),
    Fault("kind", "nowhere.example", _plain("kind", _UNKNOWN), _plain("kind", config_map("low-kind"))),
    Fault(
        "seal",
        "Degraded",
        _sealed(_foreign_certificate),
        _sealed(lambda user: user.workspace / "argocd/secrets/sealing-cert.pem"),
    ),
]


@dataclass
class Course:
    """What became of the faults: who was where while they lasted, and how long each took after its fix."""

    held: dict[str, str]
    recovered: dict[str, float]


@pytest.fixture(scope="module")
def course(rollout: Rollout, evidence: Callable[[str], None]) -> Iterator[Course]:
    user, api = rollout.user, rollout.bed.api
    rollout.bed.charts.publish({"probe": "1.0.0"})
    files: Files = {}
    for fault in FAULTS:
        low, low_files = fault.broken(user)
        high = child_of(user, f"high-{fault.name}", 0, path=f"probe/{fault.name}/high")
        files |= write(f"probe/{fault.name}/applications", low=dump(low), high=dump(high)) | low_files
        files |= write(f"probe/{fault.name}/high", objects=dump(config_map(f"high-{fault.name}")))
    user.commit("argocd", "Four faults", files)
    for fault in FAULTS:
        root = root_of(user, f"root-{fault.name}", f"probe/{fault.name}/applications")
        user.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(root))
    lower, higher = ({f"{wave}-{fault.name}" for fault in FAULTS} for wave in ("low", "high"))
    wait_for("the lower Applications", lambda: lower <= set(applications(api)), report=rollout.report)
    begin = time.monotonic()

    def all_failed_again() -> bool:
        present = applications(api)
        assert not higher & set(present), f"after {time.monotonic() - begin:.1f} s"
        tried = {name: item.get("status", {}).get("operationState", {}) for name, item in present.items()}
        return all(
            max(tried[f"{each}-{fault.name}"].get("retryCount", 0) for each in ("root", "low")) >= ATTEMPTS
            for fault in FAULTS
        )

    wait_for(f"{ATTEMPTS} failed attempts of each", all_failed_again, timeout=120, report=rollout.report)
    evidence(f"four faults held their higher waves during {ATTEMPTS} attempts, {time.monotonic() - begin:.0f} s")
    present = applications(api)
    held = {fault.name: json.dumps(present[f"low-{fault.name}"].get("status")) for fault in FAULTS}
    sealed = api.get("SealedSecret", NAMESPACE, "probe")
    assert sealed is not None
    refused = sealed["status"]["conditions"][0]["message"]
    assert "no key could decrypt secret" in refused
    evidence(f"the controller says: {refused}")
    files = {}
    for fault in FAULTS:
        low, low_files = fault.fixed(user)
        files |= write(f"probe/{fault.name}/applications", low=dump(low)) | low_files
    revisions = {user.url("argocd"): user.commit("argocd", "Four fixes", files)}
    begin = time.monotonic()
    recovered: dict[str, float] = {}
    for fault in FAULTS:
        names = [f"{each}-{fault.name}" for each in ("low", "high", "root")]
        wait_until_done(rollout.bed, names, revisions, timeout=RECOVERS_IN)
        recovered[fault.name] = time.monotonic() - begin
    yield Course(held, recovered)
    names = [f"{each}-{fault.name}" for fault in FAULTS for each in ("root", "low", "high")]
    user.kubectl("-n", "argocd", "delete", "applications", *names)
    # No Application reads it any more.
    folder = user.workspace / "argocd"
    left = {path.relative_to(folder): None for path in (folder / "probe").rglob("*.yaml")}
    user.commit("argocd", "No faults", left)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_broken_lower_wave_holds_the_later_ones(
    course: Course, fault: Fault, evidence: Callable[[str], None]
) -> None:
    status = json.loads(course.held[fault.name])
    assert complaints({"spec": {"source": {"repoURL": ""}}, "status": status}, {}) != []
    assert fault.says in course.held[fault.name]
    messages = [condition["message"] for condition in status.get("conditions", [])]
    messages.append(status.get("operationState", {}).get("message", ""))
    evidence(f"{fault.name}: {'; '.join(filter(None, messages))[:150] or status['health']}")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fix_in_git_lets_them_go_on(
    rollout: Rollout, course: Course, fault: Fault, evidence: Callable[[str], None]
) -> None:
    assert rollout.bed.api.get("ConfigMap", NAMESPACE, f"high-{fault.name}") is not None
    evidence(f"{fault.name}: done {course.recovered[fault.name]:.0f} s after the fix")
