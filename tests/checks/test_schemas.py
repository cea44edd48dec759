"""The schemas: complete, strict, made without a network, and the same wherever they come from."""

from __future__ import annotations

import json
import lzma
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from generator.checks.schema import bundle, schemas
from generator.checks.schema.schemas import Schemas, load_schemas, minor_for
from generator.errors import FmcError

ROOT = Path(__file__).parents[2]
OWN = sorted((ROOT / "generator/checks/schema/data").glob("*.json"))


@pytest.mark.parametrize("minor", bundle.MINORS)
def test_every_schema_can_be_used(minor: str) -> None:
    loaded = load_schemas(minor)
    assert len(loaded.kinds) > 90
    for key in loaded.kinds:
        api_version, kind = key.split(" ")
        validator = jsonschema_rs.Draft202012Validator(loaded.of(api_version, kind))
        assert not validator.is_valid({"apiVersion": api_version, "kind": kind, "metadata": {}, "unknown": 1})
        assert not validator.is_valid({"apiVersion": "other/v1", "kind": kind, "metadata": {"name": "a"}})


def test_what_the_template_renders_has_schemas() -> None:
    loaded = load_schemas(bundle.MINORS[-1])
    for key in (
        "apps/v1 Deployment",
        "argoproj.io/v1alpha1 Application",
        "argoproj.io/v1alpha1 ApplicationSet",
        "argoproj.io/v1alpha1 AppProject",
        "admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy",
        "bitnami.com/v1alpha1 SealedSecret",
        "cert-manager.io/v1 Certificate",
        "cert-manager.io/v1 ClusterIssuer",
        "trust.cert-manager.io/v1alpha1 Bundle",
        "monitoring.coreos.com/v1 PodMonitor",
        "monitoring.coreos.com/v1 Probe",
        "monitoring.coreos.com/v1 PrometheusRule",
        "monitoring.coreos.com/v1 ServiceMonitor",
        "monitoring.coreos.com/v1alpha1 ScrapeConfig",
        "networking.k8s.io/v1 NetworkPolicy",
        "traefik.io/v1alpha1 IngressRoute",
        "traefik.io/v1alpha1 Middleware",
        "v1 Namespace",
        "v1 Service",
    ):
        assert loaded.has(*key.split(" "))


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_our_own_schemas_are_closed(path: Path) -> None:
    loaded = load_schemas(bundle.MINORS[-1])
    names = [name for name in loaded.definitions if name.startswith(f"{path.stem}.")]
    assert names
    for name in names:
        for schema in _objects(loaded.definitions[name]):
            assert schema["additionalProperties"] is False
            assert schema["type"] == "object"


def _objects(schema: Any) -> list[dict[str, Any]]:
    """Return all schemas of objects with listed fields inside of one."""
    if isinstance(schema, list):
        return [found for item in schema for found in _objects(item)]
    if not isinstance(schema, dict):
        return []
    own = [schema] if isinstance(schema.get("properties"), dict) else []
    return own + [found for key, item in schema.items() if key != "enum" for found in _objects(_values(key, item))]


def _values(key: str, item: Any) -> Any:
    return list(item.values()) if key == "properties" else item


def test_kubernetes_schemas_are_strict_everywhere() -> None:
    loaded = load_schemas(bundle.MINORS[-1])
    opened = {
        name
        for name in loaded.definitions
        for schema in _objects(loaded.definitions[name])
        if schema.get("additionalProperties") is not False
    }
    assert not opened


@pytest.mark.parametrize(
    ("version", "minor", "exact"),
    [
        ("v1.36.4+k3s1", "1.36", True),
        ("1.34", "1.34", True),
        ("v1.35.0-rc.1", "1.35", True),
        ("v1.99.0", "1.36", False),
        ("1.20.1", "1.34", False),
        ("latest", "1.36", False),
    ],
)
def test_a_version_gets_the_schemas_nearest_to_it(version: str, minor: str, exact: bool) -> None:
    assert minor_for(version) == (minor, exact)


def test_a_bundle_is_small_and_always_the_same() -> None:
    made = bundle.make_bundle("1.36")
    assert made == bundle.make_bundle("1.36")
    assert len(made) < 40_000
    content = json.loads(lzma.decompress(made))
    assert content["kubernetes"] == "1.36"
    assert "description" not in content["definitions"][content["kinds"]["v1 ConfigMap"]]


