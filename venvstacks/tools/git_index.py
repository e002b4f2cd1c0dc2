"""What git's index records: the tracked files, and their executable bits where a file system keeps none."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path

_NO_MODES = re.compile(r"^\s*filemode\s*=\s*(false|no|off|0)\s*$", re.IGNORECASE | re.MULTILINE)
_EXECUTABLE = 0o100755
_HEAD = struct.Struct(">4sII")
_MODE = struct.Struct(">24xI12x")
_FLAGS = struct.Struct(">H")
_EXTENDED = 0x4000


def keeps_no_modes(config: Path) -> bool:
    """Whether git has noted in a repository's configuration that its files have no executable bits of their own."""
    try:
        return _NO_MODES.search(config.read_text("utf-8", errors="surrogateescape")) is not None
    except OSError:
        return False


def executable_paths(index: Path) -> frozenset[str]:
    """The paths in an index, relative to the work tree, that are recorded as executable.

    The format is that of git's `gitformat-index`, versions 2 to 4. An index that is missing or of another form has
    none: then no file is shipped as executable.
    """
    try:
        return frozenset(path for path, executable in _read(index.read_bytes()) if executable)
    except (OSError, struct.error, IndexError, ValueError):
        return frozenset()


def tracked_paths(index: Path) -> frozenset[str]:
    """All paths in an index, relative to the work tree; none where it is missing or of another form."""
    try:
        return frozenset(path for path, _ in _read(index.read_bytes()))
    except (OSError, struct.error, IndexError, ValueError):
        return frozenset()


def _read(data: bytes) -> Iterator[tuple[str, bool]]:
    """Paths, and whether each is recorded as executable."""
    signature, version, count = _HEAD.unpack_from(data)
    if signature != b"DIRC" or version not in {2, 3, 4}:
        raise ValueError("another format")
    place, name = _HEAD.size, b""
    for _ in range(count):
        begin = place
        (mode,) = _MODE.unpack_from(data, place)
        place += _MODE.size + 20  # the object's SHA-1
        (flags,) = _FLAGS.unpack_from(data, place)
        place += 4 if flags & _EXTENDED else 2
        if version == 4:  # names are stored as differences from the one before
            dropped, place = _variable_number(data, place)
            end = data.index(b"\0", place)
            name, place = name[: len(name) - dropped] + data[place:end], end + 1
        else:
            end = data.index(b"\0", place)
            name, place = data[place:end], begin + ((end - begin) // 8 + 1) * 8
        yield name.decode("utf-8", errors="surrogateescape"), mode == _EXECUTABLE


def _variable_number(data: bytes, place: int) -> tuple[int, int]:
    """A number as git's packs write offsets, and where it ends."""
    value = data[place] & 0x7F
    while data[place] & 0x80:
        place += 1
        value = ((value + 1) << 7) | (data[place] & 0x7F)
    return value, place + 1
