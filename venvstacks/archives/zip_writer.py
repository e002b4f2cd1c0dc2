"""Zip archives (PKWARE's APPNOTE 6.3.10), written from beginning to end, with Unix modes and symbolic links.

Not by `zipfile`, which compresses on one thread and takes the level of a single entry only through private attributes:
see docs/decisions/0025.
"""

from __future__ import annotations

import stat
import struct
import zlib
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime

from venvstacks.archives.compression import Compression, Tally, deflate
from venvstacks.archives.member_contents import Contents
from venvstacks.archives.members import Member
from venvstacks.archives.sink import Sink
from venvstacks.tools.workers import Workers, workers

_FIRST_TIME = int(datetime(1980, 1, 1, tzinfo=UTC).timestamp())
_LAST_TIME = int(datetime(2107, 12, 31, 23, 59, 58, tzinfo=UTC).timestamp())
_STORED, _DEFLATED = 0, 8
_UNIX = 3
_UTF8, _DESCRIPTOR = 1 << 11, 1 << 3
_VERSION, _VERSION_64 = 20, 45
_MAX_16, _MAX_32 = 0xFFFF, 0xFFFFFFFF
_DOS_FOLDER = 0x10
_LARGE = (
    _MAX_32 - 16 * 1024 * 1024
)  # deflate adds up to 5 bytes to each 16 KiB that it cannot compress: 1.3 MB of 4 GiB


@dataclass(frozen=True)
class ZipEntry:
    """One member's fields in the archive, before its data and in the central directory.

    Attributes:
        member: The member.
        when: DOS date and time.
        offset: Where its local header begins.
        crc: CRC-32 of the data, 0 until it is known.
        packed: Bytes of data in the archive, 0 until they are known.
        size: Bytes of data unpacked, 0 until they are known; a link's data is its target.
    """

    member: Member
    when: int
    offset: int
    crc: int = 0
    packed: int = 0
    size: int = 0

    @property
    def name(self) -> bytes:
        """The name as it is written to the archive: in UTF-8, for folders with a final slash."""
        return (self.member.path + "/" * self.member.is_folder).encode()

    @property
    def method(self) -> int:
        """The compression method: non-empty files are deflated; links, folders and empty files are stored."""
        return _DEFLATED if self.member.size else _STORED

    @property
    def flags(self) -> int:
        """The flag bits: names are UTF-8; the sizes of deflated members follow their data."""
        return _UTF8 | (_DESCRIPTOR if self.member.size else 0)

    @property
    def large(self) -> bool:
        """Whether the sizes may need eight bytes each, as far as this is known before compressing."""
        return self.member.size >= _LARGE


def zip_time(epoch: int) -> int:
    """The time that a zip archive stores for `epoch`, in seconds since 1970: rounded down to two seconds.

    Zip stores times from 1980 to 2107; earlier times become the first of them, later times the last.
    """
    return min(max(epoch, _FIRST_TIME), _LAST_TIME) // 2 * 2


def write_zip(contents: Contents, epoch: int, compression: Compression, sink: Sink) -> None:
    """Write a zip archive of `contents`; every time is `zip_time(epoch)`, in UTC.

    Raises:
        ChangedEnvironmentError: The tree differs from the members.
        PublishError: A file cannot be read.
        OSError: The sink cannot be written to.
    """
    when = _dos_time(epoch)
    entries = []
    with workers(compression.threads) as threads:
        for member in contents.members:
            entry = ZipEntry(member, when, sink.size)
            if member.size:
                entries.append(_write_deflated(entry, contents, (compression.level, threads), sink))
            else:
                entries.append(_write_stored(entry, contents, sink))
    start = sink.size
    for entry in entries:
        sink.write(central_record(entry))
    sink.write(end_records(len(entries), start, sink.size - start))


