"""Requirements that name the address of a wheel: `frog @ https://.../frog-1.0-py3-none-any.whl#sha256=...`."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import unquote, urlsplit

from packaging.requirements import Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from venvstacks.model.sources import source_of
from venvstacks.urls import without_logins

_SCHEMES = ("https", "http", "file")


def address_fault(requirement: Requirement) -> str | None:
    """Why the address of a requirement cannot be locked; None if it can be, or if there is none."""
    if requirement.url is None:
        return None
    try:
        return None if source_of(requirement) is not None else _wheel_fault(requirement, requirement.url)
    except ValueError as error:
        return f"names no source: {error}"


def _wheel_fault(requirement: Requirement, url: str) -> str | None:
    parts = urlsplit(url)
    file = unquote(posixpath.basename(parts.path))
    if parts.scheme not in _SCHEMES:
        return "names a wheel by an address that is neither https, http nor file"
    try:
        name = parse_wheel_filename(file)[0]
    except InvalidWheelFilename as error:
        return f"names a file that is no wheel: {error}"
    if name != canonicalize_name(requirement.name):
        return f"names a wheel of '{name}'"
    if parts.fragment and not re.fullmatch(r"sha256=[0-9a-fA-F]{64}", parts.fragment):
        return "carries something else than '#sha256=<64 hex digits>' after its address"
    return None


def with_name(value: str) -> str | None:
    """What to write in place of the address or path of a wheel or a repository alone; None for anything else."""
    address, _, marker = value.partition(" ;")
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return None
    try:
        name = str(parse_wheel_filename(unquote(posixpath.basename(parts.path)))[0])
    except ValueError:
        if not parts.scheme.startswith("git+"):
            return None
        egg = re.search(r"(?:^|&)egg=([A-Za-z0-9._-]+)", parts.fragment)
        name = egg[1] if egg else "NAME"
        address = re.sub(r"(?<=[#&])egg=[^&]*&?", "", address).rstrip("#&")
    shown = without_logins(address.strip())
    place = shown if "://" in shown or shown.startswith("file:") else f"file:{shown}"
    return f"write its name before its address: '{name} @ {place}{f' ;{marker}' if marker else ''}'"


def for_uv(text: str, base: str) -> str:
    """A requirement as uv reads it: with a relative `file:` address made absolute, and without that of a source.

    Where a package with a source comes from is a constraint: the address of the wheel that was built from it.

    Args:
        text: The requirement.
        base: Absolute folder of the specification, forward slashes.
    """
    requirement = Requirement(text)
    if source_of(requirement) is not None:
        requirement.url = None
        return str(requirement)
    if requirement.url is None or not requirement.url.startswith("file:") or requirement.url.startswith("file:/"):
        return text
    path = posixpath.normpath(posixpath.join(base, requirement.url.removeprefix("file:")))
    requirement.url = f"file://{path if path.startswith('/') else f'/{path}'}"
    return str(requirement)
