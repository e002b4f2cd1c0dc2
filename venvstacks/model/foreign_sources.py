"""Where another project takes its packages from: its `[tool.uv.sources]`, those of its workspace, Poetry's, locks.

A name that such a file sends to a private index, a path or a repository must never be taken from a public index in
its place. The tables are read here; locking compares them with what it chooses (`locking.source_check`).
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

from packaging.markers import InvalidMarker
from packaging.utils import canonicalize_name

from venvstacks.model.markers import holds
from venvstacks.urls import without_logins, without_secrets

_BUILD_IT_HINT = (
    "name its source in [tool.uv.sources] of the specification, or build its wheel and lock with --local-wheels DIR, "
    "or assign it to an index with package_indexes"
)
_OR = "or build its wheel and lock with --local-wheels DIR"
_KINDS = ("path", "git", "url", "workspace")


@dataclass(frozen=True)
class ForeignSource:
    """Where one file takes one package from.

    Attributes:
        name: Normalised name of the package.
        place: The source in words, e.g. `index 'ours' (https://host/simple)`.
        cure: What to write in the specification, or do, so that the package comes from there.
        marker: The marker (PEP 508) under which this holds; empty: always.
    """

    name: str
    place: str
    cure: str = _BUILD_IT_HINT
    marker: str = ""

    def holds(self, environment: Mapping[str, str]) -> bool:
        """Whether it holds where markers have these values; a marker that cannot be read always does."""
        try:
            return not self.marker or holds(self.marker, {**environment, "extra": ""})
        except InvalidMarker:
            return True


@dataclass(frozen=True)
class LockedFile:
    """A file of a package that another tool's lock lists.

    Attributes:
        name: Normalised name of the package.
        version: Its version.
        file: The file's name.
        sha256: Its hash; empty where the lock has none.
        host: The host that the lock takes it from; empty where the lock names none.
    """

    name: str
    version: str
    file: str
    sha256: str
    host: str = ""


def sources_of_project(
    document: Mapping[str, Any], root: Mapping[str, Any], chosen: Collection[str], folders: tuple[str, str] = ("", "")
) -> Iterator[ForeignSource]:
    """The sources of a project.

    Args:
        document: Its `pyproject.toml`.
        root: That of its uv workspace, whose sources hold where the project has none of its own; empty without one.
        chosen: Normalised names of the extras and groups that are taken; sources for others do not matter.
        folders: The folders of the two files, relative to the specification.
    """
    own, general = (_named(_table(part, "tool", "uv", "sources")) for part in (document, root))
    indexes = [*_indexes(document), *_indexes(root)]
    for name, entries in (general | own).items():
        for entry in entries if isinstance(entries, list) else [entries]:
            found = _uv_source(name, entry, indexes, folders[0 if name in own else 1])
            limits = [entry[key] for key in ("extra", "group") if isinstance(entry, dict) and key in entry]
            if all(canonicalize_name(str(limit)) in chosen for limit in limits):
                yield found
    for name, entries in _named(_table(document, "tool", "poetry", "dependencies")).items():
        for entry in entries if isinstance(entries, list) else [entries]:
            kind = next((key for key in (*_KINDS, "file", "source") if isinstance(entry, dict) and key in entry), None)
            if kind:
                yield ForeignSource(name, f"{kind} '{without_secrets(str(entry[kind]))}' (tool.poetry.dependencies)")


def _uv_source(name: str, entry: object, indexes: list[dict[str, Any]], folder: str) -> ForeignSource:
    source = entry if isinstance(entry, dict) else {}
    marker = str(source.get("marker", ""))
    if "index" not in source:
        kind = next((key for key in _KINDS if key in source), None)
        where = "the workspace" if kind == "workspace" else f"{kind} '{without_secrets(str(source.get(kind)))}'"
        if kind == "path" and (path := str(source["path"])):
            return path_source(name, posixpath.normpath(posixpath.join(folder, path)), where, marker)
        return ForeignSource(name, where if kind else "a source of unknown kind", marker=marker)
    label = str(source["index"])
    index = next((index for index in indexes if index.get("name") == label), None)
    where = f"index '{label}'" + (f" ({without_secrets(str(index['url']))})" if index and "url" in index else "")
    named = {key: without_logins(str(index[key])) for key in ("name", "url", "format") if key in index} if index else {}
    declared = ", ".join(f"{key} = {json.dumps(value)}" for key, value in named.items())
    if marker:
        assigned = f"sources = {{ {name} = {{ index = {json.dumps(label)}, marker = {json.dumps(marker)} }} }}"
        cure = f"write index = [{{ {declared}, explicit = true }}] and {assigned} in [tool.uv] of the specification"
    else:
        assigned = f"package_indexes = {{ {name} = {json.dumps(label)} }} in the layer"
        cure = f"write index = [{{ {declared}, explicit = true }}] in [tool.uv] of the specification, and {assigned}"
    return ForeignSource(name, where, cure, marker)


def path_source(name: str, path: str, where: str, marker: str = "") -> ForeignSource:
    """A project in a folder: `path` is relative to the specification, `where` what messages call it."""
    cure = f"write {name} = {{ path = {json.dumps(path)} }} in [tool.uv.sources] of the specification, {_OR}"
    return ForeignSource(name, where, cure, marker)


def limits_of_project(document: Mapping[str, Any], root: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """What `[tool.uv]` lists under `key`; a workspace's root decides for its members."""
    listed = (_table(root, "tool", "uv") if root else _table(document, "tool", "uv")).get(key, [])
    return tuple(entry for entry in listed if isinstance(entry, str)) if isinstance(listed, list) else ()


def workspace_files(path: str) -> Iterator[str]:
    """Files that may be the root of the uv workspace which the project in `path` is a member of, nearest first."""
    folder = posixpath.dirname(path)
    for _ in range(_MOST_LEVELS):
        folder = posixpath.normpath(posixpath.join(folder, ".."))
        yield posixpath.normpath(posixpath.join(folder, posixpath.basename(path)))


_MOST_LEVELS = 8
"""How many folders above a project are searched for its workspace."""


def is_member(path: str, root_path: str, root: Mapping[str, Any]) -> bool | None:
    """Whether the project in `path` is a member of the workspace of `root`; None where that has no workspace.

    Both paths are absolute, since a relative one that leads up does not say what the folders are called.
    """
    workspace = _table(root, "tool", "uv", "workspace")
    if "members" not in workspace:
        return None
    inner = posixpath.relpath(posixpath.dirname(path), posixpath.dirname(root_path))

    def matches(key: str) -> bool:
        globs = workspace.get(key, [])
        return isinstance(globs, list) and any(fnmatch(inner, posixpath.normpath(str(glob))) for glob in globs)

    return matches("members") and not matches("exclude")


def _table(document: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    found: Any = document
    for key in keys:
        found = found.get(key, {}) if isinstance(found, dict) else {}
    return found if isinstance(found, dict) else {}


def _named(table: Mapping[str, Any]) -> dict[str, Any]:
    return {str(canonicalize_name(name)): entry for name, entry in table.items()}


def _indexes(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    listed = _table(document, "tool", "uv").get("index", [])
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
