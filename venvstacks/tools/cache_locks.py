"""Locks on entries of the cache: of several runs that want the same one, the first makes it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from venvstacks.errors import BuildError
from venvstacks.tools.files import make_folders


@contextlib.contextmanager
def entries_locked(folder: Path, names: Iterable[str]) -> Iterator[None]:
    """Hold the locks of these entries of a folder of the cache; waits for other runs that hold them.

    Whoever only reads an entry needs no lock: a cache folder may be read-only as long as everything is in it. It notes
    the use before it reads: nobody removes an entry that was used a moment ago.

    Raises:
        BuildError: The cache cannot be written to.
    """
    from filelock import FileLock  # noqa: PLC0415 - 30 ms, and only runs that fill the cache come here

    locks = folder / "locks"
    with contextlib.ExitStack() as held:
        try:
            make_folders(locks)
            for name in sorted(names):
                held.enter_context(FileLock(locks / name))
        except OSError as error:
            raise BuildError(
                f"the cache folder {folder} cannot be written: {error.strerror}",
                hint="make it writable, or name another folder in the environment variable VENVSTACKS_CACHE",
            ) from error
        yield


def note_use(place: Path) -> None:
    """Set the time of an entry's file or folder, which is that of its last use; nothing where that is not possible."""
    with contextlib.suppress(OSError):
        os.utime(place)
