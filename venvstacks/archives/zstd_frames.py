"""Reading zstandard frames (RFC 8878) with the library that this Python has.

That is `zstandard`, or else the standard library's module of Python 3.14 or its backport.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any, BinaryIO, Protocol

from venvstacks.errors import UsageError

_LEAST_PREFIX = 8  # the libraries take no shorter one as a prefix
_READ = 1 << 17
_MAGIC = b"\x28\xb5\x2f\xfd"


class FrameReader(Protocol):
    """The content of one frame."""

    def read(self, size: int) -> bytes:
        """At most `size` bytes; none at the end.

        Raises:
            ValueError: The frame is damaged, or cut off.
        """


def frame_reader(stream: BinaryIO, window: int) -> FrameReader:
    """The content of the frame that begins where `stream` is.

    Args:
        stream: What holds the frame.
        window: Bytes that the frame's window may have: the most memory that reading takes.

    Raises:
        UsageError: This Python has no library for it.
    """
    library, is_standard = _library()
    if is_standard:
        return _StandardReader(library, stream, window)
    return _Reader(library, library.ZstdDecompressor(max_window_size=window).stream_reader(stream, closefd=False))


class Prefix:
    """What contents were compressed against, in the library's form: one copy of the bytes, for all frames that need it.

    Raises:
        UsageError: This Python has no library for it.
    """

    def __init__(self, content: bytes | memoryview = b"") -> None:
        library, is_standard = _library()
        self.size = len(content)
        self.known: Any = None
        if len(content) > _LEAST_PREFIX and is_standard:
            self.known = library.ZstdDict(content, is_raw=True)
        elif len(content) > _LEAST_PREFIX:
            self.known = library.ZstdCompressionDict(content, dict_type=library.DICT_TYPE_RAWCONTENT)


def frame_content(frame: bytes, size: int, window: int, prefix: Prefix | None = None) -> bytes:
    """The content of a frame, which has to be `size` bytes.

    Args:
        frame: The frame.
        size: Bytes of the content; no more memory is taken.
        window: Bytes that the frame's window may have.
        prefix: What the content was compressed against.

    Raises:
        ValueError: The frame is damaged, or its content has another size.
        UsageError: This Python has no library for it.
    """
    library, is_standard = _library()
    wrong = ValueError("it has another size than its index says")
    if frame_size(frame)[1] != size:
        raise wrong
    prefix = prefix or Prefix()
    try:
        if is_standard:
            data = _standard_content(library, frame, size, window, prefix)
        else:
            given = {} if prefix.known is None else {"dict_data": prefix.known}
            inflater = library.ZstdDecompressor(max_window_size=window, **given)
            data = inflater.decompress(frame, allow_extra_data=False)
    except library.ZstdError as error:
        raise ValueError(str(error)) from error
    if len(data) != size:
        raise wrong
    return bytes(data)


def _standard_content(library: Any, frame: bytes, size: int, window: int, prefix: Prefix) -> bytes:  # noqa: ANN401
    known = None if prefix.known is None else prefix.known.as_prefix
    inflater = library.ZstdDecompressor(known, options=_options(library, max(window, prefix.size + size)))
    data = inflater.decompress(frame, size + 1)
    if not inflater.eof or inflater.unused_data:
        raise ValueError("it is cut off, or something follows it")
    return bytes(data)


def frame_size(head: bytes) -> tuple[int, int | None, bool]:
    """Bytes of a frame's header, bytes of the content if the header says so, and whether a checksum follows the blocks.

    Args:
        head: The first 18 bytes of a frame, or all of a shorter one.

    Raises:
        ValueError: That is no header (RFC 8878, 3.1.1.1).
    """
    if head[:4] != _MAGIC or len(head) <= len(_MAGIC):
        raise ValueError("it does not begin as a frame does")
    descriptor = head[4]
    is_single, has_checksum = bool(descriptor & 0x20), bool(descriptor & 0x04)
    if descriptor & 0x08:
        raise ValueError("a reserved bit is set")
    place = 5 + (not is_single) + (0, 1, 2, 4)[descriptor & 3]
    length = (int(is_single), 2, 4, 8)[descriptor >> 6]
    if len(head) < place + length:
        raise ValueError("its header is cut off")
    content = int.from_bytes(head[place : place + length], "little") + (256 if length == 2 else 0)
    return place + length, content if length else None, has_checksum


class _Reader:
    """The reader of `zstandard`, with its faults as `ValueError`."""

    def __init__(self, library: Any, inner: Any) -> None:  # noqa: ANN401 - modules without a common type
        self._library = library
        self._inner = inner

    def read(self, size: int) -> bytes:
        """See `FrameReader`."""
        try:
            return bytes(self._inner.read(size))
        except self._library.ZstdError as error:
            raise ValueError(str(error)) from error


class _StandardReader:
    """The decompressor of the standard library as a reader."""

    def __init__(self, library: Any, stream: BinaryIO, window: int) -> None:  # noqa: ANN401 - as above
        self._library = library
        self._stream = stream
        self._inflater = library.ZstdDecompressor(options=_options(library, window))

    def read(self, size: int) -> bytes:
        """See `FrameReader`."""
        try:
            while not self._inflater.eof:
                data = self._stream.read(_READ) if self._inflater.needs_input else b""
                piece = self._inflater.decompress(data, size)
                if piece:
                    return bytes(piece)
                if not data and self._inflater.needs_input:
                    raise ValueError("it is cut off")
        except self._library.ZstdError as error:
            raise ValueError(str(error)) from error
        return b""


def _options(library: Any, window: int) -> dict[Any, int]:  # noqa: ANN401 - as above
    return {library.DecompressionParameter.window_log_max: max(10, (window - 1).bit_length())}


def _library() -> tuple[Any, bool]:
    """The library, and whether it is the standard library's or its backport; late, as they are slow to import."""
    standard = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    for name in ("zstandard", standard):
        try:
            return importlib.import_module(name), name == standard
        except ImportError:
            continue
    raise UsageError(
        "this Python cannot read .tar.zst archives and deltas",
        hint="use Python 3.14 or later, install zstandard for this one, or publish with --archive-format tar.xz",
    )
