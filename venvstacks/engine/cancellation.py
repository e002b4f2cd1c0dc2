"""Cancellation of a run from another thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from venvstacks.errors import InterruptedRunError


class Cancellation:
    """Ends a run from another thread: pass one to `run`, `preview_locks` or `verify`, and call `cancel` to end it.

    A cancelled run ends its child processes, starts no further task and raises `InterruptedRunError`, like a run that a
    signal interrupts. Use one object for one run.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._cancelled = False
        self._actions: list[Callable[[], None]] = []

    @property
    def is_cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled

    def cancel(self) -> None:
        """End the run; may be called at any time, more than once, and from any thread."""
        with self._guard:
            self._cancelled = True
            for action in self._actions:
                action()

    @contextmanager
    def calling(self, action: Callable[[], None]) -> Iterator[None]:
        """Call `action` if the run is cancelled within the block, or was before.

        Raises:
            InterruptedRunError: At the end of the block, if the run was cancelled.
        """
        with self._guard:
            self._actions.append(action)
            if self._cancelled:
                action()
        try:
            yield
        finally:
            with self._guard:
                self._actions.remove(action)
        self.check()

    def check(self) -> None:
        """Do nothing, unless the run was cancelled.

        Raises:
            InterruptedRunError: It was.
        """
        if self._cancelled:
            raise InterruptedRunError("the run was cancelled")
