"""Hints for failed writes: a table from kinds of failures to what a user can do."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from venvstacks.tools.long_paths import TOO_LONG, is_too_long
from venvstacks.tools.patience import is_in_use, is_refused

_Cause = Literal["full", "refused", "in_the_way", "otherwise"]
_NO_JUNCTIONS = frozenset({1, 50})
"""Windows' error codes: invalid function, request not supported."""

_LACKING = frozenset({errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP})

_CAUSES: Mapping[int, _Cause] = {
    errno.ENOSPC: "full",
    errno.EFBIG: "full",
    errno.EDQUOT: "full",
    errno.EACCES: "refused",
    errno.EPERM: "refused",
    errno.EROFS: "refused",
    errno.EEXIST: "in_the_way",
    errno.ENOTDIR: "in_the_way",
}


@dataclass(frozen=True)
class WriteHints:
    """Hints for users, for each cause of a failed write.

    Attributes:
        full: The disk or the quota is full, or the file is too large for the file system.
        refused: Permissions or a read-only file system.
        in_the_way: A file is where a folder is needed.
        otherwise: Everything else.
    """

    full: str
    refused: str
    in_the_way: str
    otherwise: str

    def for_error(self, error: OSError) -> str:
        """The hint for this failure."""
        return special_hint(error) or str(getattr(self, _CAUSES.get(error.errno or 0, "otherwise")))


def special_hint(error: OSError) -> str | None:
    """The hint for a failure that has the same cause for all files: one in use, a path too long, the file system."""
    if is_in_use(error):
        right = " (or you may not change it)" if is_refused(error) else ""
        return f"another program uses it, or a file in it{right}: close that program and run the same command again"
    if getattr(error, "winerror", None) in _NO_JUNCTIONS:
        return "that file system has no links to folders: choose a folder on one with junctions, such as NTFS or ReFS"
    if error.errno in _LACKING:
        return "that file system lacks what is needed, such as symbolic links: choose a folder on another one"
    if error.errno == errno.EXDEV:
        return "that folder and the one above are on different file systems: they have to be on the same one"
    if error.errno == errno.ENAMETOOLONG and os.name == "posix":
        return "choose a folder with a shorter path"
    return TOO_LONG if is_too_long(error) else None
