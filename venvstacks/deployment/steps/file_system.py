"""What a deployment needs of its file system: links to folders, locks, and programs that can be started."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path

from venvstacks.errors import DeployError
from venvstacks.modes import file_mode
from venvstacks.tools.file_lock import file_lock
from venvstacks.tools.file_systems import TRIAL, starts_programs
from venvstacks.tools.folder_links import link_folder

_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP})


def require_file_system(folder: Path) -> None:
    """Refuse a file system on which nothing can be installed; tried with small files, before anything is fetched.

    Raises:
        DeployError: It has no links, as FAT and exFAT, or does not follow them, as sshfs may; it has no locks; or
            programs may not be started from it.
        OSError: The folder cannot be written to.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix=TRIAL) as name:
        below, link = Path(name, "store/below"), Path(name, "store/above/link")
        below.mkdir(parents=True)
        link.parent.mkdir()
        try:
            link_folder(link, below)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise
            raise DeployError(
                f"no deployment can be in {folder}: its file system has no links to folders ({error.strerror})",
                hint="choose a folder on another file system: ext4, XFS, Btrfs, APFS or NTFS, not FAT or exFAT",
            ) from error
        try:
            link.stat()
        except OSError as error:
            raise DeployError(
                f"no deployment can be in {folder}: its file system does not follow links with '..' ({error.strerror})",
                hint="choose another folder, or mount that file system otherwise (sshfs: `-o no_contain_symlinks`)",
            ) from error
        try:
            with file_lock(Path(name, "lock"), mode=file_mode(executable=False), on_wait=lambda: None):
                pass
        except OSError as error:
            raise without_locks(folder, error) or error from error
    if not starts_programs(folder):
        raise DeployError(
            f"no deployment can be in {folder}: programs may not be started from its file system",
            hint="choose another folder, or have that file system mounted without `noexec`",
        )


def without_locks(folder: Path, error: OSError) -> DeployError | None:
    """What to report if a file cannot be locked because the file system has no locks; None for other failures."""
    if error.errno not in _NO_LOCKS:
        return None
    return DeployError(
        f"{folder} cannot be locked: its file system has no locks ({error.strerror})",
        hint="have it mounted with locks (NFS: the server's lock service, or `local_lock=flock` if only this machine "
        "deploys there), or choose another folder",
    )
