"""How archives are cut into blocks that are compressed on their own, and how many of those at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

MEMORY = 1 << 30
"""Bytes that compressing one archive may take; as many archives as `Tools.compressors` says are under way at once."""


def affordable(threads: int, each: int) -> int:
    """How many of the wanted threads fit into `MEMORY` if each takes `each` bytes; at least one."""
    return max(1, min(threads, MEMORY // each))


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
