"""Whether a wheel fits a target platform, by the tags in its name (PEP 425, 600).

uv checks this for wheels on indexes, but not for wheels that a requirement names by their address (seen with uv 0.13).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote

from packaging.tags import Tag, compatible_tags, cpython_tags, generic_tags, mac_platforms
from packaging.utils import parse_wheel_filename

from venvstacks.locking.locks import LayerLock
from venvstacks.model.platforms import PythonImplementation, TargetPlatform
from venvstacks.model.stack import Layer

_OLDEST_GLIBC = 5
_LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}


def misfits(layer: Layer, lock: LayerLock) -> tuple[str, ...]:
    """One sentence for each wheel that a requirement names by address and that does not fit all of its platforms."""
    targets = {target.name: target for target in layer.platforms}
    found = []
    for package in lock.packages:
        for wheel in package.wheels if package.is_installed else ():
            name = unquote(posixpath.basename(wheel.location))
            wrong = [t for t in package.targets if wheel.is_archive and not _fits(name, layer, targets[t])]
            if wrong:
                found.append(f"{name} does not fit {', '.join(wrong)}")
    return tuple(found)


def _fits(name: str, layer: Layer, target: TargetPlatform) -> bool:
    oldest = layer.glibc if target.system == "linux" else layer.macos
    return not parse_wheel_filename(name)[3].isdisjoint(_tags(layer.python, target, oldest))


@lru_cache(maxsize=64)
def _tags(python: PythonImplementation, target: TargetPlatform, oldest: str) -> frozenset[Tag]:
    """The tags of all wheels that run on a platform whose glibc or macOS version is `oldest`."""
    version = tuple(int(part) for part in python.version.split(".")[:2])
    platforms = list(_platform_tags(target, oldest))
    short = "".join(map(str, version))
    if python.name == "cpython":
        own: Iterator[Tag] = cpython_tags(version, platforms=platforms)
        return frozenset((*own, *compatible_tags(version, f"cp{short}", platforms)))
    own = generic_tags(f"pp{short}", [f"pypy{short}_pp73"], platforms)
    return frozenset((*own, *compatible_tags(version, f"pp{short}", platforms)))


def _platform_tags(target: TargetPlatform, oldest: str) -> Iterator[str]:
    if target.system == "win":
        yield target.name
    elif target.system == "macosx":
        major, _, minor = oldest.partition(".")
        yield from mac_platforms((int(major), int(minor or 0)), target.machine)
    else:
        for minor_version in range(int(oldest.partition(".")[2]), _OLDEST_GLIBC - 1, -1):
            yield f"manylinux_2_{minor_version}_{target.machine}"
            if minor_version in _LEGACY:
                yield f"{_LEGACY[minor_version]}_{target.machine}"
        yield f"linux_{target.machine}"