def _write_stored(entry: ZipEntry, contents: Contents, sink: Sink) -> ZipEntry:
    deque(contents.read(entry.member), maxlen=0)
    data = (entry.member.target or "").encode()
    whole = ZipEntry(entry.member, entry.when, entry.offset, zlib.crc32(data), len(data), len(data))
    sink.write(local_header(whole) + data)
    return whole


def _write_deflated(entry: ZipEntry, contents: Contents, how: tuple[int, Workers], sink: Sink) -> ZipEntry:
    sink.write(local_header(entry))
    start = sink.size
    tally = Tally()
    level, threads = how
    for chunk in deflate(tally.count(contents.read(entry.member)), level, threads):
        sink.write(chunk)
    whole = ZipEntry(entry.member, entry.when, entry.offset, tally.crc, sink.size - start, tally.size)
    sizes = "QQ" if entry.large else "II"
    sink.write(struct.pack(f"<4sI{sizes}", b"PK\x07\x08", whole.crc, whole.packed, whole.size))
    return whole


def local_header(entry: ZipEntry) -> bytes:
    """The local header, which precedes the data of a member (APPNOTE 4.3.7)."""
    extra = struct.pack("<HHQQ", 1, 16, entry.size, entry.packed) if entry.large else b""
    packed, size = (_MAX_32, _MAX_32) if entry.large else (entry.packed, entry.size)
    return (
        struct.pack(
            "<4sHHHIIIIHH",
            b"PK\x03\x04",
            _VERSION_64 if entry.large else _VERSION,
            entry.flags,
            entry.method,
            entry.when,
            entry.crc,
            packed,
            size,
            len(entry.name),
            len(extra),
        )
        + entry.name
        + extra
    )


def central_record(entry: ZipEntry) -> bytes:
    """A member's record in the central directory (APPNOTE 4.3.12); numbers that do not fit go to the zip64 field."""
    fields = (entry.size, entry.packed, entry.offset)
    wide = [number for number in fields if number >= _MAX_32]
    size, packed, offset = (min(number, _MAX_32) for number in fields)
    extra = struct.pack(f"<HH{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
    version = _VERSION_64 if wide or entry.large else _VERSION
    return (
        struct.pack(
            "<4sBBHHHIIIIHHHHHII",
            b"PK\x01\x02",
            version,
            _UNIX,
            version,
            entry.flags,
            entry.method,
            entry.when,
            entry.crc,
            packed,
            size,
            len(entry.name),
            len(extra),
            0,
            0,
            0,
            _attributes(entry.member),
            offset,
        )
        + entry.name
        + extra
    )


def end_records(count: int, start: int, size: int) -> bytes:
    """The end of the archive; `count` records of together `size` bytes begin at `start` (APPNOTE 4.3.14 to 4.3.16)."""
    zip64 = b""
    if count >= _MAX_16 or start >= _MAX_32 or size >= _MAX_32:
        zip64 = struct.pack(
            "<4sQBBHIIQQQQ", b"PK\x06\x06", 44, _VERSION_64, _UNIX, _VERSION_64, 0, 0, count, count, size, start
        )
        zip64 += struct.pack("<4sIQI", b"PK\x06\x07", 0, start + size, 1)
    short = min(count, _MAX_16)
    return zip64 + struct.pack(
        "<4sHHHHIIH", b"PK\x05\x06", 0, 0, short, short, min(size, _MAX_32), min(start, _MAX_32), 0
    )


def _attributes(member: Member) -> int:
    """External attributes: the Unix mode in the upper half, the DOS folder bit in the lower."""
    kind = stat.S_IFLNK if member.is_link else stat.S_IFDIR if member.is_folder else stat.S_IFREG
    return (kind | member.mode) << 16 | (_DOS_FOLDER if member.is_folder else 0)


def _dos_time(epoch: int) -> int:
    when = datetime.fromtimestamp(zip_time(epoch), UTC)
    date = (when.year - 1980) << 9 | when.month << 5 | when.day
    return date << 16 | when.hour << 11 | when.minute << 5 | when.second // 2
