"""Child processes that outlive a killed run: the next run waits until they have ended.

A run that is killed with SIGKILL cannot stop its children. They go on in folders that the next run is about to clear,
so that run has to know of them. Every child is handed an open, locked file and knows nothing of it; the system
takes the lock back when the last process that has the file open is gone, however it ends. The lock of a run that
ends in good order is taken back by the run itself, even if a child left a process behind.

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
    None  # Windows: files that a survivor has open cannot be removed there; it has to end on its own
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
    """Wait until no child of another process holds `path`, then hold it; say whether this process had not before.

    Args:
        path: The file; made if it is missing, never removed.
        on_wait: Called once if there is something to wait for.
        is_cancelled: Asked while waiting: whether to wait no longer.

    Raises:
        InterruptedRunError: The wait was cancelled.
        OSError: The file cannot be made.
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
        return  # a file system without locks: nothing can be known there


def _try_lock(descriptor: int) -> bool:
    assert fcntl is not None  # noqa: S101 - its caller has looked
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def let_go(path: Path) -> None:
    """Hold `path` no longer; whatever children of this process left behind does not hold it either."""
    with _guard:
        descriptor, holders = _held.pop(path)
        if holders > 1:
            _held[path] = descriptor, holders - 1
            return
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # for everybody who has the file open through this descriptor
        os.close(descriptor)


def descriptors() -> tuple[int, ...]:
    """What children have to be handed."""
    if fcntl is None:
        return ()
    # a copy instead of `_guard`, which `hold` keeps for as long as it waits for another run's children
    return tuple(descriptor for descriptor, _ in list(_held.values()))
