from __future__ import annotations

import lzma

import pytest

from venvstacks.archives.blocks import MEMORY, affordable
from venvstacks.archives.compression import Compression, xz_stream, zstd_parameters

MIB = 1 << 20


@pytest.mark.parametrize(
    ("threads", "each", "expected"),
    [(4, MIB, 4), (4, MEMORY, 1), (4, MEMORY * 2, 1), (64, MEMORY // 10, 10), (1, 1, 1), (0, MIB, 1)],
)
def test_threads_are_as_many_as_fit(threads: int, each: int, expected: int) -> None:
    assert affordable(threads, each) == expected


@pytest.mark.parametrize(("level", "expected"), [(3, 12), (10, 12), (19, 5)])
def test_zstd_threads_on_a_large_machine(level: int, expected: int) -> None:
    assert zstd_parameters(Compression(level, 64, 500 * MIB)).threads == expected


def test_each_xz_level_is_unpacked_in_bounded_memory() -> None:
    data = b"".join(b"%d" % (number * 7919 % 99_991) for number in range(200_000))
    for level in range(10):
        packed = b"".join(xz_stream([data], Compression(level, 2, len(data), x86=level % 2 == 0)))
        assert lzma.decompress(packed, memlimit=40 * MIB) == data
