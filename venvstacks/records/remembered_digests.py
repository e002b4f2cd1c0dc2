"""A cache of file digests, valid while size, inode and times of a file are unchanged.

The modification time alone is not enough, as programs can set it; no program can set the time of the inode's last
change. Files that were changed a moment ago are read again, since a second write in the same tick of the clock would
change none of these values.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from venvstacks.tools.files import write_if_changed

SETTLED_NS = 2_000_000_000
"""Age in nanoseconds from which a file's times show every later write (some file systems count in two seconds)."""

_WORTH_KEEPING = 1 << 20  # bytes; smaller files are read faster than they are looked up
_FIELDS = 4

Identity = tuple[int, ...]


class RememberedDigests:
    """Digests of files by path, kept for the life of the process.

    Args:
        digest: Computes the digest of a file.
        file: Where digests of large files are kept between runs; None to keep none. A file of any other content
            is ignored. It is used only where inodes have a time of their last change (POSIX).
    """

    def __init__(self, digest: Callable[[Path], str], file: Path | None = None) -> None:
        self._digest = digest
        self._file = file if os.name == "posix" else None
        self._known: dict[str, tuple[Identity, str]] = {}
        self._kept = _read(self._file) if self._file else {}

    def __call__(self, path: Path | str) -> str:
        """The digest of a file.

        Raises:
            OSError: It cannot be read.
        """
        info = os.stat(path)  # noqa: PTH116 - asked several times for each input of each task
        identity = (info.st_mtime_ns, info.st_size, info.st_ino, info.st_ctime_ns)
        place = os.fspath(path)
        known = self._known.get(place) or self._kept.get(place)
        if known is not None and known[0] == identity:
            self._known[place] = known
            return known[1]
        digest = self._digest(Path(path))
        if time.time_ns() - max(info.st_mtime_ns, info.st_ctime_ns) > SETTLED_NS:
            self._known[place] = (identity, digest)
        return digest

    def keep(self) -> None:
        """Keep the digests of large files that this run used for later runs, if they can be written."""
        worth = {place: one for place, one in self._known.items() if one[0][1] >= _WORTH_KEEPING}
        if self._file is not None and worth.items() - self._kept.items():
            text = json.dumps({place: [*identity, digest] for place, (identity, digest) in sorted(worth.items())})
            with contextlib.suppress(OSError):
                write_if_changed(self._file, f"{text}\n")


def _read(file: Path) -> dict[str, tuple[Identity, str]]:
    try:
        return {place: _entry(*row) for place, row in json.loads(file.read_bytes()).items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _entry(*row: object) -> tuple[Identity, str]:
    *identity, digest = row
    numbers = tuple(number for number in identity if isinstance(number, int))
    if len(numbers) != _FIELDS or not isinstance(digest, str):
        raise ValueError(row)
    return numbers, digest
