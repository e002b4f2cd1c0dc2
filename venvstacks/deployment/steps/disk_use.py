"""How much of the disk a deployment takes: all files of its instances, with what was generated after unpacking."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping

from venvstacks.deployment.steps.place import Place, stored_ids
from venvstacks.errors import UnreadableError

_BLOCK = 512  # the unit of `st_blocks`, whatever the file system's blocks are
_ROUNDED = 4096


def disk_use(place: Place) -> Mapping[str, int]:
    """Bytes on the disk by instance. A file with several names counts once, for the first instance that has it.

    What cannot be read is left out, so that there is nothing where the user may not read the store. Blocks that files
    share by copy-on-write count for each of them.
    """
    seen: set[tuple[int, int]] = set()
    try:
        ids = stored_ids(place)
    except UnreadableError:
        return {}
    return {id_: sum(_sizes(str(place.store / id_), seen)) for id_ in ids}


def _sizes(folder: str, seen: set[tuple[int, int]]) -> Iterator[int]:
    """The bytes of each file, link and folder below a folder."""
    pending = [folder]
    with contextlib.suppress(OSError):
        yield _allocated(os.lstat(folder))
    while pending:
        with contextlib.suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                info = os.lstat(entry.path)
                if info.st_nlink == 1 or (info.st_dev, info.st_ino) not in seen:
                    yield _allocated(info)
                if info.st_nlink > 1:
                    seen.add((info.st_dev, info.st_ino))


def _allocated(info: os.stat_result) -> int:
    blocks = getattr(info, "st_blocks", None)  # Windows has none
    return -(-info.st_size // _ROUNDED) * _ROUNDED if blocks is None else blocks * _BLOCK
