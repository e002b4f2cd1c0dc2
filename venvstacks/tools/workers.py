"""Threads for work that releases the interpreter lock: compressing, unpacking, waiting for children."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

Item = TypeVar("Item")
Result = TypeVar("Result")

_PATIENCE_SECONDS = 1.0
_pools = itertools.count()


@dataclass(frozen=True)
class Workers:
    """Threads for work that releases the interpreter lock.

    Attributes:
        pool: The threads.
        count: How many there are.
    """

    pool: ThreadPoolExecutor
    count: int

    def in_order(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """`map(work, items)`, with at most one item more than there are threads in work.

        Items are taken in the calling thread, so that they may come from a file that is being read.
        """
        pending: deque[Future[Result]] = deque()
        for item in items:
            pending.append(self.pool.submit(work, item))
            if len(pending) > self.count:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


@contextlib.contextmanager
def workers(count: int) -> Iterator[Workers]:
    """`count` threads; when the block fails, work that has not begun is dropped.

    An interrupt waits for the threads no longer than a second: one may wait for a server that sends nothing.
    """
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - brings logging with it

    prefix = f"worker-{next(_pools)}-"
    pool = ThreadPoolExecutor(count, thread_name_prefix=prefix)
    waiting = True
    try:
        yield Workers(pool, count)
    except Exception:
        raise
    except BaseException:
        waiting = False
        raise
    finally:
        pool.shutdown(wait=waiting, cancel_futures=True)
        if not waiting:
            _join(prefix, _PATIENCE_SECONDS)


def _join(prefix: str, seconds: float) -> None:
    """Wait for the threads whose names begin with `prefix`, altogether no longer than so many seconds."""
    deadline = time.monotonic() + seconds
    for thread in threading.enumerate():
        if thread.name.startswith(prefix):
            thread.join(max(0.0, deadline - time.monotonic()))
