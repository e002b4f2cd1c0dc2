"""What the file system of a folder can do: start programs, keep modes, and hold how much more."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path

from venvstacks.tools.files import write_program

TRIAL = ".trial-"
"""What the names of files begin with that are removed at once."""


def free_bytes(folder: Path) -> int:
    """Bytes that are free where a folder is; `sys.maxsize` on a file system without a limit, as ramfs.

    Raises:
        OSError: There is no such folder.
    """
    usage = shutil.disk_usage(folder)
    return usage.free if usage.total else sys.maxsize


def starts_programs(folder: Path) -> bool:
    """Whether programs in a folder can be started: not where the file system is mounted so, or has no such modes.

    Raises:
        OSError: The folder cannot be written to.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix=TRIAL) as name:
        program = Path(name, "program")
        try:
            write_program(program, "")
        except PermissionError:  # of changing the mode, as the files of vfat have that of the mount
            return False
        return os.access(program, os.X_OK)


def keeps_modes(folder: Path) -> bool:
    """Whether a file in a folder can be closed to other users.

    It cannot where all files have the modes of the mount, as those of NTFS, FAT and network shares often have. Where
    this user may write nothing, the answer is yes.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=TRIAL) as stream:
            return os.name != "posix" or not os.fstat(stream.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    except OSError:
        return True
