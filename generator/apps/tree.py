"""The files of an app: rendered from the template's folder lib/app/, where the tree of an app lies as it will look.

APP in a path is the app's name, and what has ENVIRONMENT in its path is rendered once for each. What renders to nothing
is no file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from generator.apps.request import App, Environment

_FOLDER = "lib/app"
_ENTRIES = "catalogue.part"
_SUFFIX = ".jinja"
FOLDERS = {"argocd": ("namespaces", "projects", "limits"), "apps": ("apps", "sources")}
"""Where an app's files lie in each part: a file of its name, or a folder."""


def app_files(
    app: App, template_root: Path, render: Callable[[str, Mapping[str, object]], str]
) -> dict[tuple[str, str], bytes]:
    """Return the files of an app, by part and path.

    Args:
        app: The app.
        template_root: The template.
        render: Renders a text with further variables.
    """
    folder = template_root / _FOLDER
    files = {}
    for source in sorted(folder.rglob(f"*{_SUFFIX}")):
        path = source.relative_to(folder).as_posix().removesuffix(_SUFFIX).replace("APP", app.name)
        part, _, below = path.partition("/")
        for environment in app.environments if "ENVIRONMENT" in path else (None,):
            text = render(source.read_text("utf-8"), _variables(app, environment))
            if text.strip():
                files[part, below.replace("ENVIRONMENT", environment.name) if environment else below] = text.encode()
    return files


def app_entries(app: App, template_root: Path, render: Callable[[str, Mapping[str, object]], str]) -> str:
    """Return the entries of an app in the catalogue of secrets, as text; "" where it has none.

    Args:
        app: The app.
        template_root: The template.
        render: Renders a text with further variables.
    """
    source = template_root / _FOLDER / _ENTRIES
    return render(source.read_text("utf-8"), _variables(app, None))


def files_there(name: str, parts: Mapping[str, Path]) -> Iterator[tuple[str, str]]:
    """Yield the files that an app of this name has, by part and path.

    Args:
        name: Name of the app.
        parts: Folder of each part.
    """
    for part, folders in FOLDERS.items():
        for folder in folders:
            place = parts[part] / folder
            found = [place / f"{name}.yaml"] if part == "argocd" else sorted((place / name).rglob("*"))
            for path in found:
                if path.is_symlink() or path.is_file():
                    yield part, path.relative_to(parts[part]).as_posix()


def _variables(app: App, environment: Environment | None) -> Mapping[str, object]:
    return {"app": app, "environments": app.environments, "environment": environment}
