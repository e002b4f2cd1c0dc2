"""Links to folders, and the pointer that is replaced in one step, on systems with symbolic links and on Windows.

Windows lets ordinary users make directory junctions, which are absolute and cannot be replaced in one step. There,
the pointer is a small file that holds the target's name.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
from pathlib import Path

from venvstacks.tools.files import link_or_copy, read_regular, write_atomically
from venvstacks.tools.patience import replace_patiently


def link_folder(place: Path, target: Path, *, windows: bool = os.name == "nt") -> None:
    """Make `place` lead to the folder `target`; both are absolute.

    Raises:
        OSError: The link cannot be made, something is at `place`, or (on Windows) there is no folder `target`.
    """
    if windows:
        if not target.is_dir():  # else a junction is made that leads nowhere, or none, as the file system likes
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(target))
        try:
            importlib.import_module("_winapi").CreateJunction(str(target), str(place))
        except FileExistsError:
            raise
        except OSError:
            with contextlib.suppress(OSError):
                place.rmdir()  # the folder that was to become the junction
            raise
    else:
        place.symlink_to(os.path.relpath(target, place.parent), target_is_directory=True)


def link_entry(place: Path, target: Path, *, windows: bool = os.name == "nt") -> None:
    """Make `place` lead to the folder or file `target` by its absolute path; on Windows files are hard links or copies.

    Raises:
        OSError: It cannot be done.
    """
    if not windows:
        place.symlink_to(target, target_is_directory=target.is_dir())
    elif target.is_dir():
        link_folder(place, target, windows=windows)
    else:
        link_or_copy(target, place)


def leads_to(place: Path, target: Path) -> bool:
    """Whether `place` is a link to the folder `target`, which may be missing."""
    try:
        found = os.readlink(place)  # noqa: PTH115 - of junctions as well, with Windows' own prefix
    except OSError:
        return False
    joined = os.path.join(place.parent, found.removeprefix("\\\\?\\"))  # noqa: PTH118 - absolute targets replace it
    return os.path.normpath(joined) == os.path.normpath(target)


def turn_pointer(pointer: Path, target: Path, staging: Path, *, windows: bool = os.name == "nt") -> None:
    """Make `pointer` name the entry `target` (relative to the pointer's folder), in one step.

    Args:
        pointer: The link, or on Windows the file.
        target: The entry that it is to name.
        staging: A folder on the same file system, where the new link is made.
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
    if pointer.is_dir() and not pointer.is_symlink():  # a copy of a deployment may have it: nothing replaces a folder
        pointer.rename(staging / f"{pointer.name}.old")
    replace_patiently(new, pointer)


def pointer_target(pointer: Path) -> str | None:
    """The last part of what `pointer` names; None if there is no pointer."""
    try:
        if pointer.is_symlink():
            return pointer.readlink().name
        return read_regular(pointer).decode("utf-8").strip().rpartition("/")[2]
    except (OSError, UnicodeDecodeError):
        return None
