"""Waiting for what another thread or process does, however busy the machine is."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator


def wait_until(fulfilled: Callable[[], object], seconds: float = 120.0, what: str = "it") -> None:
    """Wait until a condition is fulfilled.

    Args:
        fulfilled: The condition.
        seconds: When nobody will fulfil it any more: many times what it takes on a busy machine.
        what: What is waited for, for the failure.

    Raises:
        AssertionError: It took longer.
    """
    end = time.monotonic() + seconds
    while not fulfilled():
        assert time.monotonic() < end, f"{what} took longer than {seconds:g} s"
        time.sleep(0.02)


@contextlib.contextmanager
def ended_with_block(child: subprocess.Popen[str]) -> Iterator[None]:
    """Kill a child that is still running at the end of the block, and close its pipes.

    A child that a failing test leaves behind is a warning in a later test, which fails too.
    """
    with child:
        try:
            yield
        finally:
            child.kill()
