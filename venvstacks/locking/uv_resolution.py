"""Reader of the locks that uv writes, one for each target platform."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote, urldefrag, urlsplit

from packaging.utils import canonicalize_name

from venvstacks.locking.locks import ResolvedPackage, Wheel
from venvstacks.model.toml_text import TomlError, parse_toml
from venvstacks.urls import without_logins


class UnusableLockError(ValueError):
    """A lock cannot be used; the message says why, in words for the user."""


def read_resolution(text: str, folder: str) -> tuple[ResolvedPackage, ...]:
    """What uv chose for one target, sorted by name.

    Args:
        text: The PEP 751 lock that `uv pip compile` wrote without `--universal`, so that every package in it counts.
        folder: Absolute path of the folder that the layer's lock goes to, forward slashes.

    Raises:
        UnusableLockError: The text is not a PEP 751 lock, or a package has no wheel or no hash.
    """
    packages = load_packages(text)
    try:
        return tuple(sorted(_read_package(package, folder) for package in packages))
    except (AttributeError, KeyError, TypeError) as error:
        raise UnusableLockError(f"the lock is incomplete: {error!r}") from None


def read_versions(text: str) -> dict[str, str]:
    """Package name to version in a PEP 751 lock; entries without a version are skipped.

    Raises:
        UnusableLockError: The text is not a PEP 751 lock.
    """
    return {
        str(canonicalize_name(str(table.get("name")))): str(table["version"])
        for table in load_packages(text)
        if "version" in table
    }


def load_packages(text: str) -> list[dict[str, Any]]:
    """The package tables of a PEP 751 lock, from its text.

    Raises:
        UnusableLockError: The text is not a PEP 751 lock.
    """
    return packages_of(load_document(text))


def packages_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The package tables of a PEP 751 lock, from its loaded document.

    Raises:
        UnusableLockError: `packages` is not an array of tables.
    """
    packages = document.get("packages", [])
    if not isinstance(packages, list) or not all(isinstance(package, dict) for package in packages):
        raise UnusableLockError("'packages' is not an array of tables")
    return packages


def load_document(text: str) -> dict[str, Any]:
    """The TOML document of a PEP 751 lock.

    Raises:
        UnusableLockError: The text is not TOML, or the lock's version is not supported.
    """
    try:
        document = parse_toml(text)
    except TomlError as error:
        raise UnusableLockError(f"{error}{f' (line {error.line})' if error.line else ''}") from None
    version = document.get("lock-version")
    if not isinstance(version, str) or not version.startswith("1."):
        raise UnusableLockError(f"lock-version is {version!r}, not '1.0'")
    return document


def _read_package(table: Mapping[str, Any], folder: str) -> ResolvedPackage:
    name = str(canonicalize_name(table["name"]))
    if archive := table.get("archive"):
        return ResolvedPackage(name, table["version"], (_read_archive(archive, name, folder),))
    if not table.get("wheels"):
        raise UnusableLockError(f"{name} {table.get('version', '')} was resolved without a wheel")
    wheels = tuple(sorted(_read_wheel(wheel, name, folder) for wheel in table["wheels"]))
    return ResolvedPackage(name, table["version"], wheels)


def _read_archive(table: Mapping[str, Any], name: str, folder: str) -> Wheel:
    """The one file that a requirement names by its address; uv writes a `file:` address as an absolute path."""
    if "path" in table:
        path = table["path"].replace("\\", "/")
        wheel = make_wheel_entry(relative_path(_as_file_url(path), folder), table, is_path=True)
    else:
        wheel = _read_wheel(table, name, folder)
    if not wheel.location.endswith(".whl"):
        raise UnusableLockError(f"{name} is required by an address that is no wheel: {wheel.location}")
    return replace(wheel, is_archive=True)


def _as_file_url(path: str) -> str:
    return f"file://{quote(path if path.startswith('/') else f'/{path}', safe='/:')}"


def _read_wheel(table: Mapping[str, Any], name: str, folder: str) -> Wheel:
    if "url" not in table:
        raise UnusableLockError(f"a wheel of {name} has no URL")
    url = urldefrag(without_logins(table["url"])).url
    is_path = url.startswith("file:")
    location = relative_path(url, folder) if is_path else url
    return make_wheel_entry(location, table, is_path=is_path)


def make_wheel_entry(location: str, table: Mapping[str, Any], *, is_path: bool) -> Wheel:
    """A wheel from its table in a PEP 751 lock.

    Raises:
        UnusableLockError: The table has no hash of the file.
    """
    hashes = tuple(sorted((str(algorithm), str(value)) for algorithm, value in table.get("hashes", {}).items()))
    if not hashes:
        raise UnusableLockError(f"the index gives no hash for {location}, so it cannot be locked")
    upload_time = table.get("upload-time")
    return Wheel(
        location,
        hashes,
        is_path,
        table.get("size"),
        upload_time if isinstance(upload_time, datetime) else None,
    )


def relative_path(url: str, folder: str) -> str:
    """A `file:` URL as a path relative to an absolute `folder`; a drive letter of Windows counts as a folder's name."""
    path = unquote(urlsplit(url).path)
    if re.match(r"[A-Za-z]:", folder):
        folder = f"/{folder}"
    return posixpath.relpath(path, folder)
