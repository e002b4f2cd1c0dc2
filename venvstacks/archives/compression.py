"""Compressed streams: zstandard, xz and gzip, each giving the same bytes for any number of threads.

The bytes also depend on the compression library's version, which is why published metadata records it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from venvstacks.archives.blocks import affordable, blocks_of
from venvstacks.tools.workers import Workers, workers

if TYPE_CHECKING:
    from zstandard import ZstdCompressionParameters

_MIB = 1024 * 1024
_WINDOW_LOG = 26
_XZ_BLOCK = 24 * _MIB
_XZ_MEMORY = (3, 9, 17, 32, 48, 94, 94, 186, 280, 280)
"""MiB of memory of a compressor at each level, from xz's manual; levels 8 and 9 with a dictionary of one block."""
_XZ_LARGE_DICTIONARIES = range(8, 10)
_ZSTD_MEMORY = (80, 200)
"""MiB of memory of a thread up to level 12, and above it; measured: 75 at level 10, 95 to 150 at level 15."""
_GATHERED = 64 * 1024
_ZSTD_NEAR = range(9, 13)
"""Levels at which long-distance matching makes archives larger."""
_DEFLATE_BLOCK = _MIB
_DEFLATE_WINDOW = 32 * 1024
_DEFLATE_END = b"\x03\x00"


@dataclass(frozen=True)
class Compression:
    """How to compress.

    Attributes:
        level: The compression level, on the format's own scale.
        threads: How many threads may work, at least 1; has no influence on the bytes.
        expected: About how many bytes are to be compressed, computed from the members. Sizes of tables are derived
            from it, so it has an influence on the bytes.
        x86: Whether the members hold programs for x86 processors.
    """

    level: int
    threads: int
    expected: int
    x86: bool = False


Compressed = Generator[bytes, None, None]


def zstd_stream(chunks: Iterable[bytes], compression: Compression) -> Compressed:
    """One zstandard frame (RFC 8878) with a checksum.

    Any number of threads from 1 on gives the same bytes (measured with zstd 1.5.7); 0 would be another code path. The
    sizes of chunks do not matter either, and archives of small files have three chunks for each of them.
    """
    import zstandard  # noqa: PLC0415 - a slow import that only publishing needs

    compressor = zstandard.ZstdCompressor(compression_params=zstd_parameters(compression)).compressobj()
    for piece in _gathered(chunks):
        if compressed := compressor.compress(piece):
            yield compressed
    yield compressor.flush()


def _gathered(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces that are not small, except for the last one."""
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= _GATHERED:
            yield b"".join(held)
            held.clear()
            size = 0
    yield b"".join(held)


def zstd_parameters(compression: Compression) -> ZstdCompressionParameters:
    """Parameters by level and amount of data; chosen by measuring the large layers of the sample and of PyTorch.

    A window of 64 MiB finds repetitions among the shared libraries of one layer, and decompressors need no option for
    it (`zstd` accepts up to 128 MiB by default). The input is divided into jobs for the threads; each job first reads
    the end of the job before it, as much as the windows overlap.

    At the levels around the default, long-distance matches displace better matches nearby. Without long-distance
    matching, and with a large table for near matches, level 10 gives 126.6 instead of 127.7 MB and 137.8 instead of
    139.7 MB in 14 % more time; jobs are as large as the memory limit of a thread allows. Below those levels,
    long-distance matching makes archives 1.4 % smaller; above them, it halves the time.
    """
    from zstandard import ZstdCompressionParameters  # noqa: PLC0415 - as above

    each = _ZSTD_MEMORY[compression.level > 12] * _MIB
    common = {"threads": affordable(compression.threads, each), "write_checksum": True}
    expected = max(1, compression.expected)
    if expected < 8 * _MIB:
        return ZstdCompressionParameters.from_level(compression.level, source_size=expected, **common)
    common["window_log"] = min(_WINDOW_LOG, expected.bit_length())
    if compression.level in _ZSTD_NEAR:
        return ZstdCompressionParameters.from_level(
            compression.level, job_size=20 * _MIB, overlap_log=7, hash_log=23, **common
        )
    job_size = (4 if compression.level < _ZSTD_NEAR.start else 32) * _MIB
    return ZstdCompressionParameters.from_level(
        compression.level, job_size=job_size, overlap_log=8, enable_ldm=True, **common
    )


def xz_stream(chunks: Iterable[bytes], compression: Compression) -> Compressed:
    """Concatenated xz streams of 24 MiB of content each, which every xz reader takes as one."""
    work = partial(_xz_block, level=compression.level, x86=compression.x86)
    each = _XZ_MEMORY[compression.level] * _MIB + 3 * _XZ_BLOCK
    with workers(affordable(compression.threads, each)) as threads:
        yield from threads.in_order(work, blocks_of(chunks, _XZ_BLOCK))


def _xz_block(block: bytes, level: int, *, x86: bool) -> bytes:
    """One xz stream; the BCJ filter for x86 programs makes calls of one function look alike (saves 1 to 2 %)."""
    import lzma  # noqa: PLC0415 - not part of every Python

    filters: list[dict[str, int]] = [{"id": lzma.FILTER_X86}] if x86 else []
    filters.append({"id": lzma.FILTER_LZMA2, "preset": level})
    if level in _XZ_LARGE_DICTIONARIES:  # a dictionary larger than the block only needs more memory, also to unpack
        filters[-1]["dict_size"] = _XZ_BLOCK
    return lzma.compress(block, format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC64, filters=filters)


def gzip_stream(chunks: Iterable[bytes], compression: Compression) -> Compressed:
    """One gzip member (RFC 1952) without name and time."""
    tally = Tally()
    yield struct.pack("<2sBBIBB", b"\x1f\x8b", 8, 0, 0, 0, 255)
    with workers(compression.threads) as threads:
        yield from deflate(tally.count(chunks), compression.level, threads)
    yield struct.pack("<II", tally.crc, tally.size & 0xFFFFFFFF)


@dataclass
class Tally:
    """CRC-32 and length of the bytes that have passed through `count`."""

    crc: int = 0
    size: int = 0

    def count(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Pass `chunks` on and count them."""
        for chunk in chunks:
            self.crc = zlib.crc32(chunk, self.crc)
            self.size += len(chunk)
            yield chunk


def deflate(chunks: Iterable[bytes], level: int, threads: Workers) -> Iterator[bytes]:
    """One raw deflate stream (RFC 1951), compressed in blocks of 1 MiB.

    Each block is compressed on its own, with the end of the block before it as its dictionary and a flush to a byte
    boundary at its end: put together they are one ordinary stream.
    """
    yield from threads.in_order(
        partial(_deflate_block, level=level), _with_dictionary(blocks_of(chunks, _DEFLATE_BLOCK))
    )
    yield _DEFLATE_END


def _with_dictionary(blocks: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    before = b""
    for block in blocks:
        yield before, block
        before = block[-_DEFLATE_WINDOW:]


def _deflate_block(work: tuple[bytes, bytes], level: int) -> bytes:
    dictionary, block = work
    compressor = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, zdict=dictionary)
    return compressor.compress(block) + compressor.flush(zlib.Z_SYNC_FLUSH)
