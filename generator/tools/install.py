"""fmc's own folder for external programs, and kubeconform put into it.

It comes at a pinned version: built by Go where Go is there, else out of its release. Go writes into a program which
modules it was built from, with the hash of each one's content; those hashes are pinned here, and so is the SHA-256 of
each archive of the release, so that the result is what was tested wherever it came from.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from generator.errors import ToolError
from generator.files import write_error
from generator.tools.command import Command

if TYPE_CHECKING:
    from collections.abc import Mapping

MODULE = "github.com/yannh/kubeconform"
VERSION = "v0.8.0"
CONTENT = {
    MODULE: (VERSION, "h1:loDYd3a3spjIFrauqW67CDKF55Oo9R6uvC8AvpVd4ug="),
    "github.com/hashicorp/go-cleanhttp": ("v0.5.2", "h1:035FKYIWjmULyFRBKPs8TBQoi0x6d9G4xc9neXJWAZQ="),
    "github.com/hashicorp/go-retryablehttp": ("v0.7.8", "h1:ylXZWnqa7Lhqpk0L1P1LzDtGcCR0rPVUrx/c8Unxc48="),
    "github.com/santhosh-tekuri/jsonschema/v6": ("v6.0.2", "h1:KRzFb2m7YtdldCEkzs6KqmJw4nqEVZGK7IN2kJkjTuQ="),
    "go.yaml.in/yaml/v2": ("v2.4.4", "h1:tuyd0P+2Ont/d6e2rl3be67goVK4R6deVxCUX5vyPaQ="),
    "golang.org/x/text": ("v0.37.0", "h1:Cqjiwd9eSg8e0QAkyCaQTNHFIIzWtidPahFWR83rTrc="),
    "k8s.io/kube-openapi": (
        "v0.0.0-20260603220949-865597e52e25",
        "h1:mPMaPMpBij2V1Wv/fR+HW124vVGXXvOSS9ver/9yjWs=",
    ),
    "k8s.io/utils": ("v0.0.0-20260210185600-b8788abfbbc2", "h1:AZYQSJemyQB5eRxqcPky+/7EdBj0xi3g0ZcxxJ7vbWU="),
    "sigs.k8s.io/yaml": ("v1.6.0", "h1:G8fkbMSAFqgEFgh4b1wmtzDnioxFCUgTZhlbj5P9QYs="),
}
"""Version and content hash (Go's `h1:`, the SHA-256 over all files) of each module inside of the program."""

RELEASES = f"https://{MODULE}/releases/download"
ARCHIVES = {
    "linux-amd64": "9bc2bffbf71f261128533edaf912153948b7ff238f9a531ae6d34466ec287883",
    "linux-arm64": "1f53fc8e81258197a35e8603054162a5af1de8c5af13746c71ab680d9534ed87",
}
"""SHA-256 of the release's archive for each kind of machine."""

ENVIRONMENT_VARIABLE = "FMC_TOOLS_DIR"
_BUILD_SECONDS = 600.0
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # what the kernel calls them: what Go does


class InstallError(ToolError):
    """A program can't be installed."""


class BuildError(ToolError):
    """Go can't build a program, e.g. because it is too old."""


def tools_folder() -> Path:
    """Return fmc's own folder for programs: $FMC_TOOLS_DIR, by default `~/.cache/fmc/tools`."""
    given = os.environ.get(ENVIRONMENT_VARIABLE)
    return Path(given) if given else Path.home() / ".cache" / "fmc" / "tools"


def find_tool(name: str) -> Path | None:
    """Return a program out of fmc's own folder, or else from PATH; None if it is in neither."""
    found = shutil.which(name, path=str(tools_folder())) or shutil.which(name)
    return Path(found) if found else None


def install_kubeconform(releases: str = RELEASES, archives: Mapping[str, str] = ARCHIVES) -> Path:
    """Put kubeconform into fmc's own folder, replacing the one that is there.

    Args:
        releases: URL below which a release's archives are, by version.
        archives: SHA-256 of the archive for each kind of machine.

    Returns:
        The program.

    Raises:
        ToolError: It can neither be built nor downloaded, or its content is not what is pinned.
        WriteError: The disk refused.
    """
    environment = {"CGO_ENABLED": "0", "GOFLAGS": "-trimpath"}
    go = Command("go", timeout=_BUILD_SECONDS, error=BuildError, environment=environment)
    target = tools_folder() / "kubeconform"
    if go.find() is None:
        _download(target, releases, archives)
        return target
    try:
        _build(go, target)
    except BuildError as build:
        try:
            _download(target, releases, archives)
        except ToolError as error:
            message = f"{build.message}\nkubeconform can't be had from its release either: {error.message}"
            raise InstallError(message, where=error.where, fix=error.fix) from error
    return target


def _build(go: Command, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".kubeconform.") as folder:
            stamp = f"-ldflags=-X=main.version={VERSION}"
            go.run(["install", stamp, f"{MODULE}/cmd/kubeconform@{VERSION}"], environment={"GOBIN": folder})
            built = Path(folder, "kubeconform")
            verify(go.run(["version", "-m", str(built)]).stdout.decode())
            built.replace(target)
    except OSError as error:
        raise write_error(target, error) from error


def _download(target: Path, releases: str, archives: Mapping[str, str]) -> None:
    # Imported on use: every check imports this module, and few need what HTTPS takes to load.
    from generator.tools.download import download_program

    system = os.uname()
    kind = f"{system.sysname.lower()}-{_ARCHITECTURES.get(system.machine, system.machine)}"
    if kind not in archives:
        raise InstallError(
            f"kubeconform {VERSION} can be downloaded for {' and '.join(archives)}, and this machine is {kind}",
            fix=f"Install Go 1.26 or newer and run the same command again, or put kubeconform {VERSION} on PATH; "
            "without it, fmc checks by itself.",
        )
    download_program(f"{releases}/{VERSION}/kubeconform-{kind}.tar.gz", archives[kind], target)


def verify(description: str) -> None:
    """Compare what a program was built from with what is pinned.

    Args:
        description: What `go version -m` says about the program.

    Raises:
        InstallError: A module is missing, another one, or its content differs.
    """
    lines = (line.split() for line in description.splitlines())
    # `=>` says that other content took the place of the module in the line above.
    found = {line[1]: tuple(line[2:]) for line in lines if len(line) > 1 and line[0] in ("mod", "dep", "=>")}
    different = sorted(name for name in CONTENT.keys() | found.keys() if CONTENT.get(name) != found.get(name))
    if different:
        raise InstallError(
            f"kubeconform was built from something else than {VERSION}: {', '.join(different)}; it was thrown away",
            fix="Look at GOPROXY and GONOSUMDB: modules came with other content than the public ones.",
        )
