from __future__ import annotations

import gzip
import threading
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venvstacks.archives.blocks import blocks_of
from venvstacks.archives.compression import Compression, deflate, gzip_stream, zstd_parameters
from venvstacks.tools.workers import workers

MIB = 1024 * 1024


@given(st.lists(st.binary(max_size=30)), st.integers(1, 12))
def test_blocks_hold_the_same_bytes_in_full_blocks(chunks: list[bytes], size: int) -> None:
    blocks = list(blocks_of(chunks, size))
    assert b"".join(blocks) == b"".join(chunks)
    assert all(len(block) == size for block in blocks[:-1])
    assert all(0 < len(block) <= size for block in blocks[-1:])


@given(st.lists(st.binary(max_size=5), max_size=30), st.integers(1, 4))
def test_work_comes_back_in_order(items: list[bytes], count: int) -> None:
    with workers(count) as pool:
        assert list(pool.in_order(bytes.upper, items)) == [item.upper() for item in items]


def test_no_more_is_taken_than_can_be_worked_on() -> None:
    taken = []

    def endless() -> Iterator[bytes]:
        while True:
            taken.append(1)
            yield b""

    with workers(3) as pool:
        results = pool.in_order(lambda item: item, endless())
        for done in range(1, 20):
            next(results)
            assert len(taken) == done + 3


def test_a_failing_block_ends_the_work() -> None:
    begun = threading.Semaphore(0)

    def fail(_: bytes) -> bytes:
        begun.release()
        raise MemoryError

    with pytest.raises(MemoryError), workers(1) as pool:
        list(pool.in_order(fail, [b""] * 1000))
    assert begun.acquire(blocking=False)
    assert not any(thread.name.startswith("worker") for thread in threading.enumerate())


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB + 5])
def test_deflated_blocks_are_one_stream(size: int) -> None:
    content = (b"the frog and the newt " * (size // 22 + 1))[:size]
    with workers(2) as pool:
        packed = b"".join(deflate([content], 6, pool))
    reader = zlib.decompressobj(-zlib.MAX_WBITS)
    assert reader.decompress(packed) + reader.flush() == content
    assert reader.eof
    assert not reader.unused_data


def test_a_block_profits_from_the_one_before_it() -> None:
    page = zlib.compress(bytes(range(256)) * 8) + bytes(range(256)) * 100
    content = (page * (3 * MIB // len(page)))[: 2 * MIB]
    with workers(1) as pool:
        whole = sum(map(len, deflate([content], 6, pool)))
        apart = sum(len(part) for half in (content[:MIB], content[MIB:]) for part in deflate([half], 6, pool))
    assert whole < apart


@given(st.lists(st.binary(max_size=2000), max_size=5))
def test_gzip_is_read_back_and_carries_neither_name_nor_time(chunks: list[bytes]) -> None:
    packed = b"".join(gzip_stream(chunks, Compression(6, 1, 0)))
    assert packed[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    assert gzip.decompress(packed) == b"".join(chunks)


@pytest.mark.parametrize("level", [1, 3, 8, 9, 10, 12, 13, 19, 22])
@pytest.mark.parametrize("expected", [0, 1, 5000, 8 * MIB, 40 * MIB, 10**10])
def test_zstd_never_needs_a_larger_window_than_64_mib(level: int, expected: int) -> None:
    parameters = zstd_parameters(Compression(level, 3, expected))
    assert parameters.window_log <= 26
    assert parameters.threads == 3


def test_small_archives_ask_little_of_who_unpacks_them() -> None:
    assert zstd_parameters(Compression(10, 1, 5000)).window_log <= 13
