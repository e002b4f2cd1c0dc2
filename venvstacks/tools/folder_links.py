"""Links to folders, and the one link that is moved in one step, on systems with symbolic links and on Windows.

Windows lets ordinary users make directory junctions, which are absolute and cannot be replaced in one step. There,
what is moved is a small file that holds the target's name.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path

from venvstacks.tools.files import write_atomically


def link_folder(place: Path, target: Path, *, windows: bool = os.name == "nt") -> None:
    """Make `place` lead to the folder `target`; both are absolute.

    Raises:
        OSError: The link cannot be made, or something is at `place`.
    """
    if windows:
        importlib.import_module("_winapi").CreateJunction(str(target), str(place))
    else:
        place.symlink_to(os.path.relpath(target, place.parent), target_is_directory=True)


def leads_to(place: Path, target: Path) -> bool:
    """Whether `place` is a link to the folder `target` (which need not be there)."""
    try:
        found = os.readlink(place)  # noqa: PTH115 - of junctions as well, with Windows' own prefix
    except OSError:
        return False
    joined = os.path.join(place.parent, found.removeprefix("\\\\?\\"))  # noqa: PTH118 - absolute ones stand alone
    return os.path.normpath(joined) == os.path.normpath(target)


def turn_pointer(pointer: Path, target: Path, staging: Path, *, windows: bool = os.name == "nt") -> None:
    """Let `pointer` name the entry `target` (relative to the pointer's folder), in one step.

    Args:
        pointer: The link, or on Windows the file.
        target: What it names from now on.
        staging: A folder on the same file system for what is not in place yet.
        windows: Whether to write a file.

    Raises:
        OSError: It cannot be done; the pointer is as it was.
    """
    if windows:
        write_atomically(pointer, target.as_posix() + "\n")
        return
    new = staging / f"{pointer.name}.new"
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(pointer)


def pointer_target(pointer: Path) -> str | None:
    """The last part of what `pointer` names; None if there is no pointer."""
    try:
        if pointer.is_symlink():
            return pointer.readlink().name
        return pointer.read_text("utf-8").strip().rpartition("/")[2]
    except (OSError, UnicodeDecodeError):
        return None
