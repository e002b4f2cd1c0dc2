"""Writing a layer's archive in one of the formats: complete and compared, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks.archives.compression import Compression
from venvstacks.archives.formats import DEFAULT_FORMAT, archive_format, check_epoch
from venvstacks.archives.sink import Sink
from venvstacks.archives.write_failures import not_written
from venvstacks.errors import UsageError
from venvstacks.tools.files import replacing

if TYPE_CHECKING:
    from venvstacks.archives.member_contents import Contents


@dataclass(frozen=True)
class ArchiveRequest:
    """One archive to be written.

    Attributes:
        contents: What goes into it.
        destination: The archive's path; a file there is replaced when the new archive is complete.
        rename: Gives another name for the finished archive, in the same folder, from its size and digest.
        epoch: Seconds since 1970, UTC, that every member's time is set to.
        format: Name in `ARCHIVE_FORMATS`.
        level: The format's compression level, None for its default.
        threads: How many threads may compress; has no influence on the bytes.
        x86: Whether its programs are for x86 processors; xz then compresses them better.
    """

    contents: Contents
    destination: Path
    epoch: int
    format: str = DEFAULT_FORMAT
    level: int | None = None
    threads: int = 1
    x86: bool = False
    rename: Callable[[ArchiveWritten], Path] | None = None


@dataclass(frozen=True)
class ArchiveWritten:
    """A finished archive.

    Attributes:
        size: Bytes.
        sha256: Hex digest.
        epoch: The time that its members carry: the requested one, or for `zip` the nearest that the format can store.
    """

    size: int
    sha256: str
    epoch: int


def write_archive(request: ArchiveRequest) -> ArchiveWritten:
    """Write an archive whose bytes depend on members, epoch, format and level only.

    Every file is compared with its recorded size and digest while it is packed. On any failure an earlier archive
    stays as it is. Memory is bounded by the format and the number of threads, not by the size of the tree.

    Raises:
        UsageError: Format, level, epoch or number of threads is not valid.
        ChangedEnvironmentError: The environment differs from the members.
        PublishError: A file cannot be read, or the archive cannot be written.
    """
    chosen = archive_format(request.format)
    _check_numbers(request)
    compression = Compression(chosen.level(request.level), request.threads, request.contents.size, x86=request.x86)
    epoch = chosen.time(request.epoch)

    def finished() -> Path:
        return request.rename(written()) if request.rename else request.destination

    def written() -> ArchiveWritten:
        return ArchiveWritten(sink.size, sink.sha256, epoch)

    place = request.destination
    with not_written(place), replacing(place, finished) as temporary, temporary.open("wb") as stream:
        sink = Sink(stream)
        chosen.write(request.contents, epoch, compression, sink)
    return written()


def _check_numbers(request: ArchiveRequest) -> None:
    check_epoch(request.epoch)
    if request.threads < 1:
        raise UsageError(f"{request.threads} threads cannot compress anything", hint="use at least 1 thread")
