"""Interruptions of waiting: signals, which are deferred while a child is started, and time limits."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

LOOK_SECONDS = 0.2
"""How long the main thread may wait at a time for threads and children that take long.

Python only notes that a signal has come; the main thread handles it when it executes its next instruction. If the
signal comes in the moment before that thread begins to wait, nothing wakes it, and the signal has no effect until the
wait is over. On a busy machine that moment is long.
"""


def handling_signals(wait: Callable[[], int]) -> int:
    """The result of `wait`, such as a child's exit status; the main thread handles signals while it waits.

    Args:
        wait: Waits without end; called in another thread as well, and again when it has returned there.
    """
    if threading.current_thread() is threading.main_thread():
        ended = threading.Event()

        def wait_elsewhere() -> None:
            wait()
            ended.set()

        threading.Thread(target=wait_elsewhere, name="waiting", daemon=True).start()
        while not ended.wait(LOOK_SECONDS):
            pass
    return wait()


@contextlib.contextmanager
def signals_held_back() -> Iterator[None]:
    """Handle interrupts afterwards: one that is raised within `Popen` would leave a child that nothing refers to.

    Signals cannot be blocked instead, as children inherit that. Only the main thread gets signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []
    handlers = {
        number: signal.signal(number, lambda number, _: received.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for late in received:
            signal.raise_signal(late)


@contextlib.contextmanager
def deadline(limit: float | None, end: Callable[[], None]) -> Iterator[None]:
    """Call `end` in a thread of its own if the block takes longer than `limit` seconds."""
    if limit is None:
        yield
        return
    timer = threading.Timer(limit, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
