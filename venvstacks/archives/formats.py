"""The archive formats: their names, compression levels and times."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, Protocol

from venvstacks.errors import UsageError

if TYPE_CHECKING:
    from venvstacks.archives.compression import Compression
    from venvstacks.archives.member_contents import Contents
    from venvstacks.archives.sink import Sink

# What writes archives is imported when one is written: every run looks up its format here.

DEFAULT_FORMAT = "tar.zst"
SMALLEST_FORMAT = "tar.xz"
DEFAULT_EFFORT = "balanced"
_EPOCHS = range(8**11)  # the range of a tar header: 1970 to 2242


class Backend(Protocol):
    """Writes the contents of one archive."""

    def __call__(self, contents: Contents, epoch: int, compression: Compression, sink: Sink) -> None:
        """Write an archive of `contents` to `sink`, every time in it being `epoch`."""
        ...


@dataclass(frozen=True)
class ArchiveFormat:
    """One way to pack a tree into a file.

    Attributes:
        suffix: File name extension without the leading dot; also the format's name.
        write: Its backend.
        levels: The compression levels of the format.
        efforts: Levels by name: `fast`, `balanced` (the default) and `small`.
        time: Gives the time that the format stores for a wanted time, both in seconds since 1970.
    """

    suffix: str
    write: Backend
    levels: range
    efforts: Mapping[str, int]
    time: Callable[[int], int] = int

    def level(self, wanted: int | None = None) -> int:
        """The wanted level if the format has it; the format's default for None.

        Raises:
            UsageError: The format has no such level.
        """
        level = self.efforts[DEFAULT_EFFORT] if wanted is None else wanted
        if level not in self.levels:
            raise UsageError(
                f"compression level {level} does not exist for {self.suffix} archives",
                hint=f"use a level from {self.levels[0]} to {self.levels[-1]}",
            )
        return level

    def effort(self, wanted: str | int | None) -> int | None:
        """The level for `fast`, `balanced`, `small` or a number; None for the default.

        Raises:
            UsageError: There is no such effort or level.
        """
        if wanted is None or wanted == DEFAULT_EFFORT:
            return None
        if wanted in self.efforts:
            return self.efforts[str(wanted)]
        if isinstance(wanted, str) and not re.fullmatch("[0-9]{1,4}", wanted):
            raise UsageError(
                f"there is no compression {wanted[:40]!r}",
                hint=f"use {', '.join(self.efforts)}, or a level as a number",
            )
        return self.level(int(wanted))


def _write_tar(
    contents: Contents, epoch: int, compression: Compression, sink: Sink, *, stream: Literal["gzip", "xz", "zstd"]
) -> None:
    from venvstacks.archives.compression import gzip_stream, xz_stream, zstd_stream  # noqa: PLC0415
    from venvstacks.archives.tar_writer import tar_chunks  # noqa: PLC0415

    compress = {"gzip": gzip_stream, "xz": xz_stream, "zstd": zstd_stream}[stream]
    with contextlib.closing(compress(tar_chunks(contents, epoch), compression)) as chunks:
        for chunk in chunks:
            sink.write(chunk)


def _write_zip(contents: Contents, epoch: int, compression: Compression, sink: Sink) -> None:
    from venvstacks.archives.zip_writer import write_zip  # noqa: PLC0415

    write_zip(contents, epoch, compression, sink)


def _zip_time(epoch: int) -> int:
    from venvstacks.archives.zip_writer import zip_time  # noqa: PLC0415

    return zip_time(epoch)


def _efforts(fast: int, balanced: int, small: int) -> Mapping[str, int]:
    return {"fast": fast, DEFAULT_EFFORT: balanced, "small": small}


ARCHIVE_FORMATS: Mapping[str, ArchiveFormat] = {
    known.suffix: known
    for known in (
        ArchiveFormat("tar.zst", partial(_write_tar, stream="zstd"), range(1, 23), _efforts(3, 10, 19)),
        ArchiveFormat("tar.xz", partial(_write_tar, stream="xz"), range(10), _efforts(1, 6, 6)),
        ArchiveFormat("tar.gz", partial(_write_tar, stream="gzip"), range(1, 10), _efforts(1, 6, 9)),
        ArchiveFormat("zip", _write_zip, range(1, 10), _efforts(1, 6, 9), time=_zip_time),
    )
}


def archive_format(name: str) -> ArchiveFormat:
    """The format with this name.

    Raises:
        UsageError: There is no such format.
    """
    if name not in ARCHIVE_FORMATS:
        raise UsageError(f"there is no archive format {name!r}", hint=f"use one of {', '.join(ARCHIVE_FORMATS)}")
    return ARCHIVE_FORMATS[name]


def check_epoch(epoch: int) -> int:
    """Return `epoch` if every format can store this time.

    Raises:
        UsageError: Some format cannot.
    """
    if epoch not in _EPOCHS:
        raise UsageError(
            f"archives cannot carry the time {epoch}",
            hint="give seconds since 1970 (UTC), from 0 to the year 2242",
        )
    return epoch
