"""A member of an archive as a reader finds it; the same type for all formats."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class FoundMember:
    """A member as it is in the archive; none of its values has been checked yet.

    Attributes:
        path: As it is written in the archive, without a folder's final slash.
        is_folder: Whether it is a folder.
        size: Size of a file in bytes, as the archive announces it.
        executable: Whether a file's owner may execute it.
        target: What a symbolic link points to, else None.
        content: The bytes of a file; can be read once, before the next member is read.
    """

    path: str
    is_folder: bool = False
    size: int = 0
    executable: bool = False
    target: str | None = None
    content: Iterable[memoryview | bytes] = ()
