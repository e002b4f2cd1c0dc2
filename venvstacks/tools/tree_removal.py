"""Removal of trees: read-only folders in them, links out of them, and what other processes remove meanwhile."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import sys
from pathlib import Path


def is_folder_link(place: Path) -> bool:
    """Whether `place` is a symbolic link or a junction (Windows' link to a folder), with any target."""
    try:
        info = place.lstat()
    except OSError:
        return False
    junction: int = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", -1)  # only Python on Windows has the name
    return stat.S_ISLNK(info.st_mode) or getattr(info, "st_reparse_tag", 0) == junction


def remove_tree(path: Path) -> None:
    """Remove a file, link or tree if it is there; read-only folders within the tree are made writable.

    Nothing outside the tree is changed: a tree in a read-only folder cannot be removed as a whole.

    Raises:
        OSError: Something could not be removed.
    """
    if is_folder_link(path) or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    try:
        shutil.rmtree(path)
    except OSError:
        if not os.path.lexists(path):
            return  # another process has removed it
        _make_removable(path)
        shutil.rmtree(path)


def remove_what_can_be(path: Path) -> list[OSError]:
    """Remove a file, link or tree as `remove_tree` does, but go on where something cannot be removed.

    Returns:
        Why something is left, one error for each file or folder that could not be removed.
    """
    failures = _remove_where_possible(path)
    if not failures:
        return []
    _make_removable(path)
    return _remove_where_possible(path)


def _remove_where_possible(path: Path) -> list[OSError]:
    failures: list[OSError] = []

    def note(function: object, name: str, error: BaseException) -> None:  # noqa: ARG001 - shutil's protocol
        # not empty: its entries have been reported; missing: as wanted
        if isinstance(error, OSError) and error.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT}:
            error.filename = name  # it may hold the last part of the path alone
            failures.append(error)

    try:
        if is_folder_link(path) or not path.is_dir():
            path.unlink(missing_ok=True)
        elif sys.version_info >= (3, 12):
            shutil.rmtree(path, onexc=note)
        else:
            shutil.rmtree(path, onerror=lambda function, name, info: note(function, name, info[1]))
    except OSError as error:
        failures.append(error)
    return failures


def _make_removable(tree: Path) -> None:
    """Give the owner all rights to the folders of a tree; on Windows, where files have to be writable, to files too."""
    _allow(tree, 0o700)
    for folder, names, files in os.walk(tree):  # topdown: a folder is listed after it was made readable
        names[:] = [name for name in names if not is_folder_link(Path(folder, name))]
        for name in names:
            _allow(Path(folder, name), 0o700)
        if os.name != "posix":  # on other systems the mode may belong to further names of the file
            for name in files:
                _allow(Path(folder, name), stat.S_IWRITE)


def _allow(path: Path, mode: int) -> None:
    if not path.is_symlink():
        with contextlib.suppress(OSError):  # removing reports what is wrong
            path.chmod(mode)
