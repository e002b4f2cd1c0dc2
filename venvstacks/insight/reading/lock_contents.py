"""Contents as locks tell them: packages and wheels, but no files and no needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from venvstacks.actions.publishing.package_listing import listed_wheel, package_url
from venvstacks.errors import UsageError
from venvstacks.insight.contents import LayerContents, StackContents, lowest_first
from venvstacks.locking.locks import LayerLock, LockedPackage
from venvstacks.locking.pylock import read_lock
from venvstacks.locking.uv_resolution import UnusableLockError
from venvstacks.locking.wheel_choice import WheelTarget, fitting_wheel
from venvstacks.model.conventions import LayerKind
from venvstacks.model.platforms import PLATFORMS, PythonImplementation, TargetPlatform
from venvstacks.records.package_lists import ListedPackage

_LOCK = re.compile(r"pylock\.[^.]+\.toml")
_KINDS: Mapping[str, LayerKind] = {"framework-": "framework", "app-": "application"}


def locks_in(folder: Path) -> dict[str, str]:
    """The texts of all locks in a folder of locks, by environment name.

    Raises:
        UsageError: One cannot be read.
    """
    try:
        places = sorted(place for place in folder.glob("*/pylock.*.toml") if _LOCK.fullmatch(place.name))
        return {place.parent.name: place.read_text("utf-8") for place in places}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the locks in {folder} cannot be read: {error}", hint="check their permissions") from error


def is_lock(path: str) -> bool:
    """Whether a path below a folder of locks is that of a lock."""
    return len(PurePosixPath(path).parts) == 2 and _LOCK.fullmatch(PurePosixPath(path).name) is not None


def contents_of_locks(label: str, texts: Mapping[str, str], platform: TargetPlatform) -> StackContents:
    """What locks hold for one platform.

    Args:
        label: What to call it.
        texts: The locks, by environment name.
        platform: The platform. Of a lock that is not for it, the first of its own platforms counts.

    Raises:
        UsageError: A lock cannot be read.
    """
    return StackContents(label, "locks", lowest_first(_layers(label, texts, platform)))


def _layers(label: str, texts: Mapping[str, str], platform: TargetPlatform) -> Iterator[LayerContents]:
    for name, text in texts.items():
        python = _python_of(text)
        try:
            lock = read_lock(text, python).lock
        except UnusableLockError as error:
            raise UsageError(
                f"{label}: the lock of {name} cannot be read: {error}", hint="lock the layer again"
            ) from None
        meant = platform if platform.name in lock.targets or not lock.targets else PLATFORMS[lock.targets[0]]
        kind: LayerKind = next((kind for prefix, kind in _KINDS.items() if name.startswith(prefix)), "runtime")
        yield LayerContents(
            name,
            name,
            kind,
            python=str(python),
            platform=meant.name,
            packages=locked_packages(lock, WheelTarget(meant, python)),
        )


def locked_packages(lock: LayerLock, target: WheelTarget) -> tuple[ListedPackage, ...]:
    """The packages that a lock installs on a target, with the wheels that fit it best."""
    return tuple(_listed(lock.installed(target.platform.name), target))


def _listed(packages: Iterable[LockedPackage], target: WheelTarget) -> Iterator[ListedPackage]:
    for package in packages:
        wheel = fitting_wheel(package, target) or next(iter(package.wheels), None)
        is_local = wheel is not None and (wheel.is_path or wheel.is_archive)
        yield ListedPackage(
            name=package.name,
            version=package.version,
            purl=package_url(package.name, package.version, is_local=is_local),
            wheel=listed_wheel(wheel) if wheel else None,
        )


def _python_of(text: str) -> PythonImplementation:
    """The oldest Python that a lock is for, which its markers are evaluated with."""
    found = re.search(r'^requires-python\s*=\s*"([^"]*)"', text, re.MULTILINE)
    try:
        allowed = SpecifierSet(found[1] if found else "")
    except InvalidSpecifier:
        allowed = SpecifierSet()
    versions = (f"3.{minor}.{patch}" for minor in range(8, 30) for patch in range(40))
    return PythonImplementation("cpython", next((one for one in versions if one in allowed), "3.12.0"))
