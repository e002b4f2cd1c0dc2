"""The text of a specification for projects that exist already."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tomli_w

from venvstacks.model.tables import RefusedValueError

_SETTINGS = ("index", "find-links", "no-index", "exclude-newer")
"""Settings of uv's that a specification takes over from a project, since they say where packages come from."""


@dataclass(frozen=True)
class FoundProject:
    """A project with a `pyproject.toml`.

    Attributes:
        name: Normalised name, which the application gets.
        folder: Path of its folder, relative to the specification, forward slashes.
        requirements: Its dependencies (PEP 508).
        launch: What starts it: the entry point of a script, or a module.
        is_package: Whether it is built and installed; otherwise `launch` is a path in the project.
        uv: Settings of uv's that say where packages come from.
    """

    name: str
    folder: str
    requirements: tuple[str, ...]
    launch: str
    is_package: bool
    uv: Mapping[str, Any]


def read_project(document: Mapping[str, Any], folder: str, files: Iterable[str]) -> FoundProject:
    """Take from a `pyproject.toml` what a specification needs.

    Args:
        document: Its content.
        folder: Path of its folder, relative to the specification.
        files: Paths of the Python files in the folder, relative to it.

    Raises:
        RefusedValueError: It is no project with a name, or nothing says how to start it.
    """
    project, tool = _table(document, "project"), _table(_table(document, "tool"), "uv")
    name = project.get("name")
    if not isinstance(name, str) or not name:
        raise RefusedValueError("it has no [project] table with a name", "write [project] (PEP 621)")
    normalised = re.sub(r"[-_.]+", "-", name).lower()
    is_package = "build-system" in document or tool.get("package") is True
    scripts = [*_table(project, "scripts").values(), *_table(project, "gui-scripts").values()]
    dependencies = project.get("dependencies") or ()
    return FoundProject(
        name=normalised,
        folder=folder,
        requirements=tuple(text for text in dependencies if isinstance(text, str)),
        launch=str(scripts[0]) if is_package and scripts else _found_launch(normalised, set(files), is_package),
        is_package=is_package,
        uv={key: tool[key] for key in _SETTINGS if key in tool},
    )


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def _found_launch(name: str, files: set[str], is_package: bool) -> str:  # noqa: FBT001 - a fact, not a switch
    module = name.replace("-", "_")
    places = {f"{module}/__main__.py": module}
    if is_package:
        places[f"src/{module}/__main__.py"] = module
    else:
        places |= {path: path for path in ("main.py", "app.py", f"{module}.py")}
    for path, launch in places.items():
        if path in files:
            return launch
    raise RefusedValueError(
        f"nothing says how {name} is started",
        f"add [project.scripts], or {module}/__main__.py" + ("" if is_package else ", or main.py"),
    )


def specification_text(
    projects: Sequence[FoundProject], python: str, platform: str, shared: Sequence[str], remark: str
) -> str:
    """The specification: a Python, a framework with what is shared, and an application for each project.

    Args:
        projects: The projects.
        python: `cpython@X.Y.Z`.
        platform: Name of this machine's platform.
        shared: Requirements of the framework; none for no framework.
        remark: One line about them.
    """
    lines = [
        "# Proposed by `venvstacks init --from`. Layers refer to layers that are declared above them.",
        "",
        "[[runtimes]]",
        'name = "python"',
        f"python_implementation = {json.dumps(python)}",
        "requirements = []",
        "# The platforms of your users: every package needs a wheel for each. Without this line: all six.",
        f"platforms = [{json.dumps(platform)}]",
        "",
    ]
    if shared:
        lines += ["[[frameworks]]", 'name = "libraries"', 'runtime = "python"', f"# {remark}", *_listing(shared), ""]
    base = 'frameworks = ["libraries"]' if shared else 'runtime = "python"'
    for project in projects:
        lines += [*_application(project, base), ""]
    lines += ["[tool.venvstacks]", 'runtime-providers = ["standalone", "host"]', ""]
    settings = _settings(projects)
    return "\n".join(lines) + (f"\n{tomli_w.dumps({'tool': {'uv': settings}})}" if settings else "")


def _listing(requirements: Sequence[str]) -> Iterator[str]:
    yield "requirements = ["
    yield from (f"    {json.dumps(text)}," for text in requirements)
    yield "]"


def _application(project: FoundProject, base: str) -> Iterator[str]:
    yield "[[applications]]"
    yield f"name = {json.dumps(project.name)}"
    yield base
    if project.is_package:
        yield f"launch = {json.dumps(project.launch)}"
        yield f"requirements = [{json.dumps(project.name)}]"
    else:
        yield f"launch_module = {json.dumps(_below(project.folder, project.launch))}"
        yield f"requirements-from = [{json.dumps(_below(project.folder, 'pyproject.toml'))}]"


def _below(folder: str, path: str) -> str:
    return path if folder == "." else f"{folder}/{path}"


def _settings(projects: Sequence[FoundProject]) -> dict[str, Any]:
    """Uv's settings: the sources of the projects that are built, and where the first project's packages come from."""
    settings: dict[str, Any] = dict(next((project.uv for project in projects if project.uv), {}))
    if "find-links" in settings:
        folder = next(project.folder for project in projects if project.uv)
        settings["find-links"] = [
            place if "://" in place or place.startswith("/") else _below(folder, place)
            for place in settings["find-links"]
        ]
    sources = {project.name: {"path": project.folder} for project in projects if project.is_package}
    return settings | ({"sources": sources} if sources else {})
