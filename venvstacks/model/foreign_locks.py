"""Locks of other tools as limits for a layer: `uv.lock`, `pdm.lock`, `poetry.lock`, and `pylock.toml` (PEP 751).

A lock gives exact versions, says where each package comes from, and lists files with hashes.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from venvstacks.model.foreign_sources import ForeignSource, LockedFile
from venvstacks.model.toml_text import TomlError, parse_toml
from venvstacks.urls import without_secrets

_CHOICES = re.compile(r"\b(extras?|dependency_groups)\b")
"""Marker variables about what was chosen when a lock is installed; a constraint cannot say them."""


@dataclass(frozen=True)
class ForeignLock:
    """What a lock says.

    Attributes:
        pins: Exact versions as constraints (PEP 508), sorted.
        sources: Packages that come from no index: a path, a repository, an address.
        files: The files that it lists.
    """

    pins: tuple[str, ...]
    sources: tuple[ForeignSource, ...]
    files: tuple[LockedFile, ...]


@dataclass(frozen=True)
class _Entry:
    """One package of a lock; `source` is where it comes from if that is no index, and then it may have no version."""

    name: str
    version: str | None
    marker: str
    source: str | None
    files: tuple[tuple[str, str], ...]  # address or name, hash


def read_foreign_lock(path: str, text: str) -> ForeignLock:
    """Read a lock.

    A package that the lock holds in several versions keeps each with the markers that it is for. If the markers do not
    tell the versions apart, because extras or groups do, no version of it is a limit.

    Raises:
        ValueError: The text is no such lock.
    """
    try:
        document = parse_toml(text)
    except TomlError as error:
        raise ValueError(f"{path}{f':{error.line}' if error.line else ''}: {error}") from None
    name = posixpath.basename(path)
    packages = document.get("package" if name.endswith(".lock") else "packages", [])
    if not isinstance(packages, list) or not all(isinstance(package, dict) for package in packages):
        raise ValueError(f"{path} is not a lock: its packages are no array of tables")
    for package in packages:
        _check_types(package, path)
    read = {"uv.lock": _uv_entry, "pdm.lock": _pdm_entry, "poetry.lock": _poetry_entry}.get(name, _standard_entry)
    entries = [read(package) for package in packages if not _is_shared(package)]
    files = (
        LockedFile(entry.name, entry.version or "", *_file_name_and_host(place, digest))
        for entry in entries
        for place, digest in entry.files
    )
    sources = (ForeignSource(entry.name, entry.source) for entry in entries if entry.source)
    return ForeignLock(_pins(path, entries), tuple(sources), tuple(files))


def _pins(path: str, entries: Iterable[_Entry]) -> tuple[str, ...]:
    versions: dict[str, dict[str, list[str]]] = {}
    for entry in entries:
        if entry.version:
            versions.setdefault(entry.name, {}).setdefault(entry.version, []).append(entry.marker)
    pins = set()
    for name, found in versions.items():
        markers = {version: "" if "" in each else " or ".join(each) for version, each in found.items()}
        by_choice = any(not marker or _CHOICES.search(marker) for marker in markers.values())
        if len(found) > 1 and by_choice:
            continue
        pins |= {
            f"{name}=={version}" + ("" if by_choice or not marker else f" ; {marker}")
            for version, marker in markers.items()
        }
    for pin in pins:
        try:
            Requirement(pin)
        except InvalidRequirement as error:
            raise ValueError(f"{path} holds '{pin}', which cannot be read: {str(error).splitlines()[0]}") from None
    return tuple(sorted(pins))


def _check_types(package: Mapping[str, Any], path: str) -> None:
    """Refuse a package whose keys hold other things than locks hold.

    Raises:
        ValueError: There is such a key, or no name.
    """
    types = {
        "name": str, "version": str, "marker": str, "source": dict, "resolution-markers": list, "wheels": list,
        "files": list,
    }  # fmt: skip
    wrong = [key for key, expected in types.items() if not isinstance(package.get(key, expected()), expected)]
    if wrong:
        raise ValueError(f"{path} is not a lock: '{wrong[0]}' of a package is no {_TYPE_NAMES[types[wrong[0]]]}")
    if not package.get("name"):
        raise ValueError(f"{path} is not a lock: a package has no name")


_TYPE_NAMES: Mapping[type, str] = {str: "string", dict: "table", list: "array"}


def _uv_entry(package: Mapping[str, Any]) -> _Entry:
    source = package.get("source", {})
    kind = next(iter(source), "registry")
    wheels = [entry for entry in package.get("wheels", ()) if isinstance(entry, dict)]
    files = tuple((str(e.get("url") or e.get("path") or e.get("filename", "")), str(e.get("hash", ""))) for e in wheels)
    place = str(source.get(kind, ""))
    is_index = kind == "registry" and (not place or "://" in place)  # else a folder of wheels
    elsewhere = None if is_index else f"{kind} '{without_secrets(place)}'"
    markers = " or ".join(f"({marker})" for marker in package.get("resolution-markers", ()))
    return _entry(package, markers, elsewhere, files, is_pinned=kind == "registry")


def _pdm_entry(package: Mapping[str, Any]) -> _Entry:
    kind = next((key for key in ("git", "path", "url", "editable") if key in package), None)
    elsewhere = f"{kind} '{without_secrets(str(package[kind]))}'" if kind else None
    marker, files = str(package.get("marker", "")), _listed_files(package)
    return _entry(package, marker, elsewhere, files, is_pinned=kind is None)


def _poetry_entry(package: Mapping[str, Any]) -> _Entry:
    source = package.get("source", {})
    kind = source.get("type", "legacy")
    elsewhere = None if kind == "legacy" else f"{kind} '{without_secrets(str(source.get('url')))}'"
    markers = package.get("markers", "")
    each = markers.values() if isinstance(markers, dict) else [markers] if markers else []
    marker = " or ".join(f"({marker})" for marker in each)
    return _entry(package, marker, elsewhere, _listed_files(package), is_pinned=kind == "legacy")


def _standard_entry(package: Mapping[str, Any]) -> _Entry:
    kind = next((key for key in ("directory", "vcs", "archive") if isinstance(package.get(key), dict)), None)
    table = package[kind] if kind else {}
    elsewhere = f"{kind} '{without_secrets(str(table.get('url') or table.get('path')))}'" if kind else None
    wheels = [entry for entry in package.get("wheels", ()) if isinstance(entry, dict)]
    files = tuple((str(entry.get("url") or entry.get("path", "")), _sha256(entry)) for entry in wheels)
    return _entry(package, package.get("marker", ""), elsewhere, files, is_pinned=kind in {None, "archive"})


def _sha256(wheel: Mapping[str, Any]) -> str:
    hashes = wheel.get("hashes", {})
    return str(hashes.get("sha256", "")) if isinstance(hashes, dict) else ""


def _listed_files(package: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    listed = [entry for entry in package.get("files", ()) if isinstance(entry, dict)]
    return tuple((str(entry.get("url") or entry.get("file", "")), str(entry.get("hash", ""))) for entry in listed)


def _entry(
    package: Mapping[str, Any],
    marker: str,
    source: str | None,
    files: Iterable[tuple[str, str]],
    *,
    is_pinned: bool,
) -> _Entry:
    wheels = tuple((place, digest) for place, digest in files if place.partition("#")[0].endswith(".whl"))
    version = package.get("version") if is_pinned else None
    return _Entry(str(canonicalize_name(package["name"])), version, marker, source, wheels)


def _file_name_and_host(place: str, digest: str) -> Iterator[str]:
    parts = urlsplit(place)
    yield unquote(posixpath.basename(parts.path))
    yield digest.removeprefix("sha256:")
    yield parts.hostname or ""


def _is_shared(package: Mapping[str, Any]) -> bool:
    """Whether a lock of ours lists it only because another layer has it."""
    return "from_lower_layer" in package.get("marker", "")