def test_an_unknown_version_is_no_bundle() -> None:
    with pytest.raises(LookupError, match=r"no schemas of Kubernetes 1\.99"):
        bundle.make_bundle("1.99")


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout without bundles, with an empty cache, whose folder is returned."""
    folder = tmp_path / "schemas"
    folder.mkdir()
    for path in OWN:
        shutil.copy(path, folder)
    monkeypatch.setattr(schemas, "_FOLDER", folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    load_schemas.cache_clear()
    return tmp_path / "cache" / "fmc" / "schemas" / bundle.bundle_name("1.36")


@pytest.fixture(autouse=True)
def forget() -> Any:
    """Leave no schemas of one test to the next."""
    yield
    load_schemas.cache_clear()


def test_a_checkout_makes_them_once_and_keeps_them_in_the_cache(bare: Path) -> None:
    first = load_schemas("1.36")
    assert bare.read_bytes() == bundle.make_bundle("1.36")
    load_schemas.cache_clear()
    bare.write_bytes(_with_another_kind(bare))
    assert load_schemas("1.36").has("example.com/v1", "Extra")
    assert not first.has("example.com/v1", "Extra")


def _with_another_kind(path: Path) -> bytes:
    content = json.loads(lzma.decompress(path.read_bytes()))
    content["kinds"]["example.com/v1 Extra"] = content["kinds"]["v1 ConfigMap"]
    return lzma.compress(json.dumps(content).encode())


@pytest.mark.parametrize("damage", [b"", b"no archive", lzma.compress(b"{}"), lzma.compress(b'{"format": 0}')])
def test_a_damaged_or_older_cache_is_made_anew(bare: Path, damage: bytes) -> None:
    bare.parent.mkdir(parents=True)
    bare.write_bytes(damage)
    assert load_schemas("1.36").has("v1", "Service")
    assert bare.read_bytes() == bundle.make_bundle("1.36")


def test_a_cache_that_can_not_be_written_is_no_obstacle(bare: Path) -> None:
    bare.parents[2].mkdir(parents=True)
    bare.parents[1].write_text("a file where a folder should be")
    assert load_schemas("1.36").has("v1", "Service")


def test_an_installation_without_schemas_says_so(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def find_nothing(_name: str) -> None:
        return None

    monkeypatch.setattr("importlib.util.find_spec", find_nothing)
    with pytest.raises(FmcError, match=r"no schemas of Kubernetes 1\.36") as caught:
        load_schemas("1.36")
    assert caught.value.fix


def test_the_build_puts_them_into_the_wheel(tmp_path: Path) -> None:
    source = tmp_path / "source"
    schema = source / "generator" / "checks" / "schema"
    schema.mkdir(parents=True)
    for name in ("hatch_build.py", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, source)
    text = (ROOT / "pyproject.toml").read_text()
    # The template is large, and not what this is about.
    head, _, tail = text.partition("[tool.hatch.build.targets.wheel.force-include]")
    (source / "pyproject.toml").write_text(head + "[" + tail.partition("\n[")[2])
    shutil.copy(ROOT / "generator/__init__.py", source / "generator")
    shutil.copy(ROOT / "generator/checks/schema/bundle.py", schema)
    shutil.copytree(ROOT / "generator/checks/schema/data", schema / "data", ignore=shutil.ignore_patterns("*.xz"))
    # As git would: the bundles are ignored, and have to get in all the same.
    (source / ".gitignore").write_text("/generator/checks/schema/data/kubernetes-*.json.xz\n")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for minor in bundle.MINORS:
            assert archive.read(f"generator/checks/schema/data/{bundle.bundle_name(minor)}") == bundle.make_bundle(
                minor
            )


def test_the_nearest_kind_is_found(forget: None) -> None:
    loaded: Schemas = load_schemas("1.36")
    assert loaded.nearest("extensions/v1beta1", "Ingress") == "networking.k8s.io/v1 Ingress"
    assert loaded.nearest("apps/v1", "Deploymnet") == "apps/v1 Deployment"
    assert loaded.nearest("example.com/v1", "Whatever") == ""
