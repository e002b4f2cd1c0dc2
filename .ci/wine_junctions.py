"""Junctions for a Windows Python under Wine 8, which has none: symbolic links of the host, shown as junctions.

Installed as `sitecustomize` of the Python that runs the command line. Wine follows such links and marks them as reparse
points, but says neither of which kind nor where they lead, cannot create them, and removes what they lead to.
"""

from __future__ import annotations

import _winapi
import ctypes
import os
import shutil
import stat
import subprocess
import time
from collections.abc import Callable
from typing import Any

_KERNEL = ctypes.windll.kernel32
_KERNEL.GetFileAttributesW.argtypes = [ctypes.c_wchar_p]
_KERNEL.wine_get_unix_file_name.argtypes = [ctypes.c_wchar_p]
_KERNEL.wine_get_unix_file_name.restype = ctypes.c_char_p
_REPARSE_POINT = 0x400
_MOUNT_POINT = 0xA0000003
_PATIENCE = 10.0

_stat, _unlink, _rmdir, _readlink, _rmtree_isdir = os.stat, os.unlink, os.rmdir, os.readlink, shutil._rmtree_isdir


def _attributes(path: Any) -> int:
    found = _KERNEL.GetFileAttributesW(os.fsdecode(path))
    return 0 if found in {-1, 0xFFFFFFFF} else int(found)


def _is_junction(path: Any) -> bool:
    return not isinstance(path, int) and bool(_attributes(path) & _REPARSE_POINT)


def _native(path: Any) -> str:
    return str(_KERNEL.wine_get_unix_file_name(os.path.abspath(os.fsdecode(path))).decode())


def _run_natively(done: Callable[[], bool], *command: str) -> None:
    """Run a program of the host, whose process Wine gives no handle for, and wait for its effect."""
    _winapi.CreateProcess(None, subprocess.list2cmdline(command), None, None, False, 0, None, None, None)
    end = time.monotonic() + _PATIENCE
    while not done():
        if time.monotonic() > end:
            raise OSError(f"without effect: {command}")
        time.sleep(0.01)


def _create(target: str, place: str) -> None:
    if not os.path.isdir(target):
        raise FileNotFoundError(2, "a junction leads to a folder that exists", target)
    if _attributes(place):
        raise FileExistsError(17, "something is in the way", place)
    _run_natively(lambda: _is_junction(place), r"Z:\bin\ln", "-s", _native(target), _native(place))


def _remove(path: Any) -> None:
    _run_natively(lambda: not _attributes(path), r"Z:\bin\rm", _native(path))


def _junction_stat(path: Any, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> os.stat_result:
    found = _stat(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
    if follow_symlinks or not _is_junction(path):
        return found
    further = {"st_reparse_tag": _MOUNT_POINT, "st_file_attributes": found.st_file_attributes | _REPARSE_POINT}
    return os.stat_result(tuple(found), further)


def _removing(otherwise: Callable[..., None]) -> Callable[..., None]:
    def remove(path: Any, *, dir_fd: int | None = None) -> None:
        _remove(path) if _is_junction(path) else otherwise(path, dir_fd=dir_fd)

    return remove


def _target(path: Any, *, dir_fd: int | None = None) -> str:
    if not _is_junction(path):
        return str(_readlink(path, dir_fd=dir_fd))
    answer = os.path.join(os.environ["TEMP"], f"link-{os.getpid()}-{time.monotonic_ns()}")
    script = 'readlink "$1" >"$2.part"; mv "$2.part" "$2"'
    _run_natively(lambda: os.path.exists(answer), r"Z:\bin\sh", "-c", script, "sh", _native(path), _native(answer))
    with open(answer, encoding="utf-8") as stream:
        text = stream.read().removesuffix("\n")
    _unlink(answer)
    inside = text.removeprefix(_native("C:\\").rstrip("/"))
    return ("\\\\?\\Z:" if inside == text else "\\\\?\\C:") + inside.replace("/", "\\")


_winapi.CreateJunction = _create
os.stat = _junction_stat
os.lstat = lambda path, *, dir_fd=None: _junction_stat(path, dir_fd=dir_fd, follow_symlinks=False)
os.unlink = os.remove = _removing(_unlink)
os.rmdir = _removing(_rmdir)
os.readlink = _target
shutil._rmtree_isdir = lambda entry: not _is_junction(entry.path) and _rmtree_isdir(entry)
assert stat.IO_REPARSE_TAG_MOUNT_POINT == _MOUNT_POINT  # noqa: S101
