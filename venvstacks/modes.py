"""The rule for modes of files: everybody may read them, and execute what the owner may execute.

Other bits depend on the umask and on the program that unpacked a file: they are neither compared nor published.
"""

from __future__ import annotations

import stat

FOLDER_MODE = 0o755


def is_executable(mode: int) -> bool:
    """Whether a file with these mode bits counts as executable."""
    return bool(mode & stat.S_IXUSR)


def file_mode(*, executable: bool) -> int:
    """The permissions of a file."""
    return 0o755 if executable else 0o644


def settled_mode(mode: int) -> int:
    """The permissions that a file with these mode bits is given."""
    return file_mode(executable=is_executable(mode))
