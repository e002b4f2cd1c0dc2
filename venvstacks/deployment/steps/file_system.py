"""What a deployment needs of its file system: links to folders, and programs that can be started."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from venvstacks.errors import DeployError
from venvstacks.tools.files import write_program
from venvstacks.tools.folder_links import link_folder


def require_file_system(folder: Path) -> None:
    """Refuse a file system on which nothing can be installed; tried with small files, before anything is fetched.

    Raises:
        DeployError: It has no links, as FAT and exFAT, or programs may not be started from it.
        OSError: The folder cannot be written to.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix=".trial-") as name:
        try:
            link_folder(Path(name, "link"), Path(name))
        except OSError as error:
            raise DeployError(
                f"no deployment can be in {folder}: its file system has no links to folders ({error.strerror})",
                hint="choose a folder on another file system: ext4, XFS, Btrfs, APFS or NTFS, not FAT or exFAT",
            ) from error
    if not starts_programs(folder):
        raise DeployError(
            f"no deployment can be in {folder}: programs may not be started from its file system",
            hint="choose another folder, or have that file system mounted without `noexec`",
        )


def starts_programs(folder: Path) -> bool:
    """Whether programs in a folder can be started: not where the file system is mounted so, or has no such modes.

    Raises:
        OSError: The folder cannot be written to.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix=".trial-") as name:
        program = Path(name, "program")
        try:
            write_program(program, "")
        except PermissionError:  # of changing the mode, as the files of vfat have that of the mount
            return False
        return os.access(program, os.X_OK)
