"""Projects that are sources of packages, read from disk: their files, requirements and sources; uv's workspaces."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from venvstacks.errors import Fault, SourceError, SpecificationError
from venvstacks.model.draft import Draft
from venvstacks.model.own_packages import GitVersion, ProjectFolder, Projects
from venvstacks.model.sources import Source, Sources, parse_sources, source_of
from venvstacks.model.specification import UvTable
from venvstacks.model.toml_text import TomlError, parse_toml
from venvstacks.tools.files import path_from
from venvstacks.tools.module_files import read_project

PROJECT_FILE = "pyproject.toml"

_ASKS_GIT = frozenset({
    "dunamai", "flit-scm", "hatch-vcs", "pbr", "poetry-dynamic-versioning", "setuptools-git-versioning",
    "setuptools-scm", "uv-dynamic-versioning", "vcs-versioning", "versioneer", "versioningit",
})  # fmt: skip
"""Build requirements that take a project's version from git."""


def read_projects(
    draft: Draft, uv: UvTable, base: Path, environment: Mapping[str, str], written: Iterable[str] = ()
) -> Projects:
    """The projects that a draft names as sources, and those that these name.

    Args:
        draft: The specification.
        uv: uv's settings.
        base: Folder of the specification.
        environment: This program's environment variables, with which git is asked for the tags of a project.
        written: Folders that this stack writes, and the files that describe it; they belong to no project.

    Raises:
        SourceError: A project's folder cannot be read.
        SpecificationError: A project's `pyproject.toml` cannot be read.
    """
    waiting = [*_named(parse_sources(uv.get("sources", {}))[0]), *_references(draft)]
    members: dict[str, str] | None = None
    folders: dict[str, ProjectFolder | None] = {}
    while waiting:
        name, source = waiting.pop()
        if source.kind == "workspace":
            members = _workspace_members(base) if members is None else members
            source = Source(path=members[name]) if name in members else source
        if source.path is not None and source.path not in folders:
            found = folders[source.path] = read_project_folder(base, source, environment, written)
            waiting += _named(found.sources) if found else []
    return Projects(folders, members or {})


def _named(sources: Sources) -> list[tuple[str, Source]]:
    return [(name, source) for name, choices in sources.items() for source in choices]


def _references(draft: Draft) -> list[tuple[str, Source]]:
    """Sources that requirements name by their addresses."""
    required = [Requirement(text) for layer in draft.layers if layer.spec for text in layer.spec.requirements]
    return [(each.name, source) for each in required if (source := source_of(each)) is not None]


def read_project_folder(
    base: Path, source: Source, environment: Mapping[str, str], written: Iterable[str] = ()
) -> ProjectFolder | None:
    """The project in the folder that a source names; None where there is none.

    Args:
        base: Folder of the specification.
        source: A source with a path.
        environment: As for `read_projects`.
        written: As for `read_projects`.

    Raises:
        SourceError: The folder cannot be read.
        SpecificationError: Its `pyproject.toml` cannot be read.
    """
    path = source.path or ""
    try:
        tree = read_project(base, path, written)
    except OSError as error:
        raise SourceError(f"project {path} cannot be read: {error.strerror or error}", hint="check its name") from error
    if tree is None or not tree.is_package:
        return ProjectFolder(tree) if tree else None
    folder = os.path.normpath(f"{path}/{source.subdirectory or ''}")
    document = _read_toml(base / folder / PROJECT_FILE, f"{folder}/{PROJECT_FILE}")
    project, tool = _table(document, "project"), _table(_table(document, "tool"), "uv")
    extras = _table(project, "optional-dependencies").values()
    lines = [*_strings(project.get("dependencies")), *(line for extra in extras for line in _strings(extra))]
    sources = {
        name: tuple(inner.seen_from(folder) for inner in choices)
        for name, choices in parse_sources(tool.get("sources", {}))[0].items()
    }
    version = _git_version(base / folder, environment) if _asks_git(document) else None
    return ProjectFolder(tree, tuple(filter(_is_requirement, lines)), sources, version)


def _git_version(folder: Path, environment: Mapping[str, str]) -> GitVersion | None:
    from venvstacks.tools.git_versions import read_git_version  # noqa: PLC0415 - few projects ask git

    found = read_git_version(folder, environment)
    return GitVersion(*found) if found else None


def _asks_git(document: Mapping[str, Any]) -> bool:
    """Whether a project takes its version from git."""
    required = [text for text in _strings(_table(document, "build-system").get("requires")) if _is_requirement(text)]
    if any(canonicalize_name(Requirement(text).name) in _ASKS_GIT for text in required):
        return True
    return _table(_table(_table(document, "tool"), "pdm"), "version").get("source") == "scm"


def _is_requirement(text: str) -> bool:
    try:
        Requirement(text)
    except InvalidRequirement:  # building the project says so
        return False
    return True


def _workspace_members(base: Path) -> dict[str, str]:
    """Normalised names of the members of the uv workspace that the specification is in, with their folders."""
    for folder in (base, *base.parents):
        place = folder / PROJECT_FILE
        workspace = _table(_table(_table(_read_toml(place, place.name), "tool"), "uv"), "workspace")
        if workspace:
            return _members(base, folder, workspace)
    return {}


def _members(base: Path, root: Path, workspace: Mapping[str, Any]) -> dict[str, str]:
    left_out = _strings(workspace.get("exclude"))
    found: dict[str, str] = {}
    places = [root, *(place for glob in _strings(workspace.get("members")) for place in sorted(root.glob(glob)))]
    for place in places:
        inside = place.relative_to(root).as_posix()
        if any(fnmatchcase(inside, pattern) for pattern in left_out):
            continue
        shown = path_from(base, place)
        name = _table(_read_toml(place / PROJECT_FILE, f"{shown}/{PROJECT_FILE}"), "project").get("name")
        if isinstance(name, str):
            found.setdefault(str(canonicalize_name(name)), shown)
    return found


def _read_toml(place: Path, shown: str) -> dict[str, Any]:
    """A TOML document; empty where there is none, since a project may do without."""
    if not place.is_file():
        return {}
    try:
        return parse_toml(place.read_text("utf-8-sig"))
    except TomlError as error:
        raise SpecificationError(shown, (Fault(str(error), error.line),)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SpecificationError(shown, (Fault(f"cannot be read: {error}"),)) from None


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def _strings(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
