"""Where the template is: inside of the installed wheel, or the checkout that fmc runs from.

Copier itself renders from Git. fmc renders the copy that it was released with, which is faster and needs no network,
and records the Git address and version in the answers file, so that plain `copier update` goes on from there.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from generator import __version__
from generator.errors import BadInputError
from generator.tools.git import PROGRAM, git

ENVIRONMENT_VARIABLE = "FMC_TEMPLATE_URL"
_DISTRIBUTION = "flatcar-microcloud"
# The name of the address in `[project.urls]` of pyproject.toml.
_PROJECT_URL = "Template"
# Where the wheel has it; in a checkout it lies beside the package.
_PACKAGED = Path(__file__).parents[1] / "_template"
# git-clone(1), GIT URLS; `git+` is Copier's way of saying that an address is Git's.
_ADDRESS = re.compile(r"(git\+)?(https?|ssh|git|file)://\S+|[\w.-]+@[\w.-]+:\S+")


@dataclass(frozen=True)
class TemplateSource:
    """A template that can be rendered.

    Attributes:
        root: The folder that holds copier.yml.
        url: The Git address that `copier update` asks for newer versions; "" where none is known.
        version: The tag or commit there that `root` is a copy of.
    """

    root: Path
    url: str
    version: str

    @property
    def origin(self) -> dict[str, str]:
        """What the answers file records, under the names that Copier reads; an unknown address is left out there."""
        return {"_src_path": self.url, "_commit": self.version}


def find_template(url: str | None = None) -> TemplateSource:
    """Find the template that belongs to this fmc.

    Args:
        url: The Git address to record; else FMC_TEMPLATE_URL, else that of the distribution, else the checkout itself.

    Raises:
        BadInputError: fmc is installed without its template, the address can't be recorded, or the checkout belongs
            to another user.
        ToolError: git failed in the checkout.
    """
    given = recordable(url or os.environ.get(ENVIRONMENT_VARIABLE) or "")
    root = template_root()
    if root == _PACKAGED:
        return TemplateSource(root, given or _project_url(), f"v{__version__}")
    described = _describe(root)
    return TemplateSource(root, given or (str(root) if described else ""), described or f"v{__version__}")


def template_root() -> Path:
    """Return the folder that holds copier.yml, for commands that render nothing.

    Raises:
        BadInputError: fmc is installed without its template.
    """
    checkout = _PACKAGED.parents[1]
    for root in (_PACKAGED, checkout):
        if (root / "copier.yml").is_file():
            return root
    raise BadInputError(
        f"the template is missing: there is no copier.yml in {_PACKAGED} nor in {checkout}",
        where=str(_PACKAGED),
        fix="Install flatcar-microcloud again.",
    )


def recordable(address: str) -> str:
    """Return a Git address as the answers file may hold it: without a password, and with the same meaning elsewhere.

    Raises:
        BadInputError: It holds a user name or password, or is no Git address.
    """
    if not address:
        return ""
    if Path(address).is_dir():
        return str(Path(address).absolute())
    if not _ADDRESS.fullmatch(address):
        raise BadInputError(
            f"{address!r} is no Git address, and no folder either",
            fix="Give the template's address as git knows it, like https://git.example.com/fmc.git.",
        )
    parts = urlsplit(address.removeprefix("git+"))
    if parts.password or (parts.username and parts.scheme.startswith("http")):
        raise BadInputError(
            f"the template's address holds a user name or password: {parts.scheme}://...@{parts.hostname}{parts.path}",
            fix="Leave them out: the address is committed. git asks a credential helper for them.",
        )
    return address


def _project_url() -> str:
    from importlib.metadata import metadata

    entries = metadata(_DISTRIBUTION).get_all("Project-URL") or []
    urls = dict(entry.split(", ", 1) for entry in entries)
    return str(urls.get(_PROJECT_URL, ""))


def _describe(checkout: Path) -> str:
    """Return the checkout's version as Copier records it; "" where it is no Git repository of its own with a commit.

    Without git it is "" as well: looking at a template needs none, and a command that does says so itself.
    """
    if not (checkout / ".git").exists() or shutil.which(PROGRAM) is None:
        return ""
    if git(checkout, "rev-parse", "--quiet", "--verify", "HEAD", ok=(0, 1)).code:
        return ""
    return git(checkout, "describe", "--tags", "--always").stdout.decode().strip()
