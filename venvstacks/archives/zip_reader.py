"""Strict reader of zip archives."""

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
_END_RECORD = 22
_TARGET_LIMIT = 4096
_ENCRYPTED = 1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, struct.error, IndexError,
    OverflowError, OSError,
)  # fmt: skip


def read_zip(stream: BinaryIO) -> Iterator[FoundMember]:
    """All members in the order of the central directory; see `read_tar`.

    Raises:
        ValueError: The archive is damaged or incomplete, holds something else than files, symbolic links and folders,
            or the file has bytes before or after the archive.
    """
    with _explaining():
        pack = zipfile.ZipFile(stream)
    with pack:
        _check_edges(stream, pack)
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


def _check_edges(stream: BinaryIO, pack: zipfile.ZipFile) -> None:
    """Refuse bytes before and after the archive: the zip format allows them, but publishing never writes any."""
    stream.seek(0, 2)
    length = stream.tell()
    stream.seek(max(0, length - _END_RECORD))
    if pack.comment or not stream.read(4) == b"PK\x05\x06":
        raise ValueError("something follows the end of the archive")
    if min((info.header_offset for info in pack.infolist()), default=0) != 0:
        raise ValueError("something precedes the archive")


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
