"""Reader of a layer's lock (PEP 751), whether this program, the original or another tool wrote it.

`packaging.pylock` checks the header, and each entry separately, so that one unusable entry does not affect the pins of
the others. Two things differ from the standard: markers are evaluated for the target platforms, and the entry of a
package that a lower layer provides may lack its files, since venvstacks 0.8 wrote such entries.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from packaging.markers import InvalidMarker, Marker
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from venvstacks.locking.locks import LayerLock, LockedPackage, Wheel
from venvstacks.locking.merge import sort_packages
from venvstacks.locking.names_in_text import CREATOR, SHARED
from venvstacks.locking.pylock_text import LEFT_OUT
from venvstacks.locking.uv_resolution import UnusableLockError, load_document, packages_of
from venvstacks.model.markers import holds
from venvstacks.model.platforms import PLATFORMS, PythonImplementation

if TYPE_CHECKING:
    from packaging.pylock import Package, PackageArchive, PackageWheel

_UNKNOWN_LAYER = "lower layer"
_NEVER = re.compile(rf'sys_platform == "({SHARED}|{LEFT_OUT})"|"({SHARED}|{LEFT_OUT})" == sys_platform')
_ALWAYS = 'python_version >= "0"'
_SOURCES = ("wheels", "archive", "sdist", "directory", "vcs")


@dataclass(frozen=True)
class ReadLock:
    """What could be read of a lock.

    Attributes:
        lock: All entries; one whose files cannot be used has no wheels, but still pins its version.
        faults: One sentence for each entry that cannot be installed; it names the package.
    """

    lock: LayerLock
    faults: tuple[str, ...] = ()


def parse_lock(text: str, python: PythonImplementation) -> LayerLock:
    """Read a lock of which every entry can be used.

    Args:
        text: The lock file.
        python: The Python that markers are evaluated for.

    Raises:
        UnusableLockError: It is not a usable PEP 751 lock; the message names the entries at fault.
    """
    found = read_lock(text, python)
    if found.faults:
        raise UnusableLockError("; ".join(found.faults))
    return found.lock


@lru_cache(maxsize=1 << 6)  # a run asks for the same lock several times: to foresee sizes, to build, to list packages
def read_lock(text: str, python: PythonImplementation) -> ReadLock:
    """Read a lock as far as it can be read.

    Raises:
        UnusableLockError: It is no PEP 751 lock of a known version.
    """
    document = load_document(text)
    header = _check_header(
        json.dumps({key: value for key, value in document.items() if key != "packages"}, default=str)
    )
    try:
        meant = {name for marker in header for name in _where(marker, python)} if header is not None else PLATFORMS
    except InvalidMarker as error:
        raise UnusableLockError(f"{error} in environments") from None
    targets = tuple(name for name in PLATFORMS if name in meant)
    entries: list[LockedPackage] = []
    faults: list[str] = []
    for number, table in enumerate(packages_of(document), 1):
        try:
            found, fault = _read_entry(table, targets, python)
        except (InvalidMarker, InvalidVersion, UnusableLockError) as error:
            found, fault = (), str(error).splitlines()[0]
        entries += found
        if fault:
            faults.append(f"package {table.get('name', f'number {number}')!s}: {fault}")
    lock = LayerLock(str(document.get("requires-python", "")), targets, sort_packages(entries, targets))
    return ReadLock(lock, tuple(faults))


@lru_cache(maxsize=1 << 6)  # all locks of a stack have the same few
def _check_header(header: str) -> tuple[str, ...] | None:
    """The markers of the environments that a lock is for, None for all; raises an error if the header is wrong.

    Args:
        header: JSON of the lock without its packages.
    """
    from packaging.pylock import Pylock, PylockValidationError  # noqa: PLC0415 - a run with nothing to do reads no lock

    document = json.loads(header)
    try:
        Pylock.from_dict({"created-by": "unknown", **document, "packages": []})
    except PylockValidationError as error:
        what = "a marker cannot be read" if error.context and "environments" in error.context else "it is no lock"
        raise UnusableLockError(f"{what}: {error.message} in {error.context}") from None
    return None if document.get("environments") is None else tuple(document["environments"])


def _read_entry(
    table: Mapping[str, Any], targets: tuple[str, ...], python: PythonImplementation
) -> tuple[tuple[LockedPackage, ...], str | None]:
    """The entry as packages on targets, and the reason why its files cannot be used; None if they can.

    Raises:
        UnusableLockError: There is no name or no version.
        InvalidVersion: The version is not valid.
        InvalidMarker: The marker is not valid.
    """
    name, version, marker = table.get("name"), table.get("version"), table.get("marker", "")
    if not (isinstance(name, str) and isinstance(version, str) and isinstance(marker, str)):
        raise UnusableLockError("it cannot be read: name, version and marker must be text, and a version is needed")
    held, suspended = _split(marker, targets, python)
    wheels, fault = _files({**table, "name": str(canonicalize_name(name))}, is_shared=bool(suspended) and not held)
    Version(version)  # a pin needs a valid version, even if its files cannot be used
    place = str(canonicalize_name(name)), version
    tool = table.get("tool", {})
    ours = tool.get(CREATOR) if isinstance(tool, dict) else None
    ours = ours if isinstance(ours, dict) else {}
    found = [LockedPackage(*place, held, wheels)] if held else []
    if suspended and LEFT_OUT in marker:
        found.append(LockedPackage(*place, suspended, wheels, left_out_by=str(ours.get("left-out-by", _UNKNOWN_LAYER))))
    elif suspended:
        found.append(LockedPackage(*place, suspended, wheels, provider=str(ours.get("provided-by", _UNKNOWN_LAYER))))
    return tuple(found), fault if found else None


def _split(
    marker: str, targets: tuple[str, ...], python: PythonImplementation
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The targets on which a marker holds, and those on which it would hold without its clause that never holds."""
    if not marker:
        return targets, ()
    held = _where(marker, python)
    without = _NEVER.sub(_ALWAYS, str(Marker(marker)))
    suspended = _where(without, python) if without != str(Marker(marker)) else ()
    return (
        tuple(target for target in targets if target in held),
        tuple(target for target in targets if target in suspended and target not in held),
    )


