"""Checks of relative paths in archives, links and specifications: whether they leave a folder.

Pure: only the text of a path is used, with the rules of all systems. Backslashes and drives, which only Windows knows,
count everywhere, since a layer that is published here may be unpacked there.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

_NO_PART_OF_NAMES = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")

_WINDOWS_SIGNS = re.compile(r'[<>:"|?*\x00-\x1f]')
_WINDOWS_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE)


def check_windows_names(path: str) -> None:
    """Check that Windows can store each part of `path`, which has forward slashes.

    A device has its name in every folder and with every suffix (`aux.py`), a colon begins a drive or a stream of a
    file, and spaces and dots at the end are dropped.

    Raises:
        ValueError: It cannot.
    """
    for part in path.split("/"):
        if _WINDOWS_SIGNS.search(part) or part[-1:] in {".", " "} or _WINDOWS_DEVICES.fullmatch(part):
            raise ValueError(f"{path!r} cannot be a file's name on Windows")


def has_drive(path: str) -> bool:
    """Whether Windows would take the beginning of `path` for a drive."""
    return path[1:2] == ":"


def is_absolute(path: str) -> bool:
    """Whether `path` begins at a root or drive on any system."""
    return path.startswith(("/", "\\")) or has_drive(path)


def has_odd_characters(path: str) -> bool:
    """Whether `path` holds control characters or lone surrogates, which no file's name should have."""
    return _NO_PART_OF_NAMES.search(path) is not None


def leads_out(path: str) -> bool:
    """Whether `path` leaves the folder that it is relative to, at any point on its way, on any system."""
    if is_absolute(path):
        return True
    depth = 0
    for part in path.replace("\\", "/").split("/"):
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        if depth < 0:
            return True
    return False


def folders_above(paths: Iterable[str]) -> Iterator[str]:
    """Each folder that one of these relative paths is in, once."""
    seen = {""}
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder not in seen:
            seen.add(folder)
            yield folder
            folder = folder.rpartition("/")[0]


def reached(path: str, start: str = "") -> str | None:
    """Where `path` ends if one begins in the folder `start`, both by their text alone; None if that is outside.

    Args:
        path: A path with forward slashes; `..` may lead up as long as it does not end above the outermost folder.
        start: The folder it is relative to, itself relative to the outermost folder.

    Returns:
        The normalised path from the outermost folder, `.` for that folder itself.
    """
    if not path or is_absolute(path) or "\\" in path or has_odd_characters(path):
        return None
    return None if ends_outside(path, start) else posixpath.normpath(posixpath.join(start, path))


def ends_outside(path: str, start: str) -> bool:
    """Whether `path`, begun in the folder `start` of the outermost folder, ends above that one; see `reached`."""
    return is_absolute(path) or posixpath.normpath(posixpath.join(start, path)).split("/")[0] == ".."
