"""Published lists of files and of packages: JSON, a row to a line, compressed with gzip; read with bounds."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping

from venvstacks.archives.compression import Compression, gzip_stream
from venvstacks.json_forms import check_extent
from venvstacks.model.conventions import PACKED_LIMIT

UNPACKED_LIMIT = 80 << 20
"""Bytes that a list may unpack to: half a million files. A few kilobytes of gzip can claim gigabytes."""

_LEVEL = 9


def pack(
    head: Mapping[str, object], key: str, rows: Iterable[Mapping[str, object]], *, sort_keys: bool = False
) -> bytes:
    """A list as it is published; the same bytes for the same rows.

    Args:
        head: What stands before the rows.
        key: The key of the rows.
        rows: The rows.
        sort_keys: Whether keys are sorted, or stay in their order.
    """
    compact = json.JSONEncoder(separators=(",", ":"), sort_keys=sort_keys, ensure_ascii=False).encode
    lines = ",\n".join(map(compact, rows))
    text = f'{compact(head)[:-1]},"{key}":[\n{lines}\n]}}\n'.encode()
    return b"".join(gzip_stream([text], Compression(_LEVEL, 1, len(text))))


def unpack(data: bytes, most_values: int) -> bytes:
    """The text of a published list.

    Args:
        data: Its bytes.
        most_values: How many values it may hold.

    Raises:
        ValueError: It is not compressed as lists are, or larger than any layer needs.
    """
    if len(data) > PACKED_LIMIT:
        raise ValueError(f"it has more than {PACKED_LIMIT} bytes")
    inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        text = inflater.decompress(data, UNPACKED_LIMIT + 1)
    except zlib.error as error:
        raise ValueError(f"it is not compressed as it should be: {error}") from error
    if len(text) > UNPACKED_LIMIT:
        raise ValueError(f"it unpacks to more than {UNPACKED_LIMIT} bytes")
    if not inflater.eof or inflater.unused_data:
        raise ValueError("it is cut off, or something follows it")
    check_extent(text, most_values)
    return text
