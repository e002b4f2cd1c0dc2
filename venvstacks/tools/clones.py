"""Independent copies of files: clones where the file system has copy-on-write, else copies.

A hard link is the same file under a second name: a program that edits it in place (`patchelf`, an editor, `>>`) edits
it everywhere, in uv's cache too. See docs/decisions/0007.
"""

from __future__ import annotations

import errno
import os
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from venvstacks.modes import settled_mode
from venvstacks.tools.files import link_or_copy

if TYPE_CHECKING:
    from collections.abc import Callable

LinkMode = Literal["clone", "copy", "hardlink"]
"""How files get into a folder: cloned if possible (else copied), always copied, or hard-linked if possible."""

_FICLONE = 0x40049409  # linux/fs.h: _IOW(0x94, 9, int)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_PIECE = 1 << 20
_AT_ONCE = 1 << 30


def lay_file(source: Path | str, target: Path | str, mode: LinkMode = "clone") -> None:
    """Create the file `target` with the content and the executable bit of `source`.

    Raises:
        OSError: It cannot be read or written, or `target` is there already.
    """
    if mode == "hardlink":
        if os.path.lexists(target):  # what the fallback, a copy, would write into
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(target))
        link_or_copy(Path(source), Path(target))
    elif mode == "clone" and _cloned_by_name(os.fspath(source), os.fspath(target)):
        Path(target).chmod(settled_mode(Path(target).stat().st_mode))
    else:
        _copy(source, target, clone=mode == "clone")


def clone_file(source: Path, target: Path) -> bool:
    """Create the file `target` as a clone of `source`; its mode is for the caller to set.

    Returns:
        Whether it was created; nothing is where the file system has no clones.

    Raises:
        OSError: `source` cannot be read, or `target` is there already.
    """
    if sys.platform != "linux":
        return _cloned_by_name(os.fspath(source), os.fspath(target))
    with source.open("rb") as reading, target.open("xb") as writing:
        done = _cloned(reading.fileno(), writing.fileno())
    if not done:
        target.unlink()
    return done


def _copy(source: Path | str, target: Path | str, *, clone: bool) -> None:
    reading = os.open(source, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        info = os.fstat(reading)
        mode = settled_mode(info.st_mode)
        writing = os.open(target, _NEW, mode)
        try:
            if not (clone and _cloned(reading, writing)):
                _copy_bytes(reading, writing, info.st_size)
            if hasattr(os, "fchmod"):  # under any umask
                os.fchmod(writing, mode)
        finally:
            os.close(writing)
    finally:
        os.close(reading)


def _cloned(reading: int, writing: int) -> bool:
    """Share the blocks of an open file with a new one (Btrfs, XFS, bcachefs, ZFS on Linux); say whether that worked."""
    if sys.platform != "linux":
        return False
    import fcntl  # noqa: PLC0415 - not on every system

    try:
        fcntl.ioctl(writing, _FICLONE, reading)
    except OSError:  # file systems refuse with different errors; if something else is wrong, copying fails too
        return False
    return True


def _copy_bytes(reading: int, writing: int, size: int) -> None:
    """Copy within the kernel where it supports that; copy the rest with reads and writes."""
    if hasattr(os, "copy_file_range") and size:
        try:
            while os.copy_file_range(reading, writing, _AT_ONCE):
                pass
        except OSError:  # between some file systems, and in some sandboxes
            pass
    while piece := os.read(reading, _PIECE):
        view = memoryview(piece)
        while view:
            view = view[os.write(writing, view) :]


def _cloned_by_name(source: str, target: str) -> bool:
    """Clone a file by name, as macOS does (APFS); say whether that worked."""
    clone = _clonefile()
    return clone is not None and clone(os.fsencode(source), os.fsencode(target), 0) == 0


@cache
def _clonefile() -> Callable[[bytes, bytes, int], int] | None:
    function: Callable[[bytes, bytes, int], int] | None = None
    if sys.platform == "darwin":
        import ctypes  # noqa: PLC0415 - only where it is needed

        function = getattr(ctypes.CDLL(None), "clonefile", None)
    return function
