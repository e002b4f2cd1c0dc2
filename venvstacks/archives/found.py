"""What a reader finds in an archive, whichever format it is in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class FoundMember:
    """A member as the archive presents it; nothing about it is trusted yet.

    Attributes:
        path: As it stands there, without a folder's final slash.
        is_folder: Whether it is a folder.
        size: Bytes of a file that the archive announces.
        executable: Whether a file's owner may execute it.
        target: What a symbolic link points to, else None.
        content: The bytes of a file; can be read once, before the next member is asked for.
    """

    path: str
    is_folder: bool = False
    size: int = 0
    executable: bool = False
    target: str | None = None
    content: Iterable[memoryview | bytes] = ()
