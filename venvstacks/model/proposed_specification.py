"""The text of a specification for projects that exist already."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import tomli_w
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from venvstacks.model.found_projects import FoundProject


def specification_text(
    projects: Sequence[FoundProject], python: str, platform: str, shared: Sequence[str], remark: str
) -> str:
    """The specification: a Python, a framework with what is shared, and an application for each project.

    Args:
        projects: The projects.
        python: `cpython@X.Y.Z` or `cpython@X.Y`.
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
        limits = _limits(projects[0]) if len(projects) == 1 else []  # locks of several projects may contradict
        lines += [
            "[[frameworks]]",
            'name = "libraries"',
            'runtime = "python"',
            *limits,
            f"# {remark}",
            *_listing(shared),
        ]
        lines.append("")
    base = 'frameworks = ["libraries"]' if shared else 'runtime = "python"'
    for project in projects:
        if project.launch is not None:
            lines += [*_application(project, _used(project, projects), base), ""]
    lines += ["[tool.venvstacks]", 'runtime-providers = ["standalone", "host"]', ""]
    settings = _settings(projects)
    return "\n".join(lines) + (f"\n{tomli_w.dumps({'tool': {'uv': settings}})}" if settings else "")


def _listing(requirements: Sequence[str]) -> Iterator[str]:
    yield "requirements = ["
    yield from (f"    {json.dumps(text)}," for text in requirements)
    yield "]"


def _used(project: FoundProject, projects: Sequence[FoundProject]) -> list[str]:
    """The other packages that an application gets: those that it needs, and libraries that nothing needs: plugins."""
    required = {one.name: _names(one.requirements) for one in projects}
    needed = {name for names in required.values() for name in names}
    waiting = [project.name, *(one.name for one in projects if one.launch is None and one.name not in needed)]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in required and name not in found:
            found.add(name)
            waiting += required[name]
    return [one.name for one in projects if one.is_package and one.name in found and one is not project]


def _names(requirements: Sequence[str]) -> set[str]:
    return {str(canonicalize_name(Requirement(text).name)) for text in requirements}


def _application(project: FoundProject, packages: Sequence[str], base: str) -> Iterator[str]:
    yield "[[applications]]"
    yield f"name = {json.dumps(project.name)}"
    yield base
    yield from _limits(project)
    if project.is_package:
        yield f"launch = {_launch(project.launch or '')}"
        if project.extras:
            chosen = ", ".join(project.extras)
            yield f'# with extras, if they are needed: "{project.name}[{chosen}]"'
        yield f"requirements = {json.dumps([project.name, *packages])}"
    else:
        yield f"launch_module = {json.dumps(_below(project.folder, str(project.launch)))}"
        if project.support:
            yield f"support_modules = {json.dumps([_below(project.folder, path) for path in project.support])}"
        yield f"requirements-from = [{json.dumps(_below(project.folder, project.listed_in))}]"
        if packages:
            yield f"requirements = {json.dumps(packages)}"


def _limits(project: FoundProject) -> list[str]:
    """The versions that a project was tested with, as its lock has them."""
    if project.lock is None:
        return []
    return [f"constraints-from = [{json.dumps(_below(project.folder, project.lock))}]"]


def _launch(launch: str | Mapping[str, str]) -> str:
    if isinstance(launch, str):
        return json.dumps(launch)
    return f"{{ {', '.join(f'{json.dumps(name)} = {json.dumps(target)}' for name, target in launch.items())} }}"


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
