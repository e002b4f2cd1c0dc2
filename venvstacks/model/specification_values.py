"""The values that keys of a specification can have, as types that pydantic checks."""

from __future__ import annotations

import posixpath
import re
from pathlib import PurePosixPath
from typing import Annotated, Literal
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from pydantic import AfterValidator, BeforeValidator

from venvstacks.model.launches import check_launch
from venvstacks.model.platforms import PLATFORMS, PythonImplementation
from venvstacks.model.tables import RefusedValueError
from venvstacks.model.wheel_addresses import address_fault, with_name
from venvstacks.urls import without_logins

MACOS_VERSION = r"[0-9]{1,4}(\.[0-9]{1,4})*"

_LONGEST_LAYER_NAME = 150  # bytes; archives, locks and staging folders add up to 100 to it, and file systems end at 255
_LONGEST_FILE_NAME = 255  # bytes
_FORBIDDEN_IN_NAMES = re.compile(r"""[^\S ]|[/\\:*?"'<>|=\[\]{}%`~#\x00-\x1f\x7f]""")


def _layer_name(value: str) -> str:
    if not value.strip() or value[0] in ".- " or value[-1] in ". " or _FORBIDDEN_IN_NAMES.search(value):
        raise RefusedValueError(
            f"{value!r} cannot name a layer",
            "names become folder, file and task names, so they may not be empty, start with '.', '-' or a space, end "
            "with '.' or a space, or hold other white space or any of / \\ : * ? \" ' < > | = [ ] { } % ` ~ #",
        )
    if len(value.encode("utf-8", "replace")) > _LONGEST_LAYER_NAME:
        raise RefusedValueError(
            f"'{value[:40]}...' is too long to name a layer",
            f"names become names of folders and files, so they have {_LONGEST_LAYER_NAME} bytes at most",
        )
    return value


def _requirement(value: str) -> str:
    try:
        requirement = Requirement(value)
    except InvalidRequirement as error:
        raise RefusedValueError(
            f"'{value}' is not a requirement (PEP 508): {str(error).splitlines()[0]}",
            with_name(value)
            or "write a name, with extras, versions and a marker: \"frog[legs]>=1.2; python_version < '3.13'\"",
        ) from None
    if fault := address_fault(requirement):
        raise RefusedValueError(
            f"'{without_logins(value)}' {fault}",
            "name a wheel, as in 'frog @ https://host/frog-1.0-py3-none-any.whl#sha256=...', or use --local-wheels",
        )
    return value


def _once_each(value: object) -> object:
    """Refuse two spellings of one distribution name, which may have two values."""
    spellings: dict[str, str] = {}
    for name in value if isinstance(value, dict) else ():
        if isinstance(name, str) and spellings.setdefault(canonicalize_name(name), name) != name:
            first = spellings[canonicalize_name(name)]
            raise RefusedValueError(f"'{first}' and '{name}' are the same distribution", "keep one of them")
    return value


def _platform(value: str) -> str:
    if value not in PLATFORMS:
        raise RefusedValueError(f"'{value}' is not a target platform", f"known are {', '.join(PLATFORMS)}")
    return value


def _linux_target(value: str) -> str:
    if not re.fullmatch(r"glibc(@[0-9]{1,4}\.[0-9]{1,4})?", value):
        raise ValueError(f"'{value}' is not of the form 'glibc' or 'glibc@X.Y'")
    return value


def _macosx_target(value: str) -> str:
    if not re.fullmatch(MACOS_VERSION, value):
        raise ValueError(f"'{value}' is not a macOS version of the form 'X.Y'")
    return value


def _place_or_url(value: str) -> str:
    try:
        urlsplit(value)
    except ValueError as error:
        raise RefusedValueError(
            f"'{value}' is no URL: {error}", "write a path, or a URL such as https://host/x"
        ) from None
    return value


def _without_login(value: str) -> str:
    if without_logins(value) != value:
        raise RefusedValueError(
            "credentials do not belong into a specification",
            "give the URL with its login in the environment variable VENVSTACKS_REMOTE_CACHE",
        )
    return value


def _implementation(value: str) -> str:
    PythonImplementation.parse(value)
    return value


def _implementation_or_series(value: str) -> str:
    try:
        return value if PythonImplementation.parse_series(value) else _implementation(value)
    except ValueError:
        raise RefusedValueError(
            f"'{value}' is not of the form 'cpython@X.Y.Z' or 'cpython@X.Y'",
            "X.Y.Z is an exact Python, X.Y the newest release of it when the layer is locked; for PyPy: 'pypy@...'",
        ) from None


def _module_path(value: str) -> str:
    path = PurePosixPath(posixpath.normpath(value))  # one file has one name in the task graph
    if "\\" in value or "\0" in value:
        raise ValueError(f"{value!r} is not a path written with forward slashes")
    if path.name in {"", ".."}:
        raise ValueError(f"'{value}' names no file or folder")
    if any(len(part.encode("utf-8", "replace")) > _LONGEST_FILE_NAME for part in path.parts):
        raise ValueError(f"'{value[:40]}...' holds a name that is too long for a file")
    return str(path)


def not_empty(values: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a list without elements."""
    if not values:
        raise RefusedValueError("must not be empty", "name at least one, or leave this key out")
    return values


def _effort(value: object) -> object:
    """One fault for a value of neither of two types; pydantic would report one for each type."""
    is_level = isinstance(value, int) and not isinstance(value, bool)
    if not is_level and value not in (None, "fast", "balanced", "small"):
        raise ValueError(f"{value!r} is neither 'fast', 'balanced' or 'small' nor a whole number")
    return value


def _launch(value: object) -> object:
    """One fault for what is neither of two types."""
    is_table = isinstance(value, dict) and all(isinstance(target, str) for target in value.values())
    if value is not None and not isinstance(value, str) and not is_table:
        raise ValueError("must be a string, or a table of strings")
    return check_launch(value)  # type: ignore[arg-type] # just checked


def _package_name(value: str) -> str:
    return str(canonicalize_name(value))


LayerName = Annotated[str, AfterValidator(_layer_name)]
RequirementText = Annotated[str, AfterValidator(_requirement)]
PackageName = Annotated[str, AfterValidator(_package_name)]
PackageTable = Annotated[dict[PackageName, str], BeforeValidator(_once_each)]
PlatformName = Annotated[str, AfterValidator(_platform)]
LinuxTarget = Annotated[str, AfterValidator(_linux_target)]
MacosTarget = Annotated[str, AfterValidator(_macosx_target)]
Implementation = Annotated[str, AfterValidator(_implementation)]
ImplementationOrSeries = Annotated[str, AfterValidator(_implementation_or_series)]
ModulePath = Annotated[str, AfterValidator(_module_path)]
LaunchTargets = Annotated[str | dict[str, str] | None, BeforeValidator(_launch)]
PlaceOrUrl = Annotated[str, AfterValidator(_place_or_url)]
RemoteUrl = Annotated[str, AfterValidator(_without_login)]
Effort = Annotated[Literal["fast", "balanced", "small"] | int | None, BeforeValidator(_effort)]
