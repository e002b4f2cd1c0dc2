"""Child processes that outlive a killed run: the next run waits for their end.

A run that is killed with SIGKILL cannot stop its children. They continue to write into folders that the next run is
about to clear, so that run has to detect them. Every child inherits an open, locked file without knowing it. The system
releases the lock when the last process that has the file open ends. A run that ends normally releases its lock itself,
even if a child has left a process behind.

Asking Linux to kill children with their parent (PR_SET_PDEATHSIG) would take code that runs between fork and exec,
which Python warns of in programs with threads, and would not reach what children start (docs/decisions/0010).
"""

from __future__ import annotations

import contextlib
import importlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from venvstacks.errors import InterruptedRunError

fcntl: ModuleType | None = (
    None  # Windows: nothing to wait for, as files that a survivor has open cannot be removed there
)
with contextlib.suppress(ImportError):
    fcntl = importlib.import_module("fcntl")

_PAUSE_SECONDS = 0.05
_guard = threading.Lock()
_held: dict[Path, tuple[int, int]] = {}
"""Descriptor and number of holders of each file that this process holds."""


def hold(
    path: Path, on_wait: Callable[[], None] | None = None, is_cancelled: Callable[[], bool] = lambda: False
) -> bool:
    """Wait until no child of another process holds `path`, then hold it; return whether this process did not before.

    Args:
        path: The file; created if it is missing, never removed.
        on_wait: Called once if there is something to wait for.
        is_cancelled: Called while waiting; returns whether to stop waiting.

    Raises:
        InterruptedRunError: The wait was cancelled.
        OSError: The file cannot be created.
    """
    with _guard:
        if path in _held:
            descriptor, holders = _held[path]
            _held[path] = descriptor, holders + 1
            return False
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(descriptor, on_wait, is_cancelled)
        except BaseException:
            os.close(descriptor)
            raise
        _held[path] = descriptor, 1
        return True


def _lock(descriptor: int, on_wait: Callable[[], None] | None, is_cancelled: Callable[[], bool]) -> None:
    if fcntl is None:
        return
    try:
        while not _try_lock(descriptor):
            if on_wait:
                on_wait()
                on_wait = None
            if is_cancelled():
                raise InterruptedRunError("the run was cancelled")
            time.sleep(_PAUSE_SECONDS)
    except OSError:
        return  # a file system without locks, where survivors cannot be detected


def _try_lock(descriptor: int) -> bool:
    assert fcntl is not None  # noqa: S101 - checked by the caller
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def let_go(path: Path) -> None:
    """Release `path`, also for processes that children of this process have left behind."""
    with _guard:
        descriptor, holders = _held.pop(path)
        if holders > 1:
            _held[path] = descriptor, holders - 1
            return
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # for everybody who has the file open through this descriptor
        os.close(descriptor)


def descriptors() -> tuple[int, ...]:
    """The file descriptors that children have to inherit."""
    if fcntl is None:
        return ()
    # a copy instead of `_guard`, which `hold` keeps for as long as it waits for another run's children
    return tuple(descriptor for descriptor, _ in list(_held.values()))
