"""Which of a package's locked wheels is installed on one target platform."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from posixpath import basename
from urllib.parse import unquote, urlsplit

from packaging import tags
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from venvstacks.locking.locks import LockedPackage, Wheel
from venvstacks.model.platforms import PythonImplementation, TargetPlatform

_OLDER_NAMES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
"""What glibc 2.X was called in tags before PEP 600."""


@dataclass(frozen=True)
class WheelTarget:
    """What wheels have to fit.

    Attributes:
        platform: The platform.
        python: The Python.
        glibc: The oldest glibc, `X.Y`; counts on Linux.
        macos: The oldest macOS, `X.Y`; counts on macOS.
    """

    platform: TargetPlatform
    python: PythonImplementation
    glibc: str = "2.28"
    macos: str = "13.0"

    def platforms(self) -> Iterator[str]:
        """Platform tags that fit, best first."""
        if self.platform.system == "macosx":
            oldest = [int(part) for part in self.macos.split(".")]
            yield from tags.mac_platforms((oldest[0], oldest[1] if len(oldest) > 1 else 0), self.platform.machine)
            return
        if self.platform.system == "linux":
            machine = self.platform.machine
            for minor in range(int(self.glibc.partition(".")[2]), 4, -1):
                yield f"manylinux_2_{minor}_{machine}"
                if minor in _OLDER_NAMES:
                    yield f"{_OLDER_NAMES[minor]}_{machine}"
        yield f"{self.platform.system}_{self.platform.machine}"


@lru_cache(maxsize=16)
def _ranks(target: WheelTarget) -> dict[Tag, int]:
    """Every tag that fits, with its place in the order of preference."""
    major, minor = map(int, target.python.short_version.split("."))
    platforms = list(target.platforms())
    if target.python.name == "cpython":
        name = f"cp{major}{minor}"
        own = tags.cpython_tags((major, minor), abis=[name], platforms=platforms)
    else:
        name = f"pp{major}{minor}"
        own = tags.generic_tags(name, abis=[f"pypy{major}{minor}_pp73"], platforms=platforms)
    general = tags.compatible_tags((major, minor), name, platforms)
    return {tag: place for place, tag in enumerate(dict.fromkeys((*own, *general)))}


def fitting_wheel(package: LockedPackage, target: WheelTarget) -> Wheel | None:
    """The wheel of `package` that fits the target best; None if none of them does.

    A lock that this program wrote lists one wheel for each target; other programs list all that there are.
    """
    ranks = _ranks(target)
    found: list[tuple[int, str, Wheel]] = []
    for wheel in package.wheels:
        fitting = [ranks[tag] for tag in _tags(wheel) if tag in ranks]
        if fitting:
            found.append((min(fitting), wheel.location, wheel))
    return min(found)[2] if found else None


def _tags(wheel: Wheel) -> frozenset[Tag]:
    try:
        return parse_wheel_filename(wheel_name(wheel))[3]
    except InvalidWheelFilename:
        return frozenset()


def wheel_name(wheel: Wheel) -> str:
    """The file name of a wheel."""
    return basename(wheel.location) if wheel.is_path else unquote(basename(urlsplit(wheel.location).path))
