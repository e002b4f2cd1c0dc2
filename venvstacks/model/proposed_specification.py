"""The text of a specification for projects that exist already."""

from __future__ import annotations

import json
import posixpath
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
        f"python_implementation = {_string(python)}",
        "requirements = []",
        "# The platforms of your users: every package needs a wheel for each. Without this line: all six.",
        f"platforms = [{_string(platform)}]",
        "",
    ]
    if shared:
        locks = {project.lock for project in projects}
        limits = _limits(projects[0]) if len(locks) == 1 else []  # different locks may contradict each other
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
    sources = {project.name: {"path": project.folder} for project in projects if project.is_package}
    settings = found_settings(projects)
    if sources := {**settings.get("sources", {}), **sources}:
        settings["sources"] = sources
    return "\n".join(lines) + (f"\n{tomli_w.dumps({'tool': {'uv': settings}})}" if settings else "")


def _listing(requirements: Sequence[str]) -> Iterator[str]:
    yield "requirements = ["
    yield from (f"    {_string(text)}," for text in requirements)
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
    yield f"name = {_string(project.name)}"
    yield base
    yield from _limits(project)
    if project.is_package:
        yield f"launch = {_launch(project.launch or '')}"
        if project.extras:
            chosen = ", ".join(project.extras)
            yield f'# with extras, if they are needed: "{project.name}[{chosen}]"'
        yield f"requirements = {_strings([project.name, *packages])}"
    else:
        yield f"launch_module = {_string(_below(project.folder, str(project.launch)))}"
        if project.support:
            yield f"support_modules = {_strings([_below(project.folder, path) for path in project.support])}"
        listed = _string(_below(project.folder, project.listed_in))
        if project.extras:
            yield f"# with extras, if they are needed: {{ pyproject = {listed}, extras = {_strings(project.extras)} }}"
        yield f"requirements-from = [{listed}]"
        if packages:
            yield f"requirements = {_strings(packages)}"


def _limits(project: FoundProject) -> list[str]:
    """The versions that a project was tested with, as its lock has them."""
    return [f"constraints-from = {_strings([project.lock])}"] if project.lock else []


def _launch(launch: str | Mapping[str, str]) -> str:
    if isinstance(launch, str):
        return _string(launch)
    return f"{{ {', '.join(f'{_string(name)} = {_string(target)}' for name, target in launch.items())} }}"


def _string(text: str) -> str:
    """A string of TOML: that of JSON, without its pairs of escapes for one character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _strings(texts: Sequence[str]) -> str:
    return f"[{', '.join(map(_string, texts))}]"


def _below(folder: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(folder, path))


def found_settings(projects: Sequence[FoundProject]) -> dict[str, Any]:
    """Settings of uv's of all projects, with paths relative to the specification.

    Indexes, folders of wheels and sources are gathered; of anything else, the first project's counts.
    """
    settings = {key: value for project in reversed(projects) for key, value in project.uv.items()}
    gathered = {"index": _indexes(projects), "find-links": _wheel_folders(projects), "sources": _sources(projects)}
    return {key: value for key, value in (settings | gathered).items() if key not in gathered or value}


def _sources(projects: Sequence[FoundProject]) -> dict[str, Any]:
    """The sources of what the projects require."""
    found: dict[str, Any] = {}
    for project in projects:
        needed = _names(project.requirements)
        for name, choices in project.uv.get("sources", {}).items():
            if name in needed:
                moved = [_moved(project.folder, choice, "path") for choice in choices]
                found.setdefault(name, moved if len(moved) > 1 else moved[0])
    return found


def _indexes(projects: Sequence[FoundProject]) -> list[dict[str, Any]]:
    """The indexes of all projects, each name once, and only one of them the default."""
    found: dict[str, dict[str, Any]] = {}
    for project in projects:
        for index in project.uv.get("index", ()):
            entry = _moved(project.folder, index, "url")
            if any(one.get("default") for one in found.values()):
                entry.pop("default", None)
            found.setdefault(entry.get("name", entry["url"]), entry)
    return list(found.values())


def _wheel_folders(projects: Sequence[FoundProject]) -> list[str]:
    places = (_located(project.folder, place) for project in projects for place in project.uv.get("find-links", ()))
    return list(dict.fromkeys(places))


def _moved(folder: str, table: Mapping[str, Any], key: str) -> dict[str, Any]:
    """A table of a project in `folder`, with the path under `key` as the specification has to write it."""
    return {**table, key: _located(folder, table[key])} if key in table else {**table}


def _located(folder: str, place: str) -> str:
    return place if "://" in place else _below(folder, place)
