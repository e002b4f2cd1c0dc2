"""A lock on a file that excludes other processes, on the standard library alone.

It is the lock of the `filelock` package (flock, on Windows a lock on the first byte), so that both exclude each other.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

_PAUSE_SECONDS = 0.05

_fcntl: ModuleType | None = None
_msvcrt: ModuleType | None = None
with contextlib.suppress(ImportError):
    _fcntl = importlib.import_module("fcntl")
with contextlib.suppress(ImportError):
    _msvcrt = importlib.import_module("msvcrt")


class LockHeldError(Exception):
    """Another process holds the lock, and was waited for as long as that was wanted."""


@contextlib.contextmanager
def file_lock(path: Path, *, mode: int, timeout: float = -1, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold a lock until the block, or this process, ends.

    Args:
        path: The file; created if it is missing, never removed.
        mode: Its permissions when it is created.
        timeout: Seconds to wait; negative for as long as it takes.
        on_wait: Called once if there is something to wait for.

    Raises:
        LockHeldError: Another process holds it.
        OSError: The file cannot be created or opened.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags | getattr(os, "O_NOINHERIT", 0), mode)
    try:
        _wait(descriptor, timeout, on_wait)
        with contextlib.suppress(OSError):  # a file that somebody else owns
            os.chmod(path, mode)  # noqa: PTH101 - as in `os.open`; under any umask
        yield
    finally:
        os.close(descriptor)


def _wait(descriptor: int, timeout: float, on_wait: Callable[[], None]) -> None:
    end = time.monotonic() + timeout
    waiting = False
    while not _try_lock(descriptor):
        if not waiting:
            on_wait()
            waiting = True
        if timeout >= 0 and time.monotonic() >= end:
            raise LockHeldError
        time.sleep(_PAUSE_SECONDS)


def _try_lock(descriptor: int) -> bool:
    try:
        if _fcntl is not None:
            _fcntl.flock(descriptor, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
        elif _msvcrt is not None:
            os.lseek(descriptor, 0, os.SEEK_SET)
            _msvcrt.locking(descriptor, _msvcrt.LK_NBLCK, 1)
    except (BlockingIOError, PermissionError):  # the latter: how Windows says it
        return False
    return True
