"""Progress of what a child process writes into a folder, which reports nothing itself."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

_PAUSE = 1.0  # seconds; looking at thousands of files takes some of a processor's time


@contextlib.contextmanager
def watching(
    folder: Path, what: str, progress: Callable[[str, int, int | None], None] | None, pause: float = _PAUSE
) -> Iterator[None]:
    """Report the growth of a folder until the block ends.

    Args:
        folder: The folder, which need not exist yet.
        what: What progress is reported of.
        progress: Called with it, and with the bytes so far, once more at the end with these as the total; None for
            nobody.
        pause: Seconds between two looks.
    """
    if progress is None:
        yield
        return
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(pause):
            progress(what, folder_size(folder), None)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        size = folder_size(folder)
        progress(what, size, size)


def folder_size(folder: Path | str) -> int:
    """Bytes of all files in a folder; what disappears meanwhile is left out."""
    total = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                total += folder_size(entry.path) if entry.is_dir(follow_symlinks=False) else entry.stat().st_size
    return total
