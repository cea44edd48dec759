"""Where people open a pull request: what the server says, else what the forges' addresses look like."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

# user@host:path (git-clone(1), GIT URLS)
_SCP = re.compile(r"(?:[^@/]+@)?([^/:]+):(?!/)(.+)")


def address_of_request(url: str, base: str, branch: str, said: str = "") -> str:
    """Return the page where a pull request of a branch is opened; "" where nobody can know.

    Args:
        url: The remote.
        base: The branch that it is to be merged into.
        branch: The branch that was pushed.
        said: What the server said during the push.
    """
    told = re.search(r"https?://\S+", said)
    if told:
        return told[0]
    scp = _SCP.fullmatch(url) if "://" not in url else None
    parts = urlsplit(f"ssh://{scp[1]}/{scp[2]}" if scp else url)
    if parts.scheme not in ("https", "http", "ssh") or not parts.hostname:
        return ""
    # The port of ssh is not the one of the pages.
    port = f":{parts.port}" if parts.port and parts.scheme != "ssh" else ""
    scheme = "http" if parts.scheme == "http" else "https"
    path = parts.path.removesuffix(".git")
    project = f"{scheme}://{parts.hostname}{port}{path}"
    if "gitlab" in parts.hostname:
        source, target = quote(branch, safe=""), quote(base, safe="")
        names = f"merge_request%5Bsource_branch%5D={source}&merge_request%5Btarget_branch%5D={target}"
        return f"{project}/-/merge_requests/new?{names}"
    # GitHub, Gitea and Forgejo agree.
    return f"{project}/compare/{quote(base)}...{quote(branch)}"
