"""Interruptions of the wait for a child: signals, which are deferred while it is started, and time limits."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator


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
