"""Decompression of archives in pieces of bounded size; a file must hold nothing after the end of the compressed data.

Every fault of a stream is a `ValueError`; the caller, which knows the archive's name, turns it into an error with it.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO

from venvstacks.archives.zstd_frames import frame_reader, frame_size

_PIECE = 1 << 20
_READ = 1 << 17
_WINDOW = 1 << 27  # zstd's own limit; our archives need half of it
_XZ_MEMORY = 128 << 20  # preset 9 needs 65 MiB
_ZSTD_CHECKSUM = 4
_ZSTD_BLOCK_HEADER = 3
_ZSTD_RLE, _ZSTD_RESERVED = 1, 3


@contextlib.contextmanager
def plain_chunks(stream: BinaryIO, suffix: str) -> Iterator[Iterator[bytes]]:
    """The decompressed content of `stream`, in pieces of at most 1 MiB.

    This is a context manager, so that the thread that decompresses ahead ends with the `with` block. If the generator
    owned the thread, the thread would be joined when the generator is garbage-collected, which may happen while another
    thread ends, and both would wait for each other for ever.

    Args:
        stream: The archive, at its first byte; seekable.
        suffix: `tar.zst`, `tar.xz` or `tar.gz`.

    Raises:
        ValueError: The stream is damaged, ends too early, or something follows it.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="inflate") as pool:
        yield _read_ahead(_READERS[suffix](stream), pool)


def _read_ahead(chunks: Iterator[bytes], pool: ThreadPoolExecutor) -> Iterator[bytes]:
    """Decompress the next piece in a thread of its own while this one is hashed and written."""
    coming = pool.submit(next, chunks, b"")
    while piece := coming.result():
        coming = pool.submit(next, chunks, b"")
        yield piece


def _zstd(stream: BinaryIO) -> Iterator[bytes]:
    length = os.fstat(stream.fileno()).st_size
    frame = zstd_frame_length(stream)
    if frame != length:
        raise ValueError("the archive is cut off" if frame > length else "something follows the compressed data")
    stream.seek(0)
    reader = frame_reader(stream, _WINDOW)
    try:
        while piece := reader.read(_PIECE):
            yield piece
    except ValueError as error:
        raise ValueError(f"the compressed data is damaged: {error}") from error


def zstd_frame_length(stream: BinaryIO) -> int:
    """The bytes that the zstandard frame at the start of `stream` takes, from its block headers (RFC 8878, 3.1.1).

    The length is needed because the library's reader continues with further frames and does not notice a missing
    checksum. A frame that ends beyond the end of the file is incomplete.

    Raises:
        ValueError: `stream` does not begin with a zstandard frame.
    """
    try:
        place, _, has_checksum = frame_size(stream.read(18))
    except ValueError as error:
        raise ValueError(f"this is not zstandard data: {error}") from error
    last = False
    while not last:
        stream.seek(place)
        read = stream.read(_ZSTD_BLOCK_HEADER)
        if len(read) < _ZSTD_BLOCK_HEADER:
            return place + _ZSTD_BLOCK_HEADER
        header = int.from_bytes(read, "little")
        last, kind, size = bool(header & 1), header >> 1 & 3, header >> 3
        if kind == _ZSTD_RESERVED:
            raise ValueError("the compressed data is damaged: reserved block type")
        place += _ZSTD_BLOCK_HEADER + (1 if kind == _ZSTD_RLE else size)
    return place + (_ZSTD_CHECKSUM if has_checksum else 0)


def _gzip(stream: BinaryIO) -> Iterator[bytes]:
    inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        while not inflater.eof:
            data = inflater.unconsumed_tail or stream.read(_READ)
            piece = inflater.decompress(data, _PIECE)
            if not data and not piece:
                raise ValueError("the archive is cut off")
            if piece:
                yield piece
    except zlib.error as error:
        raise ValueError(f"the compressed data is damaged: {error}") from error
    if inflater.unused_data or stream.read(1):
        raise ValueError("something follows the compressed data")


def _xz(stream: BinaryIO) -> Iterator[bytes]:
    """Decompress one xz stream after the other: publishing writes one for each block."""
    rest = stream.read(_READ)
    while rest:
        rest = yield from _xz_stream(stream, rest)


def _xz_stream(stream: BinaryIO, data: bytes) -> Generator[bytes, None, bytes]:
    """Decompress one stream that begins with `data`; returns the bytes that were read beyond its end."""
    import lzma  # noqa: PLC0415 - not part of every Python

    inflater = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
    try:
        while not inflater.eof:
            piece = inflater.decompress(data, _PIECE)
            if piece:
                yield piece
            data = b""
            if inflater.needs_input and not inflater.eof:
                data = stream.read(_READ)
                if not data:
                    raise ValueError("the archive is cut off")
    except lzma.LZMAError as error:
        raise ValueError(f"the compressed data is damaged: {error}") from error
    return inflater.unused_data or stream.read(_READ)


_READERS: dict[str, Callable[[BinaryIO], Iterator[bytes]]] = {
    "tar.zst": _zstd,
    "tar.gz": _gzip,
    "tar.xz": _xz,
}
