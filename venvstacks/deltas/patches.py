"""Patches of one window: zstandard frames (RFC 8878) with a part of the old file as prefix.

They are made with the standard library's `compression.zstd` (`backports.zstd` before Python 3.14), which has prefixes,
and read as archives are. See docs/decisions/0035.
"""

from __future__ import annotations

import sys
from typing import Any

from venvstacks.archives.zstd_frames import Prefix, frame_content
from venvstacks.deltas.delta_index import OLD_PART, WINDOW

LEVEL = 10
MAKING_MEMORY = 400 << 20
"""Bytes of memory that making one patch may take."""

APPLYING_MEMORY = 2 * OLD_PART + 2 * WINDOW
"""Bytes of memory that applying one patch may take: the part of the old file twice, the result, and the frame."""

_LARGEST_TABLE = 24  # bits: 64 MiB, and another one saves 1 %
_LEAST_PREFIX = 8  # the library takes no shorter one as a prefix


def make_patch(old: bytes, new: bytes) -> bytes:
    """A frame that gives `new` where `old` is known; empty `old` for a frame that stands alone."""
    zstd = _zstd()
    prefix = zstd.ZstdDict(old, is_raw=True).as_prefix if len(old) > _LEAST_PREFIX else None
    frame: bytes = zstd.compress(new, options=_options(zstd, len(old) + len(new)), zstd_dict=prefix)
    return frame


def apply_patch(old: Prefix, frame: bytes, size: int) -> bytes:
    """What a patch gives. Whether that is the right content, only its digest can tell: a wrong `old` is not noticed.

    Args:
        old: The part of the old file.
        frame: The patch.
        size: Bytes of the result; no more memory is taken.

    Raises:
        ValueError: The frame is damaged, or its result has another size.
    """
    try:
        return frame_content(frame, size, WINDOW, old)
    except ValueError as error:
        raise ValueError(f"a patch is damaged: {error}") from error


def _options(zstd: Any, size: int) -> dict[Any, int]:  # noqa: ANN401 - a module under one of two names
    """Parameters for `size` bytes, old and new together: the window has to hold both.

    The table of places is as large as the old part needs: the level's own has room for the last 8 MiB. Long-distance
    matching also finds what is farther away, but only long matches: patches of libraries, where addresses change every
    few bytes, become 12 to 25 % larger.
    Frames state their size and have no checksum: every file is compared with its SHA-256.
    """
    wanted = zstd.CompressionParameter
    window = max(10, min(27, (size - 1).bit_length()))
    return {
        wanted.compression_level: LEVEL,
        wanted.window_log: window,
        wanted.hash_log: max(6, min(_LARGEST_TABLE, window - 1)),
        wanted.content_size_flag: 1,
        wanted.checksum_flag: 0,
        wanted.dict_id_flag: 0,
    }


def _zstd() -> Any:  # noqa: ANN401 - as above
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415 - only where deltas are made
    else:
        from backports import zstd  # noqa: PLC0415
    return zstd
