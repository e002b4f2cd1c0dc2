"""Windows' limit for the length of paths, which a machine can be set up to lift."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

LONGEST_FILE = 259
"""Characters of the longest path of a file, where the limit holds."""

LONGEST_FOLDER = 247
"""The same for a folder: it must have room for a file name of the oldest kind."""

TOO_LONG = "choose a folder with a shorter path, or set up Windows for long paths (policy `Enable Win32 long paths`)"
_MISSING = frozenset({2, 3, 206})  # Windows' error codes: file not found, path not found, name too long
_STEP = "long" * 20


def is_too_long(error: OSError) -> bool:
    """Whether the path is longer than the system allows; Windows reports then that the file does not exist."""
    missing = getattr(error, "winerror", None) in _MISSING
    return error.errno == errno.ENAMETOOLONG or (missing and exceeds_limit(str(error.filename)))


def exceeds_limit(file: str) -> bool:
    """Whether the absolute path `file`, or that of its folder, is longer than Windows' limit."""
    return len(file) > LONGEST_FILE or len(os.path.dirname(file)) > LONGEST_FOLDER  # noqa: PTH120 - asked for each file


def bears_long_paths(folder: Path) -> bool:
    """Whether the system can create paths in `folder` that are longer than that limit; found out by creating one.

    Raises:
        OSError: Nothing can be created in `folder`.
    """
    made: list[Path] = []
    try:
        place = folder
        while len(str(place)) <= LONGEST_FILE:
            place /= _STEP
            try:
                place.mkdir()
            except OSError as error:
                if made and is_too_long(error):
                    return False
                raise
            made.append(place)
    finally:
        for place in reversed(made):
            with contextlib.suppress(OSError):
                place.rmdir()
    return True
