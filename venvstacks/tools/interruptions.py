"""What interrupts the wait for a child: signals, held back while it is started, and deadlines."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def signals_held_back() -> Iterator[None]:
    """Handle interrupts afterwards: one that is raised within `Popen` would leave a child that nothing refers to.

    Blocking them would not do, as children inherit that. Other threads than the main one see no signals anyway.
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
