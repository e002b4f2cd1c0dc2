"""The wheels of an environment: from the store, fetched into it, or, where neither can be, from the user's uv cache."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from venvstacks.actions.building.wheel_placement import Placement
from venvstacks.actions.building.wheel_records import listed_digests, read_record
from venvstacks.actions.building.wheel_store import (
    UnpackedWheel,
    WheelRequest,
    find_unpacked,
    scan_wheel,
    stored,
    unpacked_wheels,
)
from venvstacks.actions.toolset import Tools
from venvstacks.archives.members import is_shipped
from venvstacks.digests import TreeEntry
from venvstacks.errors import BuildError, UnsafeWheelError


@dataclass(frozen=True)
class ObtainedWheels:
    """Unpacked wheels, and what is known about them.

    Attributes:
        wheels: The wheels.
        warnings: What people should know about where they come from.
    """

    wheels: tuple[UnpackedWheel, ...]
    warnings: tuple[str, ...] = ()

    def damaged(self, placement: Placement, entries: Iterable[TreeEntry]) -> dict[UnpackedWheel, list[str]]:
        """Wheels whose installed files are missing or have another content than when they were unpacked.

        Args:
            placement: Where their files went.
            entries: What the environment holds.
        """
        present = {entry.path: entry.sha256 for entry in entries}
        by_name = {str(wheel): wheel for wheel in self.wheels}
        found: dict[UnpackedWheel, list[str]] = {}
        for path, file in placement.files.items():
            if not file.is_script and present.get(path) != file.entry.sha256:
                found.setdefault(by_name[file.wheel], []).append(path)
        return found


def obtain_wheels(request: WheelRequest, tools: Tools) -> ObtainedWheels:
    """The wheels that a lock names for a target, unpacked.

    What is not in the store is fetched. Where that fails, as without a network, a wheel in the user's uv cache is
    taken if it is as its RECORD lists it. That detects damage, but no falsified RECORD.

    Raises:
        BuildError: A wheel is not available, or damaged.
        OSError: The cache cannot be written.
    """
    try:
        return ObtainedWheels(tuple(unpacked_wheels(request, tools)))
    except UnsafeWheelError:
        raise
    except BuildError as error:
        found = _from_uv_cache(request, tools)
        if found is None:
            raise
        note = "is taken from uv's cache, and was compared with its own RECORD alone"
        return ObtainedWheels(
            found, tuple(f"the wheel of {wheel} {note}" for wheel in found if not wheel.key) or (error.message,)
        )


def _from_uv_cache(request: WheelRequest, tools: Tools) -> tuple[UnpackedWheel, ...] | None:
    """All wheels, those that are not in the store from the user's uv cache; None if one of them is not there."""
    cache = uv_cache(tools.environment)
    found = []
    for package, wheel in request.wanted():
        known = stored(package, wheel, tools)
        if known is None:
            tree = cache and find_unpacked(cache, package, wheel.hashes[0][1])
            if not tree:
                return None
            known = UnpackedWheel(package.name, package.version, tree, scan_wheel(tree))
            _check_record(request.layer, known)
        found.append(known)
    return tuple(found)


def uv_cache(environment: Mapping[str, str]) -> Path | None:
    """The folder that uv caches in for this user, by its documentation."""
    if folder := environment.get("UV_CACHE_DIR"):
        return Path(folder)
    for name, below in (("XDG_CACHE_HOME", "uv"), ("LOCALAPPDATA", "uv/cache"), ("HOME", ".cache/uv")):
        if environment.get(name):
            return Path(environment[name], below)
    return None


def _check_record(layer: str, wheel: UnpackedWheel) -> None:
    """See that a wheel from uv's cache holds what its RECORD lists, with these digests."""
    record = next((entry.path for entry in wheel.entries if entry.path.endswith(".dist-info/RECORD")), None)
    if record is None:
        wrong = ["RECORD"]
    else:
        digests = {entry.path: entry.sha256 for entry in wheel.entries}
        listed = listed_digests(read_record(wheel.tree / record))
        wrong = [path for path, digest in listed.items() if is_shipped(path) and digest and digests.get(path) != digest]
    if wrong:
        raise BuildError(
            f"layer '{layer}': uv's cache holds the wheel of {wheel} with missing or changed files",
            details=tuple(wrong[:5]),
            hint=f"clear it with `uv cache clean {wheel.name}`, and run again where the wheel can be fetched",
        )
