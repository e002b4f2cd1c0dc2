"""Compressing blocks on several threads, in order, with bounded memory."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

Item = TypeVar("Item")

MEMORY = 1 << 30
"""Bytes that compressing one archive may take; as many archives as `Tools.compressors` says are under way at once."""


def affordable(threads: int, each: int) -> int:
    """How many of the wanted threads fit into `MEMORY` if each takes `each` bytes; at least one."""
    return max(1, min(threads, MEMORY // each))


@dataclass(frozen=True)
class Workers:
    """Threads for work that releases the interpreter lock, as compression does.

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
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - brings logging with it; only publishing needs it

    pool = ThreadPoolExecutor(count, thread_name_prefix="compress")
    try:
        yield Workers(pool, count)
    finally:
        pool.shutdown(cancel_futures=True)


def blocks_of(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes cut into blocks of exactly `size`, the last one shorter: independent of how they arrive."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
    if held:
        yield bytes(held)
