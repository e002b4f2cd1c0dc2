"""Threads for work that releases the interpreter lock: compressing, unpacking, waiting for children."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

Item = TypeVar("Item")


@dataclass(frozen=True)
class Workers:
    """Threads for work that releases the interpreter lock.

    Attributes:
        pool: The threads.
        count: How many there are.
    """

    pool: ThreadPoolExecutor
    count: int

    def in_order(self, work: Callable[[Item], bytes], items: Iterable[Item]) -> Iterator[bytes]:
        """`map(work, items)`, with at most one item more under way than there are threads.

        Items are taken in the calling thread, so that they may come from a file that is being read.
        """
        pending: deque[Future[bytes]] = deque()
        for item in items:
            pending.append(self.pool.submit(work, item))
            if len(pending) > self.count:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


@contextlib.contextmanager
def workers(count: int) -> Iterator[Workers]:
    """`count` threads; when the block fails, what has not begun is dropped."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - brings logging with it

    pool = ThreadPoolExecutor(count, thread_name_prefix="worker")
    try:
        yield Workers(pool, count)
    finally:
        pool.shutdown(cancel_futures=True)
