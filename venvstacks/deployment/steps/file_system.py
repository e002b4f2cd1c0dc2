"""What a deployment needs of its file system: links to folders, and programs that can be started."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path

from venvstacks.errors import DeployError
from venvstacks.tools.file_systems import TRIAL, starts_programs
from venvstacks.tools.folder_links import link_folder


def require_file_system(folder: Path) -> None:
    """Refuse a file system on which nothing can be installed; tried with small files, before anything is fetched.

    Raises:
        DeployError: It has no links, as FAT and exFAT, or programs may not be started from it.
        OSError: The folder cannot be written to.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix=TRIAL) as name:
        try:
            link_folder(Path(name, "link"), Path(name))
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise
            raise DeployError(
                f"no deployment can be in {folder}: its file system has no links to folders ({error.strerror})",
                hint="choose a folder on another file system: ext4, XFS, Btrfs, APFS or NTFS, not FAT or exFAT",
            ) from error
    if not starts_programs(folder):
        raise DeployError(
            f"no deployment can be in {folder}: programs may not be started from its file system",
            hint="choose another folder, or have that file system mounted without `noexec`",
        )
