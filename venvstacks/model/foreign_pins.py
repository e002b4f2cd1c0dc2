"""Pins of other tools' locks as constraints: `uv.lock` and PEP 751 files of a project."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from venvstacks.model.toml_text import TomlError, parse_toml

_OWN_VARIABLES = ("extras", "dependency_groups")
"""Marker variables that PEP 751 has for locks alone; a constraint cannot say them."""


def pins_of_lock(path: str, text: str) -> tuple[str, ...]:
    """The exact versions that a lock holds, as constraints (PEP 508), sorted.

    Packages that come from no index (the project itself, paths, repositories) are passed over. A package that the lock
    holds in several versions keeps each with the markers that it is for.

    Raises:
        ValueError: The text is no such lock.
    """
    try:
        document = parse_toml(text)
    except TomlError as error:
        raise ValueError(f"{path}{f':{error.line}' if error.line else ''}: {error}") from None
    packages = document.get("package" if posixpath.basename(path) == "uv.lock" else "packages", [])
    if not isinstance(packages, list) or not all(isinstance(package, dict) for package in packages):
        raise ValueError(f"{path} is not a lock: its packages are no array of tables")
    for package in packages:
        _check_types(package, path)
    read = _uv_pins if posixpath.basename(path) == "uv.lock" else _standard_pins
    pins = {f"{name}=={version}{f' ; {marker}' if marker else ''}" for name, version, marker in read(packages)}
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
    types = {"name": str, "version": str, "marker": str, "source": dict, "resolution-markers": list}
    wrong = [key for key, expected in types.items() if not isinstance(package.get(key, expected()), expected)]
    if wrong:
        raise ValueError(f"{path} is not a lock: '{wrong[0]}' of a package is no {_TYPE_NAMES[types[wrong[0]]]}")
    if not package.get("name"):
        raise ValueError(f"{path} is not a lock: a package has no name")


_TYPE_NAMES: Mapping[type, str] = {str: "string", dict: "table", list: "array"}
_Pins = Iterator[tuple[str, str, str]]


def _uv_pins(packages: list[dict[str, Any]]) -> _Pins:
    for package in packages:
        if "version" in package and "registry" in package.get("source", {}):
            markers = package.get("resolution-markers", [])
            yield package["name"], package["version"], " or ".join(f"({marker})" for marker in markers)


def _standard_pins(packages: list[dict[str, Any]]) -> _Pins:
    counts: dict[str, int] = {}
    for package in packages:
        counts[package.get("name", "")] = counts.get(package.get("name", ""), 0) + 1
    for package in packages:
        marker = package.get("marker", "")
        if "version" not in package or "directory" in package or "vcs" in package or _is_shared(package):
            continue
        if any(variable in marker for variable in _OWN_VARIABLES):
            if counts[package["name"]] > 1:
                continue  # which of them is meant depends on what was chosen when that lock was installed
            marker = ""
        yield package["name"], package["version"], marker


def _is_shared(package: Mapping[str, Any]) -> bool:
    """Whether a lock of ours lists it only because another layer has it."""
    return "from_lower_layer" in package.get("marker", "")
