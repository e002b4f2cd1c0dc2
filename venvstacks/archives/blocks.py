"""Cutting archives into blocks that are compressed separately, and how many blocks are compressed at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

MEMORY = 1 << 30
"""Bytes of memory that compressing one archive may take; `Tools.compressors` limits how many are written at once."""


def affordable(threads: int, each: int) -> int:
    """How many of the wanted threads fit into `MEMORY` if each takes `each` bytes; at least one."""
    return max(1, min(threads, MEMORY // each))


def blocks_of(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The bytes of `chunks` in blocks of exactly `size`, the last one shorter; the sizes of chunks do not matter."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
    if held:
        yield bytes(held)