@lru_cache(maxsize=1 << 12)  # all locks of a stack name the same few targets
def _where(marker: str, python: PythonImplementation) -> tuple[str, ...]:
    """Names of the platforms on which a marker holds where no extras and no groups are chosen."""
    parsed = Marker(marker)
    chosen: dict[str, Any] = {"extras": frozenset(), "dependency_groups": frozenset()}
    return tuple(
        name
        for name, target in PLATFORMS.items()
        if holds(parsed, {**target.marker_environment(python), **chosen}, "lock_file")
    )


def _files(table: Mapping[str, Any], *, is_shared: bool) -> tuple[tuple[Wheel, ...], str | None]:
    """The wheels of an entry, or why they cannot be used."""
    from packaging.pylock import Pylock, PylockValidationError  # noqa: PLC0415 - see _check_header

    if is_shared and not any(table.get(key) for key in _SOURCES):
        return (), None
    if is_shared and isinstance(table.get("directory"), dict):
        return (Wheel(str(table["directory"].get("path")), (), is_path=True),), None
    if not table.get("wheels") and not table.get("archive"):
        return (), "it has no wheels"
    try:
        (package,) = Pylock.from_dict({"lock-version": "1.0", "created-by": "unknown", "packages": [table]}).packages
    except PylockValidationError as error:
        place = (error.context or "").removeprefix("packages[0]").removeprefix(".")
        return (), f"{error.message}{f' in {place}' if place else ''}"
    return tuple(_wheels(package)), None


def _wheels(package: Package) -> Iterator[Wheel]:
    for wheel in package.wheels or ():
        yield _wheel(wheel)
    if package.archive is not None:
        yield _wheel(package.archive, is_archive=True)


def _wheel(file: PackageWheel | PackageArchive, *, is_archive: bool = False) -> Wheel:
    hashes = tuple(sorted(file.hashes.items()))
    location = file.path if file.path is not None else file.url or ""
    return Wheel(location, hashes, file.path is not None, file.size, file.upload_time, is_archive)
