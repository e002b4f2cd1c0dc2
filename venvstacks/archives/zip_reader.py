"""Strict reader of zip archives.

The directory of an archive is read into memory as a whole, so its size is checked before.
"""

from __future__ import annotations

import contextlib
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from venvstacks.archives.found import FoundMember
from venvstacks.modes import is_executable

_PIECE = 1 << 20
_END = struct.Struct("<4s8xIIH")  # the end record (APPNOTE 4.3.16): size and place of the directory, comment length
_END64 = struct.Struct("<4s36xQQ")  # the same for large archives (4.3.14)
_LOCATOR = struct.Struct("<4s4xQ4x")  # where that is (4.3.15); publishing writes the three one after the other
_TARGET_LIMIT = 4096
_ENCRYPTED = 1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, struct.error, IndexError,
    OverflowError, OSError,
)  # fmt: skip


def read_zip(stream: BinaryIO, directory_limit: int) -> Iterator[FoundMember]:
    """All members in the order of the central directory; see `read_tar`.

    Args:
        stream: The archive; seekable.
        directory_limit: How many bytes its central directory may have.

    Raises:
        ValueError: The archive is damaged or incomplete, holds something else than files, symbolic links and folders,
            has a larger directory, or the file has bytes before or after the archive.
    """
    with _explaining():
        size = _directory_size(stream)
        if size > directory_limit:
            raise ValueError(f"the zip archive's directory has {size} bytes, and may have {directory_limit}")
        pack = zipfile.ZipFile(stream)
    with pack:
        if min((info.header_offset for info in pack.infolist()), default=0) != 0:
            raise ValueError("something precedes the archive")
        for info in pack.infolist():
            with _explaining():
                found = _found(pack, info)
            yield found


@contextlib.contextmanager
def _explaining() -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise ValueError(f"the zip archive is damaged: {error}") from error


def _directory_size(stream: BinaryIO) -> int:
    """The bytes of the central directory, as the library will read it.

    Bytes after the archive are refused: the format allows them, but publishing never writes any.
    """
    length = stream.seek(0, 2)
    longest = _END64.size + _LOCATOR.size + _END.size
    stream.seek(max(0, length - longest))
    tail = stream.read(longest).rjust(longest, b"\0")
    signature, size, _, comment = _END.unpack(tail[-_END.size :])
    if signature != b"PK\x05\x06" or comment:
        raise ValueError("the zip archive is damaged: it has no end record, or something follows the end")
    locator, place = _LOCATOR.unpack(tail[_END64.size : -_END.size])
    if locator != b"PK\x06\x07":
        return int(size)
    signature, size, _ = _END64.unpack(tail[: _END64.size])
    if signature != b"PK\x06\x06" or place != length - longest:
        raise ValueError("the zip archive is damaged: its end records are not in one place")
    return int(size)


def _found(pack: zipfile.ZipFile, info: zipfile.ZipInfo) -> FoundMember:
    path = info.orig_filename  # the standard library cuts `filename` at a NUL and turns backslashes on Windows
    if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
        raise ValueError(f"{path!r} is encrypted or compressed in an unknown way")
    mode = info.external_attr >> 16
    kind = stat.S_IFMT(mode)
    if kind == stat.S_IFDIR or (not kind and path.endswith("/")):
        if info.file_size:
            raise ValueError(f"{path!r} is not a file but has content")
        return FoundMember(path.removesuffix("/"), is_folder=True)
    if kind == stat.S_IFLNK:
        return FoundMember(path, target=_target(pack, info))
    if kind not in {0, stat.S_IFREG}:
        raise ValueError(f"{path!r} is neither a file nor a folder nor a symbolic link")
    return FoundMember(path, size=info.file_size, executable=is_executable(mode), content=_content(pack, info))


def _target(pack: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    if info.file_size > _TARGET_LIMIT:
        raise ValueError(f"{info.orig_filename!r} is a symbolic link with a target of {info.file_size} bytes")
    return b"".join(_content(pack, info)).decode()


def _content(pack: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """The bytes of a file; a file that unpacks to more bytes than announced ends there, so its checksum is wrong."""
    with _explaining(), pack.open(info) as stream:
        while piece := stream.read(_PIECE):
            yield piece
